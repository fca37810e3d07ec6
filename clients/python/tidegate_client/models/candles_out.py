from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.candles_out_interval import CandlesOutInterval, check_candles_out_interval

if TYPE_CHECKING:
    from ..models.candle_out import CandleOut
    from ..models.candle_source_out import CandleSourceOut


T = TypeVar("T", bound="CandlesOut")


@_attrs_define
class CandlesOut:
    """Newest first; the newest one may still be open, and an interval in which nothing was traded may be missing."""

    as_of: str
    interval: CandlesOutInterval
    items: list[CandleOut]
    market: str
    next_cursor: None | str
    sources: list[CandleSourceOut]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        as_of = self.as_of

        interval: str = self.interval

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        market = self.market

        next_cursor: None | str
        next_cursor = self.next_cursor

        sources = []
        for sources_item_data in self.sources:
            sources_item = sources_item_data.to_dict()
            sources.append(sources_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "as_of": as_of,
                "interval": interval,
                "items": items,
                "market": market,
                "next_cursor": next_cursor,
                "sources": sources,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.candle_out import CandleOut  # noqa: PLC0415
        from ..models.candle_source_out import CandleSourceOut  # noqa: PLC0415

        d = dict(src_dict)
        as_of = d.pop("as_of")

        interval = check_candles_out_interval(d.pop("interval"))

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = CandleOut.from_dict(items_item_data)

            items.append(items_item)

        market = d.pop("market")

        def _parse_next_cursor(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        next_cursor = _parse_next_cursor(d.pop("next_cursor"))

        sources = []
        _sources = d.pop("sources")
        for sources_item_data in _sources:
            sources_item = CandleSourceOut.from_dict(sources_item_data)

            sources.append(sources_item)

        candles_out = cls(
            as_of=as_of,
            interval=interval,
            items=items,
            market=market,
            next_cursor=next_cursor,
            sources=sources,
        )

        candles_out.additional_properties = d
        return candles_out

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
