from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.trial_line_out_side import TrialLineOutSide, check_trial_line_out_side

T = TypeVar("T", bound="TrialLineOut")


@_attrs_define
class TrialLineOut:
    """One kind of account of one asset, over all owners; `balance` in the account's own direction."""

    account: str
    asset: str
    balance: str
    place: str
    """ The network or venue; empty where it has none """
    side: TrialLineOutSide
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        account = self.account

        asset = self.asset

        balance = self.balance

        place = self.place

        side: str = self.side

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "account": account,
                "asset": asset,
                "balance": balance,
                "place": place,
                "side": side,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        account = d.pop("account")

        asset = d.pop("asset")

        balance = d.pop("balance")

        place = d.pop("place")

        side = check_trial_line_out_side(d.pop("side"))

        trial_line_out = cls(
            account=account,
            asset=asset,
            balance=balance,
            place=place,
            side=side,
        )

        trial_line_out.additional_properties = d
        return trial_line_out

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
