from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.source_out import SourceOut


T = TypeVar("T", bound="RateOut")


@_attrs_define
class RateOut:
    """What one asset is worth in another right now; `bid` and `ask` in `to_asset` per 1 `from_asset`."""

    as_of: str
    ask: str
    bid: str
    from_asset: str
    mid: str
    sources: list[SourceOut]
    to_asset: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        as_of = self.as_of

        ask = self.ask

        bid = self.bid

        from_asset = self.from_asset

        mid = self.mid

        sources = []
        for sources_item_data in self.sources:
            sources_item = sources_item_data.to_dict()
            sources.append(sources_item)

        to_asset = self.to_asset

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "as_of": as_of,
                "ask": ask,
                "bid": bid,
                "from_asset": from_asset,
                "mid": mid,
                "sources": sources,
                "to_asset": to_asset,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.source_out import SourceOut  # noqa: PLC0415

        d = dict(src_dict)
        as_of = d.pop("as_of")

        ask = d.pop("ask")

        bid = d.pop("bid")

        from_asset = d.pop("from_asset")

        mid = d.pop("mid")

        sources = []
        _sources = d.pop("sources")
        for sources_item_data in _sources:
            sources_item = SourceOut.from_dict(sources_item_data)

            sources.append(sources_item)

        to_asset = d.pop("to_asset")

        rate_out = cls(
            as_of=as_of,
            ask=ask,
            bid=bid,
            from_asset=from_asset,
            mid=mid,
            sources=sources,
            to_asset=to_asset,
        )

        rate_out.additional_properties = d
        return rate_out

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
