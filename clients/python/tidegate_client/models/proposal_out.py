from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.proposal_out_kind import ProposalOutKind, check_proposal_out_kind
from ..models.proposal_out_state import ProposalOutState, check_proposal_out_state

T = TypeVar("T", bound="ProposalOut")


@_attrs_define
class ProposalOut:
    """A movement that needs a person. It is done by itself when the need is gone."""

    address: str
    """ Where it is to be sent: an address of our own """
    amount: str
    """ What is to be moved """
    asset: str
    changed_at: str
    created_at: str
    ended_at: None | str
    ended_by: None | str
    id: UUID
    kind: ProposalOutKind
    network: str
    reason: str
    state: ProposalOutState
    venue: str
    """ The exchange that it moves from or to; empty where there is none """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        address = self.address

        amount = self.amount

        asset = self.asset

        changed_at = self.changed_at

        created_at = self.created_at

        ended_at: None | str
        ended_at = self.ended_at

        ended_by: None | str
        ended_by = self.ended_by

        id = str(self.id)

        kind: str = self.kind

        network = self.network

        reason = self.reason

        state: str = self.state

        venue = self.venue

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address": address,
                "amount": amount,
                "asset": asset,
                "changed_at": changed_at,
                "created_at": created_at,
                "ended_at": ended_at,
                "ended_by": ended_by,
                "id": id,
                "kind": kind,
                "network": network,
                "reason": reason,
                "state": state,
                "venue": venue,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        address = d.pop("address")

        amount = d.pop("amount")

        asset = d.pop("asset")

        changed_at = d.pop("changed_at")

        created_at = d.pop("created_at")

        def _parse_ended_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        ended_at = _parse_ended_at(d.pop("ended_at"))

        def _parse_ended_by(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        ended_by = _parse_ended_by(d.pop("ended_by"))

        id = UUID(d.pop("id"))

        kind = check_proposal_out_kind(d.pop("kind"))

        network = d.pop("network")

        reason = d.pop("reason")

        state = check_proposal_out_state(d.pop("state"))

        venue = d.pop("venue")

        proposal_out = cls(
            address=address,
            amount=amount,
            asset=asset,
            changed_at=changed_at,
            created_at=created_at,
            ended_at=ended_at,
            ended_by=ended_by,
            id=id,
            kind=kind,
            network=network,
            reason=reason,
            state=state,
            venue=venue,
        )

        proposal_out.additional_properties = d
        return proposal_out

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
