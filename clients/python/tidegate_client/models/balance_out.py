from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.estimate_out import EstimateOut


T = TypeVar("T", bound="BalanceOut")


@_attrs_define
class BalanceOut:
    """`total` = `available` + `held`. `incoming` is seen on chain and not yet credited; it is in no other number."""

    asset: str
    available: str
    estimate: EstimateOut | None
    """ Of `total`; null when no price is known """
    held: str
    incoming: str
    total: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.estimate_out import EstimateOut  # noqa: PLC0415

        asset = self.asset

        available = self.available

        estimate: dict[str, Any] | None
        if isinstance(self.estimate, EstimateOut):
            estimate = self.estimate.to_dict()
        else:
            estimate = self.estimate

        held = self.held

        incoming = self.incoming

        total = self.total

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "asset": asset,
                "available": available,
                "estimate": estimate,
                "held": held,
                "incoming": incoming,
                "total": total,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.estimate_out import EstimateOut  # noqa: PLC0415

        d = dict(src_dict)
        asset = d.pop("asset")

        available = d.pop("available")

        def _parse_estimate(data: object) -> EstimateOut | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                estimate_type_0 = EstimateOut.from_dict(data)

                return estimate_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(EstimateOut | None, data)

        estimate = _parse_estimate(d.pop("estimate"))

        held = d.pop("held")

        incoming = d.pop("incoming")

        total = d.pop("total")

        balance_out = cls(
            asset=asset,
            available=available,
            estimate=estimate,
            held=held,
            incoming=incoming,
            total=total,
        )

        balance_out.additional_properties = d
        return balance_out

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
