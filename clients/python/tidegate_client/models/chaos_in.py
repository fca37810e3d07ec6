from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.chaos_in_fault import ChaosInFault, check_chaos_in_fault
from ..types import UNSET, Unset

T = TypeVar("T", bound="ChaosIn")


@_attrs_define
class ChaosIn:
    fault: ChaosInFault
    on: bool
    blocks: int | Unset = 1
    """ How deep a `reorg` goes """
    network: None | str | Unset = UNSET
    """ Needed for `reorg`; else: all networks """
    venue: None | str | Unset = UNSET
    """ One exchange; else: all of them """

    def to_dict(self) -> dict[str, Any]:
        fault: str = self.fault

        on = self.on

        blocks = self.blocks

        network: None | str | Unset
        if isinstance(self.network, Unset):
            network = UNSET
        else:
            network = self.network

        venue: None | str | Unset
        if isinstance(self.venue, Unset):
            venue = UNSET
        else:
            venue = self.venue

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "fault": fault,
                "on": on,
            }
        )
        if blocks is not UNSET:
            field_dict["blocks"] = blocks
        if network is not UNSET:
            field_dict["network"] = network
        if venue is not UNSET:
            field_dict["venue"] = venue

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        fault = check_chaos_in_fault(d.pop("fault"))

        on = d.pop("on")

        blocks = d.pop("blocks", UNSET)

        def _parse_network(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        network = _parse_network(d.pop("network", UNSET))

        def _parse_venue(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        venue = _parse_venue(d.pop("venue", UNSET))

        chaos_in = cls(
            fault=fault,
            on=on,
            blocks=blocks,
            network=network,
            venue=venue,
        )

        return chaos_in
