from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="BooksAssetOut")


@_attrs_define
class BooksAssetOut:
    """What we have of an asset, what we owe, and the difference between ledger and the world (0 when exact)."""

    asset: str
    difference: str
    have: str
    owe: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        asset = self.asset

        difference = self.difference

        have = self.have

        owe = self.owe

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "asset": asset,
                "difference": difference,
                "have": have,
                "owe": owe,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        asset = d.pop("asset")

        difference = d.pop("difference")

        have = d.pop("have")

        owe = d.pop("owe")

        books_asset_out = cls(
            asset=asset,
            difference=difference,
            have=have,
            owe=owe,
        )

        books_asset_out.additional_properties = d
        return books_asset_out

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
