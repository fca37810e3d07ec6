from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.payment_out import PaymentOut
    from ..models.twin_out import TwinOut


T = TypeVar("T", bound="ValidationOut")


@_attrs_define
class ValidationOut:
    """`networks`: where this asset can be sent to that address. When not valid, `reason` is the problem's code,
    `other_asset` or `lightning`, and `detail` the sentence. `lookalike` goes with the warning `lookalike_address`.

    """

    address: None | str
    """ In its canonical spelling """
    detail: None | str
    kind: None | str
    lookalike: None | TwinOut
    networks: list[str]
    payment: None | PaymentOut
    reason: None | str
    valid: bool
    warnings: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.payment_out import PaymentOut  # noqa: PLC0415
        from ..models.twin_out import TwinOut  # noqa: PLC0415

        address: None | str
        address = self.address

        detail: None | str
        detail = self.detail

        kind: None | str
        kind = self.kind

        lookalike: dict[str, Any] | None
        if isinstance(self.lookalike, TwinOut):
            lookalike = self.lookalike.to_dict()
        else:
            lookalike = self.lookalike

        networks = self.networks

        payment: dict[str, Any] | None
        if isinstance(self.payment, PaymentOut):
            payment = self.payment.to_dict()
        else:
            payment = self.payment

        reason: None | str
        reason = self.reason

        valid = self.valid

        warnings = self.warnings

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address": address,
                "detail": detail,
                "kind": kind,
                "lookalike": lookalike,
                "networks": networks,
                "payment": payment,
                "reason": reason,
                "valid": valid,
                "warnings": warnings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.payment_out import PaymentOut  # noqa: PLC0415
        from ..models.twin_out import TwinOut  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_address(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        address = _parse_address(d.pop("address"))

        def _parse_detail(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        detail = _parse_detail(d.pop("detail"))

        def _parse_kind(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        kind = _parse_kind(d.pop("kind"))

        def _parse_lookalike(data: object) -> None | TwinOut:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                lookalike_type_0 = TwinOut.from_dict(data)

                return lookalike_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TwinOut, data)

        lookalike = _parse_lookalike(d.pop("lookalike"))

        networks = cast(list[str], d.pop("networks"))

        def _parse_payment(data: object) -> None | PaymentOut:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                payment_type_0 = PaymentOut.from_dict(data)

                return payment_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PaymentOut, data)

        payment = _parse_payment(d.pop("payment"))

        def _parse_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reason = _parse_reason(d.pop("reason"))

        valid = d.pop("valid")

        warnings = cast(list[str], d.pop("warnings"))

        validation_out = cls(
            address=address,
            detail=detail,
            kind=kind,
            lookalike=lookalike,
            networks=networks,
            payment=payment,
            reason=reason,
            valid=valid,
            warnings=warnings,
        )

        validation_out.additional_properties = d
        return validation_out

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
