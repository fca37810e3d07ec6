from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.amount_out import AmountOut
    from ..models.fee_out import FeeOut


T = TypeVar("T", bound="CancellableOut")


@_attrs_define
class CancellableOut:
    """What a cancel link is about."""

    address: str
    can_cancel: bool
    created_at: str
    debit: AmountOut
    """ An amount on the wire: fixed point with exactly the asset's decimals. """
    deliver: AmountOut
    """ An amount on the wire: fixed point with exactly the asset's decimals. """
    fees: list[FeeOut]
    network: str
    network_name: str
    state: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        address = self.address

        can_cancel = self.can_cancel

        created_at = self.created_at

        debit = self.debit.to_dict()

        deliver = self.deliver.to_dict()

        fees = []
        for fees_item_data in self.fees:
            fees_item = fees_item_data.to_dict()
            fees.append(fees_item)

        network = self.network

        network_name = self.network_name

        state = self.state

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address": address,
                "can_cancel": can_cancel,
                "created_at": created_at,
                "debit": debit,
                "deliver": deliver,
                "fees": fees,
                "network": network,
                "network_name": network_name,
                "state": state,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.amount_out import AmountOut  # noqa: PLC0415
        from ..models.fee_out import FeeOut  # noqa: PLC0415

        d = dict(src_dict)
        address = d.pop("address")

        can_cancel = d.pop("can_cancel")

        created_at = d.pop("created_at")

        debit = AmountOut.from_dict(d.pop("debit"))

        deliver = AmountOut.from_dict(d.pop("deliver"))

        fees = []
        _fees = d.pop("fees")
        for fees_item_data in _fees:
            fees_item = FeeOut.from_dict(fees_item_data)

            fees.append(fees_item)

        network = d.pop("network")

        network_name = d.pop("network_name")

        state = d.pop("state")

        cancellable_out = cls(
            address=address,
            can_cancel=can_cancel,
            created_at=created_at,
            debit=debit,
            deliver=deliver,
            fees=fees,
            network=network,
            network_name=network_name,
            state=state,
        )

        cancellable_out.additional_properties = d
        return cancellable_out

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
