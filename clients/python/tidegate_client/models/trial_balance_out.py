from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.trial_line_out import TrialLineOut
    from ..models.trial_total_out import TrialTotalOut


T = TypeVar("T", bound="TrialBalanceOut")


@_attrs_define
class TrialBalanceOut:
    """Everything posted up to and including `at`; `balances` when no asset differs."""

    at: str
    balances: bool
    items: list[TrialLineOut]
    totals: list[TrialTotalOut]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        at = self.at

        balances = self.balances

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        totals = []
        for totals_item_data in self.totals:
            totals_item = totals_item_data.to_dict()
            totals.append(totals_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "at": at,
                "balances": balances,
                "items": items,
                "totals": totals,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.trial_line_out import TrialLineOut  # noqa: PLC0415
        from ..models.trial_total_out import TrialTotalOut  # noqa: PLC0415

        d = dict(src_dict)
        at = d.pop("at")

        balances = d.pop("balances")

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = TrialLineOut.from_dict(items_item_data)

            items.append(items_item)

        totals = []
        _totals = d.pop("totals")
        for totals_item_data in _totals:
            totals_item = TrialTotalOut.from_dict(totals_item_data)

            totals.append(totals_item)

        trial_balance_out = cls(
            at=at,
            balances=balances,
            items=items,
            totals=totals,
        )

        trial_balance_out.additional_properties = d
        return trial_balance_out

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
