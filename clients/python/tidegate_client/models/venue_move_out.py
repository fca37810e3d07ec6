from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.venue_move_out_direction import VenueMoveOutDirection, check_venue_move_out_direction
from ..models.venue_move_out_state import VenueMoveOutState, check_venue_move_out_state

T = TypeVar("T", bound="VenueMoveOut")


@_attrs_define
class VenueMoveOut:
    """One move between an exchange and the hot wallet."""

    address: str
    amount: str
    arrived: None | str
    """ What came, less what the exchange kept of it """
    asset: str
    created_at: str
    direction: VenueMoveOutDirection
    ended_at: None | str
    id: UUID
    network: str
    proposal_id: None | UUID
    """ The accepted proposal it comes from; null: by policy """
    reason: None | str
    """ Why it came to nothing """
    state: VenueMoveOutState
    trouble: None | str
    """ Why a person has to look at it """
    txid: None | str
    venue: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        address = self.address

        amount = self.amount

        arrived: None | str
        arrived = self.arrived

        asset = self.asset

        created_at = self.created_at

        direction: str = self.direction

        ended_at: None | str
        ended_at = self.ended_at

        id = str(self.id)

        network = self.network

        proposal_id: None | str
        if isinstance(self.proposal_id, UUID):
            proposal_id = str(self.proposal_id)
        else:
            proposal_id = self.proposal_id

        reason: None | str
        reason = self.reason

        state: str = self.state

        trouble: None | str
        trouble = self.trouble

        txid: None | str
        txid = self.txid

        venue = self.venue

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address": address,
                "amount": amount,
                "arrived": arrived,
                "asset": asset,
                "created_at": created_at,
                "direction": direction,
                "ended_at": ended_at,
                "id": id,
                "network": network,
                "proposal_id": proposal_id,
                "reason": reason,
                "state": state,
                "trouble": trouble,
                "txid": txid,
                "venue": venue,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        address = d.pop("address")

        amount = d.pop("amount")

        def _parse_arrived(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        arrived = _parse_arrived(d.pop("arrived"))

        asset = d.pop("asset")

        created_at = d.pop("created_at")

        direction = check_venue_move_out_direction(d.pop("direction"))

        def _parse_ended_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        ended_at = _parse_ended_at(d.pop("ended_at"))

        id = UUID(d.pop("id"))

        network = d.pop("network")

        def _parse_proposal_id(data: object) -> None | UUID:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                proposal_id_type_0 = UUID(data)

                return proposal_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UUID, data)

        proposal_id = _parse_proposal_id(d.pop("proposal_id"))

        def _parse_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reason = _parse_reason(d.pop("reason"))

        state = check_venue_move_out_state(d.pop("state"))

        def _parse_trouble(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        trouble = _parse_trouble(d.pop("trouble"))

        def _parse_txid(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        txid = _parse_txid(d.pop("txid"))

        venue = d.pop("venue")

        venue_move_out = cls(
            address=address,
            amount=amount,
            arrived=arrived,
            asset=asset,
            created_at=created_at,
            direction=direction,
            ended_at=ended_at,
            id=id,
            network=network,
            proposal_id=proposal_id,
            reason=reason,
            state=state,
            trouble=trouble,
            txid=txid,
            venue=venue,
        )

        venue_move_out.additional_properties = d
        return venue_move_out

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
