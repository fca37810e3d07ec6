from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="TransferIn")


@_attrs_define
class TransferIn:
    """Exactly one of `to_email` and `to_address` (a deposit address here)."""

    amount: str
    asset: str
    reference: None | str | Unset = UNSET
    to_address: None | str | Unset = UNSET
    to_email: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        amount = self.amount

        asset = self.asset

        reference: None | str | Unset
        if isinstance(self.reference, Unset):
            reference = UNSET
        else:
            reference = self.reference

        to_address: None | str | Unset
        if isinstance(self.to_address, Unset):
            to_address = UNSET
        else:
            to_address = self.to_address

        to_email: None | str | Unset
        if isinstance(self.to_email, Unset):
            to_email = UNSET
        else:
            to_email = self.to_email

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "amount": amount,
                "asset": asset,
            }
        )
        if reference is not UNSET:
            field_dict["reference"] = reference
        if to_address is not UNSET:
            field_dict["to_address"] = to_address
        if to_email is not UNSET:
            field_dict["to_email"] = to_email

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        amount = d.pop("amount")

        asset = d.pop("asset")

        def _parse_reference(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        reference = _parse_reference(d.pop("reference", UNSET))

        def _parse_to_address(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        to_address = _parse_to_address(d.pop("to_address", UNSET))

        def _parse_to_email(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        to_email = _parse_to_email(d.pop("to_email", UNSET))

        transfer_in = cls(
            amount=amount,
            asset=asset,
            reference=reference,
            to_address=to_address,
            to_email=to_email,
        )

        return transfer_in
