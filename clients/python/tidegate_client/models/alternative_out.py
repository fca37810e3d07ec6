from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.alternative_out_hindered_type_0 import AlternativeOutHinderedType0, check_alternative_out_hindered_type_0

if TYPE_CHECKING:
    from ..models.amount_out import AmountOut


T = TypeVar("T", bound="AlternativeOut")


@_attrs_define
class AlternativeOut:
    """The same size at one venue alone, its fee included: the other side of the exchange, or why it could not be."""

    amount: AmountOut | None
    hindered: AlternativeOutHinderedType0 | None
    symbol: str
    venue: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.amount_out import AmountOut  # noqa: PLC0415

        amount: dict[str, Any] | None
        if isinstance(self.amount, AmountOut):
            amount = self.amount.to_dict()
        else:
            amount = self.amount

        hindered: None | str
        if isinstance(self.hindered, str):
            hindered = self.hindered
        else:
            hindered = self.hindered

        symbol = self.symbol

        venue = self.venue

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "amount": amount,
                "hindered": hindered,
                "symbol": symbol,
                "venue": venue,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.amount_out import AmountOut  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_amount(data: object) -> AmountOut | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                amount_type_0 = AmountOut.from_dict(data)

                return amount_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AmountOut | None, data)

        amount = _parse_amount(d.pop("amount"))

        def _parse_hindered(data: object) -> AlternativeOutHinderedType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                hindered_type_0 = check_alternative_out_hindered_type_0(data)

                return hindered_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AlternativeOutHinderedType0 | None, data)

        hindered = _parse_hindered(d.pop("hindered"))

        symbol = d.pop("symbol")

        venue = d.pop("venue")

        alternative_out = cls(
            amount=amount,
            hindered=hindered,
            symbol=symbol,
            venue=venue,
        )

        alternative_out.additional_properties = d
        return alternative_out

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
