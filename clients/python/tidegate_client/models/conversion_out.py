from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.amount_out import AmountOut
    from ..models.fee_out import FeeOut


T = TypeVar("T", bound="ConversionOut")


@_attrs_define
class ConversionOut:
    """An exchange inside the account, or the converting half of a withdrawal (then `withdrawal_id` is set)."""

    can_cancel: bool | None
    completed_at: None | str
    created_at: str
    debit: AmountOut
    """ An amount on the wire: fixed point with exactly the asset's decimals. """
    deliver: AmountOut
    """ An amount on the wire: fixed point with exactly the asset's decimals. """
    expected_by: None | str
    fees: list[FeeOut]
    id: UUID
    quote_id: UUID
    rate: str
    reference: None | str
    since: None | str
    state: str
    sub_status: None | str
    waiting_for: None | str
    withdrawal_id: None | UUID
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        can_cancel: bool | None
        can_cancel = self.can_cancel

        completed_at: None | str
        completed_at = self.completed_at

        created_at = self.created_at

        debit = self.debit.to_dict()

        deliver = self.deliver.to_dict()

        expected_by: None | str
        expected_by = self.expected_by

        fees = []
        for fees_item_data in self.fees:
            fees_item = fees_item_data.to_dict()
            fees.append(fees_item)

        id = str(self.id)

        quote_id = str(self.quote_id)

        rate = self.rate

        reference: None | str
        reference = self.reference

        since: None | str
        since = self.since

        state = self.state

        sub_status: None | str
        sub_status = self.sub_status

        waiting_for: None | str
        waiting_for = self.waiting_for

        withdrawal_id: None | str
        if isinstance(self.withdrawal_id, UUID):
            withdrawal_id = str(self.withdrawal_id)
        else:
            withdrawal_id = self.withdrawal_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "can_cancel": can_cancel,
                "completed_at": completed_at,
                "created_at": created_at,
                "debit": debit,
                "deliver": deliver,
                "expected_by": expected_by,
                "fees": fees,
                "id": id,
                "quote_id": quote_id,
                "rate": rate,
                "reference": reference,
                "since": since,
                "state": state,
                "sub_status": sub_status,
                "waiting_for": waiting_for,
                "withdrawal_id": withdrawal_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.amount_out import AmountOut  # noqa: PLC0415
        from ..models.fee_out import FeeOut  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_can_cancel(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        can_cancel = _parse_can_cancel(d.pop("can_cancel"))

        def _parse_completed_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        completed_at = _parse_completed_at(d.pop("completed_at"))

        created_at = d.pop("created_at")

        debit = AmountOut.from_dict(d.pop("debit"))

        deliver = AmountOut.from_dict(d.pop("deliver"))

        def _parse_expected_by(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        expected_by = _parse_expected_by(d.pop("expected_by"))

        fees = []
        _fees = d.pop("fees")
        for fees_item_data in _fees:
            fees_item = FeeOut.from_dict(fees_item_data)

            fees.append(fees_item)

        id = UUID(d.pop("id"))

        quote_id = UUID(d.pop("quote_id"))

        rate = d.pop("rate")

        def _parse_reference(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reference = _parse_reference(d.pop("reference"))

        def _parse_since(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        since = _parse_since(d.pop("since"))

        state = d.pop("state")

        def _parse_sub_status(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        sub_status = _parse_sub_status(d.pop("sub_status"))

        def _parse_waiting_for(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        waiting_for = _parse_waiting_for(d.pop("waiting_for"))

        def _parse_withdrawal_id(data: object) -> None | UUID:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                withdrawal_id_type_0 = UUID(data)

                return withdrawal_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UUID, data)

        withdrawal_id = _parse_withdrawal_id(d.pop("withdrawal_id"))

        conversion_out = cls(
            can_cancel=can_cancel,
            completed_at=completed_at,
            created_at=created_at,
            debit=debit,
            deliver=deliver,
            expected_by=expected_by,
            fees=fees,
            id=id,
            quote_id=quote_id,
            rate=rate,
            reference=reference,
            since=since,
            state=state,
            sub_status=sub_status,
            waiting_for=waiting_for,
            withdrawal_id=withdrawal_id,
        )

        conversion_out.additional_properties = d
        return conversion_out

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
