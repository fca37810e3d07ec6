from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.transaction_out_kind import TransactionOutKind, check_transaction_out_kind

if TYPE_CHECKING:
    from ..models.amount_out import AmountOut


T = TypeVar("T", bound="TransactionOut")


@_attrs_define
class TransactionOut:
    """One line of the history; `kind` says which list has the whole of it."""

    address: None | str
    at: str
    can_cancel: bool | None
    confirmations: int | None
    confirmations_required: int | None
    counterpart: None | str
    """ The other side's e-mail address, of a transfer by e-mail """
    credit: AmountOut | None
    """ What came to the account, or reached the recipient """
    debit: AmountOut | None
    """ What left the account """
    expected_by: None | str
    id: UUID
    kind: TransactionOutKind
    label: None | str
    network: None | str
    reference: None | str
    since: None | str
    state: str
    sub_status: None | str
    txid: None | str
    waiting_for: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.amount_out import AmountOut  # noqa: PLC0415

        address: None | str
        address = self.address

        at = self.at

        can_cancel: bool | None
        can_cancel = self.can_cancel

        confirmations: int | None
        confirmations = self.confirmations

        confirmations_required: int | None
        confirmations_required = self.confirmations_required

        counterpart: None | str
        counterpart = self.counterpart

        credit: dict[str, Any] | None
        if isinstance(self.credit, AmountOut):
            credit = self.credit.to_dict()
        else:
            credit = self.credit

        debit: dict[str, Any] | None
        if isinstance(self.debit, AmountOut):
            debit = self.debit.to_dict()
        else:
            debit = self.debit

        expected_by: None | str
        expected_by = self.expected_by

        id = str(self.id)

        kind: str = self.kind

        label: None | str
        label = self.label

        network: None | str
        network = self.network

        reference: None | str
        reference = self.reference

        since: None | str
        since = self.since

        state = self.state

        sub_status: None | str
        sub_status = self.sub_status

        txid: None | str
        txid = self.txid

        waiting_for: None | str
        waiting_for = self.waiting_for

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address": address,
                "at": at,
                "can_cancel": can_cancel,
                "confirmations": confirmations,
                "confirmations_required": confirmations_required,
                "counterpart": counterpart,
                "credit": credit,
                "debit": debit,
                "expected_by": expected_by,
                "id": id,
                "kind": kind,
                "label": label,
                "network": network,
                "reference": reference,
                "since": since,
                "state": state,
                "sub_status": sub_status,
                "txid": txid,
                "waiting_for": waiting_for,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.amount_out import AmountOut  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_address(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        address = _parse_address(d.pop("address"))

        at = d.pop("at")

        def _parse_can_cancel(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        can_cancel = _parse_can_cancel(d.pop("can_cancel"))

        def _parse_confirmations(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        confirmations = _parse_confirmations(d.pop("confirmations"))

        def _parse_confirmations_required(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        confirmations_required = _parse_confirmations_required(d.pop("confirmations_required"))

        def _parse_counterpart(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        counterpart = _parse_counterpart(d.pop("counterpart"))

        def _parse_credit(data: object) -> AmountOut | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                credit_type_0 = AmountOut.from_dict(data)

                return credit_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AmountOut | None, data)

        credit = _parse_credit(d.pop("credit"))

        def _parse_debit(data: object) -> AmountOut | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                debit_type_0 = AmountOut.from_dict(data)

                return debit_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AmountOut | None, data)

        debit = _parse_debit(d.pop("debit"))

        def _parse_expected_by(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        expected_by = _parse_expected_by(d.pop("expected_by"))

        id = UUID(d.pop("id"))

        kind = check_transaction_out_kind(d.pop("kind"))

        def _parse_label(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        label = _parse_label(d.pop("label"))

        def _parse_network(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        network = _parse_network(d.pop("network"))

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

        def _parse_txid(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        txid = _parse_txid(d.pop("txid"))

        def _parse_waiting_for(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        waiting_for = _parse_waiting_for(d.pop("waiting_for"))

        transaction_out = cls(
            address=address,
            at=at,
            can_cancel=can_cancel,
            confirmations=confirmations,
            confirmations_required=confirmations_required,
            counterpart=counterpart,
            credit=credit,
            debit=debit,
            expected_by=expected_by,
            id=id,
            kind=kind,
            label=label,
            network=network,
            reference=reference,
            since=since,
            state=state,
            sub_status=sub_status,
            txid=txid,
            waiting_for=waiting_for,
        )

        transaction_out.additional_properties = d
        return transaction_out

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
