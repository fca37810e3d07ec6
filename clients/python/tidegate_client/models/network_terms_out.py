from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.deposit_tier_out import DepositTierOut


T = TypeVar("T", bound="NetworkTermsOut")


@_attrs_define
class NetworkTermsOut:
    """What moving one asset over one network asks for. `reason` says why something is off or slow; null when all is well."""

    confirmations_required: int
    deposit_tiers: list[DepositTierOut]
    deposits: bool
    minimum_deposit: str
    minimum_withdrawal: str
    network: str
    reason: None | str
    withdrawals: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        confirmations_required = self.confirmations_required

        deposit_tiers = []
        for deposit_tiers_item_data in self.deposit_tiers:
            deposit_tiers_item = deposit_tiers_item_data.to_dict()
            deposit_tiers.append(deposit_tiers_item)

        deposits = self.deposits

        minimum_deposit = self.minimum_deposit

        minimum_withdrawal = self.minimum_withdrawal

        network = self.network

        reason: None | str
        reason = self.reason

        withdrawals = self.withdrawals

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "confirmations_required": confirmations_required,
                "deposit_tiers": deposit_tiers,
                "deposits": deposits,
                "minimum_deposit": minimum_deposit,
                "minimum_withdrawal": minimum_withdrawal,
                "network": network,
                "reason": reason,
                "withdrawals": withdrawals,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.deposit_tier_out import DepositTierOut  # noqa: PLC0415

        d = dict(src_dict)
        confirmations_required = d.pop("confirmations_required")

        deposit_tiers = []
        _deposit_tiers = d.pop("deposit_tiers")
        for deposit_tiers_item_data in _deposit_tiers:
            deposit_tiers_item = DepositTierOut.from_dict(deposit_tiers_item_data)

            deposit_tiers.append(deposit_tiers_item)

        deposits = d.pop("deposits")

        minimum_deposit = d.pop("minimum_deposit")

        minimum_withdrawal = d.pop("minimum_withdrawal")

        network = d.pop("network")

        def _parse_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reason = _parse_reason(d.pop("reason"))

        withdrawals = d.pop("withdrawals")

        network_terms_out = cls(
            confirmations_required=confirmations_required,
            deposit_tiers=deposit_tiers,
            deposits=deposits,
            minimum_deposit=minimum_deposit,
            minimum_withdrawal=minimum_withdrawal,
            network=network,
            reason=reason,
            withdrawals=withdrawals,
        )

        network_terms_out.additional_properties = d
        return network_terms_out

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
