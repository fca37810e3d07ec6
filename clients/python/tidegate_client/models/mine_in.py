from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="MineIn")


@_attrs_define
class MineIn:
    network: str
    blocks: int | Unset = 1

    def to_dict(self) -> dict[str, Any]:
        network = self.network

        blocks = self.blocks

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "network": network,
            }
        )
        if blocks is not UNSET:
            field_dict["blocks"] = blocks

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        network = d.pop("network")

        blocks = d.pop("blocks", UNSET)

        mine_in = cls(
            network=network,
            blocks=blocks,
        )

        return mine_in
