from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.move_out_purpose import MoveOutPurpose, check_move_out_purpose
from ..models.move_out_state import MoveOutState, check_move_out_state

T = TypeVar("T", bound="MoveOut")


@_attrs_define
class MoveOut:
    """One movement of the house's own money."""

    address: str
    amount: str
    asset: str
    created_at: str
    ended_at: None | str
    id: UUID
    network: str
    purpose: MoveOutPurpose
    reason: None | str
    state: MoveOutState
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        address = self.address

        amount = self.amount

        asset = self.asset

        created_at = self.created_at

        ended_at: None | str
        ended_at = self.ended_at

        id = str(self.id)

        network = self.network

        purpose: str = self.purpose

        reason: None | str
        reason = self.reason

        state: str = self.state

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address": address,
                "amount": amount,
                "asset": asset,
                "created_at": created_at,
                "ended_at": ended_at,
                "id": id,
                "network": network,
                "purpose": purpose,
                "reason": reason,
                "state": state,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        address = d.pop("address")

        amount = d.pop("amount")

        asset = d.pop("asset")

        created_at = d.pop("created_at")

        def _parse_ended_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        ended_at = _parse_ended_at(d.pop("ended_at"))

        id = UUID(d.pop("id"))

        network = d.pop("network")

        purpose = check_move_out_purpose(d.pop("purpose"))

        def _parse_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reason = _parse_reason(d.pop("reason"))

        state = check_move_out_state(d.pop("state"))

        move_out = cls(
            address=address,
            amount=amount,
            asset=asset,
            created_at=created_at,
            ended_at=ended_at,
            id=id,
            network=network,
            purpose=purpose,
            reason=reason,
            state=state,
        )

        move_out.additional_properties = d
        return move_out

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
