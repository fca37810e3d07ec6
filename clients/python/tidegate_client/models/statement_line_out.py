from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.statement_line_out_charge_type_0 import (
    StatementLineOutChargeType0,
    check_statement_line_out_charge_type_0,
)
from ..models.statement_line_out_kind_type_0 import StatementLineOutKindType0, check_statement_line_out_kind_type_0

T = TypeVar("T", bound="StatementLineOut")


@_attrs_define
class StatementLineOut:
    """One transfer. `amount` and `held_amount` say what it changed, signed; `balance` (what you can use) and `held` stand
    after it. `kind` and `id` name what it was for; null where it was nothing of yours.

    """

    amount: str
    at: str
    balance: str
    charge: None | StatementLineOutChargeType0
    """ Which of the quoted charges this is; null where it is none """
    event: str
    held: str
    held_amount: str
    id: None | UUID
    kind: None | StatementLineOutKindType0
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        amount = self.amount

        at = self.at

        balance = self.balance

        charge: None | str
        if isinstance(self.charge, str):
            charge = self.charge
        else:
            charge = self.charge

        event = self.event

        held = self.held

        held_amount = self.held_amount

        id: None | str
        if isinstance(self.id, UUID):
            id = str(self.id)
        else:
            id = self.id

        kind: None | str
        if isinstance(self.kind, str):
            kind = self.kind
        else:
            kind = self.kind

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "amount": amount,
                "at": at,
                "balance": balance,
                "charge": charge,
                "event": event,
                "held": held,
                "held_amount": held_amount,
                "id": id,
                "kind": kind,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        amount = d.pop("amount")

        at = d.pop("at")

        balance = d.pop("balance")

        def _parse_charge(data: object) -> None | StatementLineOutChargeType0:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                charge_type_0 = check_statement_line_out_charge_type_0(data)

                return charge_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | StatementLineOutChargeType0, data)

        charge = _parse_charge(d.pop("charge"))

        event = d.pop("event")

        held = d.pop("held")

        held_amount = d.pop("held_amount")

        def _parse_id(data: object) -> None | UUID:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                id_type_0 = UUID(data)

                return id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UUID, data)

        id = _parse_id(d.pop("id"))

        def _parse_kind(data: object) -> None | StatementLineOutKindType0:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                kind_type_0 = check_statement_line_out_kind_type_0(data)

                return kind_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | StatementLineOutKindType0, data)

        kind = _parse_kind(d.pop("kind"))

        statement_line_out = cls(
            amount=amount,
            at=at,
            balance=balance,
            charge=charge,
            event=event,
            held=held,
            held_amount=held_amount,
            id=id,
            kind=kind,
        )

        statement_line_out.additional_properties = d
        return statement_line_out

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
