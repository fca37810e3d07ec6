from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.transfer_out_direction import TransferOutDirection, check_transfer_out_direction

if TYPE_CHECKING:
    from ..models.event_out import EventOut
    from ..models.transfer_challenge_out import TransferChallengeOut


T = TypeVar("T", bound="TransferOut")


@_attrs_define
class TransferOut:
    """An internal transfer as one of its two sides sees it. Each sees of the other what the sender went by: both e-mail
    addresses, or the deposit address alone.

    """

    amount: str
    asset: str
    can_cancel: bool | None
    challenge: None | TransferChallengeOut
    """ Present while the sender's second factor is waited for """
    completed_at: None | str
    created_at: str
    detail: None | str
    direction: TransferOutDirection
    """ `in` for its recipient, who sees it once it is completed """
    events: list[EventOut]
    expected_by: None | str
    from_email: None | str
    id: UUID
    network: None | str
    """ Of `to_address`; nothing goes over it """
    reference: None | str
    """ The sender's own; null for the recipient """
    since: None | str
    state: str
    sub_status: None | str
    to_address: None | str
    to_email: None | str
    waiting_for: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.transfer_challenge_out import TransferChallengeOut  # noqa: PLC0415

        amount = self.amount

        asset = self.asset

        can_cancel: bool | None
        can_cancel = self.can_cancel

        challenge: dict[str, Any] | None
        if isinstance(self.challenge, TransferChallengeOut):
            challenge = self.challenge.to_dict()
        else:
            challenge = self.challenge

        completed_at: None | str
        completed_at = self.completed_at

        created_at = self.created_at

        detail: None | str
        detail = self.detail

        direction: str = self.direction

        events = []
        for events_item_data in self.events:
            events_item = events_item_data.to_dict()
            events.append(events_item)

        expected_by: None | str
        expected_by = self.expected_by

        from_email: None | str
        from_email = self.from_email

        id = str(self.id)

        network: None | str
        network = self.network

        reference: None | str
        reference = self.reference

        since: None | str
        since = self.since

        state = self.state

        sub_status: None | str
        sub_status = self.sub_status

        to_address: None | str
        to_address = self.to_address

        to_email: None | str
        to_email = self.to_email

        waiting_for: None | str
        waiting_for = self.waiting_for

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "amount": amount,
                "asset": asset,
                "can_cancel": can_cancel,
                "challenge": challenge,
                "completed_at": completed_at,
                "created_at": created_at,
                "detail": detail,
                "direction": direction,
                "events": events,
                "expected_by": expected_by,
                "from_email": from_email,
                "id": id,
                "network": network,
                "reference": reference,
                "since": since,
                "state": state,
                "sub_status": sub_status,
                "to_address": to_address,
                "to_email": to_email,
                "waiting_for": waiting_for,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.event_out import EventOut  # noqa: PLC0415
        from ..models.transfer_challenge_out import TransferChallengeOut  # noqa: PLC0415

        d = dict(src_dict)
        amount = d.pop("amount")

        asset = d.pop("asset")

        def _parse_can_cancel(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        can_cancel = _parse_can_cancel(d.pop("can_cancel"))

        def _parse_challenge(data: object) -> None | TransferChallengeOut:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                challenge_type_0 = TransferChallengeOut.from_dict(data)

                return challenge_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TransferChallengeOut, data)

        challenge = _parse_challenge(d.pop("challenge"))

        def _parse_completed_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        completed_at = _parse_completed_at(d.pop("completed_at"))

        created_at = d.pop("created_at")

        def _parse_detail(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        detail = _parse_detail(d.pop("detail"))

        direction = check_transfer_out_direction(d.pop("direction"))

        events = []
        _events = d.pop("events")
        for events_item_data in _events:
            events_item = EventOut.from_dict(events_item_data)

            events.append(events_item)

        def _parse_expected_by(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        expected_by = _parse_expected_by(d.pop("expected_by"))

        def _parse_from_email(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        from_email = _parse_from_email(d.pop("from_email"))

        id = UUID(d.pop("id"))

        def _parse_network(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        network = _parse_network(d.pop("network"))

        def _parse_reference(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reference = _parse_reference(d.pop("reference"))

        def _parse_since(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        since = _parse_since(d.pop("since"))

        state = d.pop("state")

        def _parse_sub_status(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        sub_status = _parse_sub_status(d.pop("sub_status"))

        def _parse_to_address(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        to_address = _parse_to_address(d.pop("to_address"))

        def _parse_to_email(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        to_email = _parse_to_email(d.pop("to_email"))

        def _parse_waiting_for(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        waiting_for = _parse_waiting_for(d.pop("waiting_for"))

        transfer_out = cls(
            amount=amount,
            asset=asset,
            can_cancel=can_cancel,
            challenge=challenge,
            completed_at=completed_at,
            created_at=created_at,
            detail=detail,
            direction=direction,
            events=events,
            expected_by=expected_by,
            from_email=from_email,
            id=id,
            network=network,
            reference=reference,
            since=since,
            state=state,
            sub_status=sub_status,
            to_address=to_address,
            to_email=to_email,
            waiting_for=waiting_for,
        )

        transfer_out.additional_properties = d
        return transfer_out

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
