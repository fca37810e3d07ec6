from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="SourceOut")


@_attrs_define
class SourceOut:
    """One venue's part in a number, and whether it may be quoted from."""

    age_seconds: None | str
    as_of: None | str
    ask: None | str
    bid: None | str
    market: str
    reason: None | str
    usable: bool
    venue: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        age_seconds: None | str
        age_seconds = self.age_seconds

        as_of: None | str
        as_of = self.as_of

        ask: None | str
        ask = self.ask

        bid: None | str
        bid = self.bid

        market = self.market

        reason: None | str
        reason = self.reason

        usable = self.usable

        venue = self.venue

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "age_seconds": age_seconds,
                "as_of": as_of,
                "ask": ask,
                "bid": bid,
                "market": market,
                "reason": reason,
                "usable": usable,
                "venue": venue,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_age_seconds(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        age_seconds = _parse_age_seconds(d.pop("age_seconds"))

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

        def _parse_bid(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        bid = _parse_bid(d.pop("bid"))

        market = d.pop("market")

        def _parse_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reason = _parse_reason(d.pop("reason"))

        usable = d.pop("usable")

        venue = d.pop("venue")

        source_out = cls(
            age_seconds=age_seconds,
            as_of=as_of,
            ask=ask,
            bid=bid,
            market=market,
            reason=reason,
            usable=usable,
            venue=venue,
        )

        source_out.additional_properties = d
        return source_out

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
