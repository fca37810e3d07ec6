from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.session_out_credential import SessionOutCredential, check_session_out_credential

T = TypeVar("T", bound="SessionOut")


@_attrs_define
class SessionOut:
    created_at: str
    credential: SessionOutCredential
    current: bool
    expires_at: str
    id: UUID
    last_seen_at: str
    user_agent: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        created_at = self.created_at

        credential: str = self.credential

        current = self.current

        expires_at = self.expires_at

        id = str(self.id)

        last_seen_at = self.last_seen_at

        user_agent: None | str
        user_agent = self.user_agent

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "created_at": created_at,
                "credential": credential,
                "current": current,
                "expires_at": expires_at,
                "id": id,
                "last_seen_at": last_seen_at,
                "user_agent": user_agent,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        created_at = d.pop("created_at")

        credential = check_session_out_credential(d.pop("credential"))

        current = d.pop("current")

        expires_at = d.pop("expires_at")

        id = UUID(d.pop("id"))

        last_seen_at = d.pop("last_seen_at")

        def _parse_user_agent(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        user_agent = _parse_user_agent(d.pop("user_agent"))

        session_out = cls(
            created_at=created_at,
            credential=credential,
            current=current,
            expires_at=expires_at,
            id=id,
            last_seen_at=last_seen_at,
            user_agent=user_agent,
        )

        session_out.additional_properties = d
        return session_out

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
