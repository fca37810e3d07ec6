from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.books_asset_out import BooksAssetOut
    from ..models.place_out import PlaceOut


T = TypeVar("T", bound="BooksOut")


@_attrs_define
class BooksOut:
    """The last check of the books; `exact` null when it could not be made."""

    assets: list[BooksAssetOut]
    attempts: int
    checked_at: None | str
    detail: None | str
    exact: bool | None
    frozen: list[str]
    """ Assets that the house itself stopped, `*` for all: see `GET /audit/freezes` """
    milliseconds: int | None
    """ How long the last check took """
    payouts_at_most: int
    """ Most payouts any withdrawal has had: 1, or something is very wrong """
    places: list[PlaceOut]
    """ Networks and exchanges, each asset there """
    restored: bool
    """ This database was put back from a backup and is not released: nothing is paid """
    withdrawals: int
    """ Withdrawals that have ever been signed """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        assets = []
        for assets_item_data in self.assets:
            assets_item = assets_item_data.to_dict()
            assets.append(assets_item)

        attempts = self.attempts

        checked_at: None | str
        checked_at = self.checked_at

        detail: None | str
        detail = self.detail

        exact: bool | None
        exact = self.exact

        frozen = self.frozen

        milliseconds: int | None
        milliseconds = self.milliseconds

        payouts_at_most = self.payouts_at_most

        places = []
        for places_item_data in self.places:
            places_item = places_item_data.to_dict()
            places.append(places_item)

        restored = self.restored

        withdrawals = self.withdrawals

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "assets": assets,
                "attempts": attempts,
                "checked_at": checked_at,
                "detail": detail,
                "exact": exact,
                "frozen": frozen,
                "milliseconds": milliseconds,
                "payouts_at_most": payouts_at_most,
                "places": places,
                "restored": restored,
                "withdrawals": withdrawals,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.books_asset_out import BooksAssetOut  # noqa: PLC0415
        from ..models.place_out import PlaceOut  # noqa: PLC0415

        d = dict(src_dict)
        assets = []
        _assets = d.pop("assets")
        for assets_item_data in _assets:
            assets_item = BooksAssetOut.from_dict(assets_item_data)

            assets.append(assets_item)

        attempts = d.pop("attempts")

        def _parse_checked_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        checked_at = _parse_checked_at(d.pop("checked_at"))

        def _parse_detail(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        detail = _parse_detail(d.pop("detail"))

        def _parse_exact(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        exact = _parse_exact(d.pop("exact"))

        frozen = cast(list[str], d.pop("frozen"))

        def _parse_milliseconds(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        milliseconds = _parse_milliseconds(d.pop("milliseconds"))

        payouts_at_most = d.pop("payouts_at_most")

        places = []
        _places = d.pop("places")
        for places_item_data in _places:
            places_item = PlaceOut.from_dict(places_item_data)

            places.append(places_item)

        restored = d.pop("restored")

        withdrawals = d.pop("withdrawals")

        books_out = cls(
            assets=assets,
            attempts=attempts,
            checked_at=checked_at,
            detail=detail,
            exact=exact,
            frozen=frozen,
            milliseconds=milliseconds,
            payouts_at_most=payouts_at_most,
            places=places,
            restored=restored,
            withdrawals=withdrawals,
        )

        books_out.additional_properties = d
        return books_out

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
