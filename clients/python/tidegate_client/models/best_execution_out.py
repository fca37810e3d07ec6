from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.best_execution_out_side import BestExecutionOutSide, check_best_execution_out_side

if TYPE_CHECKING:
    from ..models.book_seen_out import BookSeenOut
    from ..models.realised_out import RealisedOut
    from ..models.routed_out import RoutedOut


T = TypeVar("T", bound="BestExecutionOut")


@_attrs_define
class BestExecutionOut:
    """Why the price was the best to be had, and, once the orders are done, what it came to."""

    books: list[BookSeenOut]
    decided_at: str
    from_asset: str
    mid: None | str
    rate: str
    realised: None | RealisedOut
    """ null until every order is done """
    route: list[RoutedOut]
    side: BestExecutionOutSide
    to_asset: str
    venue_cost: str
    """ Share that the venues charge, rounded up to a millionth """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.realised_out import RealisedOut  # noqa: PLC0415

        books = []
        for books_item_data in self.books:
            books_item = books_item_data.to_dict()
            books.append(books_item)

        decided_at = self.decided_at

        from_asset = self.from_asset

        mid: None | str
        mid = self.mid

        rate = self.rate

        realised: dict[str, Any] | None
        if isinstance(self.realised, RealisedOut):
            realised = self.realised.to_dict()
        else:
            realised = self.realised

        route = []
        for route_item_data in self.route:
            route_item = route_item_data.to_dict()
            route.append(route_item)

        side: str = self.side

        to_asset = self.to_asset

        venue_cost = self.venue_cost

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "books": books,
                "decided_at": decided_at,
                "from_asset": from_asset,
                "mid": mid,
                "rate": rate,
                "realised": realised,
                "route": route,
                "side": side,
                "to_asset": to_asset,
                "venue_cost": venue_cost,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.book_seen_out import BookSeenOut  # noqa: PLC0415
        from ..models.realised_out import RealisedOut  # noqa: PLC0415
        from ..models.routed_out import RoutedOut  # noqa: PLC0415

        d = dict(src_dict)
        books = []
        _books = d.pop("books")
        for books_item_data in _books:
            books_item = BookSeenOut.from_dict(books_item_data)

            books.append(books_item)

        decided_at = d.pop("decided_at")

        from_asset = d.pop("from_asset")

        def _parse_mid(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        mid = _parse_mid(d.pop("mid"))

        rate = d.pop("rate")

        def _parse_realised(data: object) -> None | RealisedOut:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                realised_type_0 = RealisedOut.from_dict(data)

                return realised_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RealisedOut, data)

        realised = _parse_realised(d.pop("realised"))

        route = []
        _route = d.pop("route")
        for route_item_data in _route:
            route_item = RoutedOut.from_dict(route_item_data)

            route.append(route_item)

        side = check_best_execution_out_side(d.pop("side"))

        to_asset = d.pop("to_asset")

        venue_cost = d.pop("venue_cost")

        best_execution_out = cls(
            books=books,
            decided_at=decided_at,
            from_asset=from_asset,
            mid=mid,
            rate=rate,
            realised=realised,
            route=route,
            side=side,
            to_asset=to_asset,
            venue_cost=venue_cost,
        )

        best_execution_out.additional_properties = d
        return best_execution_out

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
