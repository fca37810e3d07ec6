from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.source_out import SourceOut


T = TypeVar("T", bound="MarketOut")


@_attrs_define
class MarketOut:
    """A pair. `mid`, `bid` and `ask` are `quote` per 1 `base`; null when no source may be quoted from."""

    as_of: None | str
    ask: None | str
    base: str
    bid: None | str
    market: str
    mid: None | str
    quote: str
    sources: list[SourceOut]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        as_of: None | str
        as_of = self.as_of

        ask: None | str
        ask = self.ask

        base = self.base

        bid: None | str
        bid = self.bid

        market = self.market

        mid: None | str
        mid = self.mid

        quote = self.quote

        sources = []
        for sources_item_data in self.sources:
            sources_item = sources_item_data.to_dict()
            sources.append(sources_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "as_of": as_of,
                "ask": ask,
                "base": base,
                "bid": bid,
                "market": market,
                "mid": mid,
                "quote": quote,
                "sources": sources,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.source_out import SourceOut  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_as_of(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        as_of = _parse_as_of(d.pop("as_of"))

        def _parse_ask(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        ask = _parse_ask(d.pop("ask"))

        base = d.pop("base")

        def _parse_bid(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        bid = _parse_bid(d.pop("bid"))

        market = d.pop("market")

        def _parse_mid(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        mid = _parse_mid(d.pop("mid"))

        quote = d.pop("quote")

        sources = []
        _sources = d.pop("sources")
        for sources_item_data in _sources:
            sources_item = SourceOut.from_dict(sources_item_data)

            sources.append(sources_item)

        market_out = cls(
            as_of=as_of,
            ask=ask,
            base=base,
            bid=bid,
            market=market,
            mid=mid,
            quote=quote,
            sources=sources,
        )

        market_out.additional_properties = d
        return market_out

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
