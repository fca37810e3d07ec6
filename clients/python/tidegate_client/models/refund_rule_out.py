from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.refund_rule_out_fees_kept_item import RefundRuleOutFeesKeptItem, check_refund_rule_out_fees_kept_item

T = TypeVar("T", bound="RefundRuleOut")


@_attrs_define
class RefundRuleOut:
    """What comes back when it cannot be carried out: the whole debit before, `to_asset` after the conversion. The network
    fee is kept once the network has mined a payment, also one that the recipient's contract turned down.

    """

    fees_kept: list[RefundRuleOutFeesKeptItem]
    after_execution: Literal["deliver_asset"] = "deliver_asset"
    before_execution: Literal["debit_in_full"] = "debit_in_full"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        after_execution = self.after_execution

        before_execution = self.before_execution

        fees_kept = []
        for fees_kept_item_data in self.fees_kept:
            fees_kept_item: str = fees_kept_item_data
            fees_kept.append(fees_kept_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "after_execution": after_execution,
                "before_execution": before_execution,
                "fees_kept": fees_kept,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        after_execution = cast(Literal["deliver_asset"], d.pop("after_execution"))
        if after_execution != "deliver_asset":
            raise ValueError(f"after_execution must match const 'deliver_asset', got '{after_execution}'")

        before_execution = cast(Literal["debit_in_full"], d.pop("before_execution"))
        if before_execution != "debit_in_full":
            raise ValueError(f"before_execution must match const 'debit_in_full', got '{before_execution}'")

        fees_kept = []
        _fees_kept = d.pop("fees_kept")
        for fees_kept_item_data in _fees_kept:
            fees_kept_item = check_refund_rule_out_fees_kept_item(fees_kept_item_data)

            fees_kept.append(fees_kept_item)

        refund_rule_out = cls(
            after_execution=after_execution,
            before_execution=before_execution,
            fees_kept=fees_kept,
        )

        refund_rule_out.additional_properties = d
        return refund_rule_out

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
