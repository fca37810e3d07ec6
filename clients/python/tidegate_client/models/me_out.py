from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.email_waiting_out import EmailWaitingOut
    from ..models.hold_out import HoldOut
    from ..models.notices_out import NoticesOut


T = TypeVar("T", bound="MeOut")


@_attrs_define
class MeOut:
    created_at: str
    currency: str
    email: str
    email_waiting: EmailWaitingOut | None
    factors: list[Literal["totp"]]
    """ Second factors that are set up; empty: none yet """
    holds: list[HoldOut]
    id: UUID
    language: str
    name: None | str
    notices: NoticesOut
    """ What the account wants to be told about; security notices are always sent. """
    permissions: list[str]
    recovery_codes_left: int
    roles: list[str]
    session_id: None | UUID
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.email_waiting_out import EmailWaitingOut  # noqa: PLC0415

        created_at = self.created_at

        currency = self.currency

        email = self.email

        email_waiting: dict[str, Any] | None
        if isinstance(self.email_waiting, EmailWaitingOut):
            email_waiting = self.email_waiting.to_dict()
        else:
            email_waiting = self.email_waiting

        factors = self.factors

        holds = []
        for holds_item_data in self.holds:
            holds_item = holds_item_data.to_dict()
            holds.append(holds_item)

        id = str(self.id)

        language = self.language

        name: None | str
        name = self.name

        notices = self.notices.to_dict()

        permissions = self.permissions

        recovery_codes_left = self.recovery_codes_left

        roles = self.roles

        session_id: None | str
        if isinstance(self.session_id, UUID):
            session_id = str(self.session_id)
        else:
            session_id = self.session_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "created_at": created_at,
                "currency": currency,
                "email": email,
                "email_waiting": email_waiting,
                "factors": factors,
                "holds": holds,
                "id": id,
                "language": language,
                "name": name,
                "notices": notices,
                "permissions": permissions,
                "recovery_codes_left": recovery_codes_left,
                "roles": roles,
                "session_id": session_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.email_waiting_out import EmailWaitingOut  # noqa: PLC0415
        from ..models.hold_out import HoldOut  # noqa: PLC0415
        from ..models.notices_out import NoticesOut  # noqa: PLC0415

        d = dict(src_dict)
        created_at = d.pop("created_at")

        currency = d.pop("currency")

        email = d.pop("email")

        def _parse_email_waiting(data: object) -> EmailWaitingOut | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                email_waiting_type_0 = EmailWaitingOut.from_dict(data)

                return email_waiting_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(EmailWaitingOut | None, data)

        email_waiting = _parse_email_waiting(d.pop("email_waiting"))

        factors = []
        _factors = d.pop("factors")
        for factors_item_data in _factors:
            factors_item = cast(Literal["totp"], factors_item_data)
            if factors_item != "totp":
                raise ValueError(f"factors_item must match const 'totp', got '{factors_item}'")
            factors.append(factors_item)

        holds = []
        _holds = d.pop("holds")
        for holds_item_data in _holds:
            holds_item = HoldOut.from_dict(holds_item_data)

            holds.append(holds_item)

        id = UUID(d.pop("id"))

        language = d.pop("language")

        def _parse_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        name = _parse_name(d.pop("name"))

        notices = NoticesOut.from_dict(d.pop("notices"))

        permissions = cast(list[str], d.pop("permissions"))

        recovery_codes_left = d.pop("recovery_codes_left")

        roles = cast(list[str], d.pop("roles"))

        def _parse_session_id(data: object) -> None | UUID:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                session_id_type_0 = UUID(data)

                return session_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UUID, data)

        session_id = _parse_session_id(d.pop("session_id"))

        me_out = cls(
            created_at=created_at,
            currency=currency,
            email=email,
            email_waiting=email_waiting,
            factors=factors,
            holds=holds,
            id=id,
            language=language,
            name=name,
            notices=notices,
            permissions=permissions,
            recovery_codes_left=recovery_codes_left,
            roles=roles,
            session_id=session_id,
        )

        me_out.additional_properties = d
        return me_out

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
