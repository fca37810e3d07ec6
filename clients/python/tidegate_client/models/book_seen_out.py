from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.top_out import TopOut


T = TypeVar("T", bound="BookSeenOut")


@_attrs_define
class BookSeenOut:
    """A book as it was when the price was made. `digest`: SHA-256 of all of it, as `exchange.receipt.digest` writes it."""

    age_seconds: None | str
    as_of: None | str
    ask: None | TopOut
    bid: None | TopOut
    digest: None | str
    """ null when the venue had not answered """
    left_out: None | str
    """ Why nothing was priced from it; null when it was looked at """
    market: str
    sequence: int | None
    symbol: str
    venue: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.top_out import TopOut  # noqa: PLC0415

        age_seconds: None | str
        age_seconds = self.age_seconds

        as_of: None | str
        as_of = self.as_of

        ask: dict[str, Any] | None
        if isinstance(self.ask, TopOut):
            ask = self.ask.to_dict()
        else:
            ask = self.ask

        bid: dict[str, Any] | None
        if isinstance(self.bid, TopOut):
            bid = self.bid.to_dict()
        else:
            bid = self.bid

        digest: None | str
        digest = self.digest

        left_out: None | str
        left_out = self.left_out

        market = self.market

        sequence: int | None
        sequence = self.sequence

        symbol = self.symbol

        venue = self.venue

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "age_seconds": age_seconds,
                "as_of": as_of,
                "ask": ask,
                "bid": bid,
                "digest": digest,
                "left_out": left_out,
                "market": market,
                "sequence": sequence,
                "symbol": symbol,
                "venue": venue,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.top_out import TopOut  # noqa: PLC0415

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

        def _parse_ask(data: object) -> None | TopOut:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                ask_type_0 = TopOut.from_dict(data)

                return ask_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TopOut, data)

        ask = _parse_ask(d.pop("ask"))

        def _parse_bid(data: object) -> None | TopOut:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                bid_type_0 = TopOut.from_dict(data)

                return bid_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TopOut, data)

        bid = _parse_bid(d.pop("bid"))

        def _parse_digest(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        digest = _parse_digest(d.pop("digest"))

        def _parse_left_out(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        left_out = _parse_left_out(d.pop("left_out"))

        market = d.pop("market")

        def _parse_sequence(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        sequence = _parse_sequence(d.pop("sequence"))

        symbol = d.pop("symbol")

        venue = d.pop("venue")

        book_seen_out = cls(
            age_seconds=age_seconds,
            as_of=as_of,
            ask=ask,
            bid=bid,
            digest=digest,
            left_out=left_out,
            market=market,
            sequence=sequence,
            symbol=symbol,
            venue=venue,
        )

        book_seen_out.additional_properties = d
        return book_seen_out

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
