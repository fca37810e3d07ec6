from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.deposit_out_finality_type_0 import DepositOutFinalityType0, check_deposit_out_finality_type_0
from ..models.deposit_out_reason_type_0 import DepositOutReasonType0, check_deposit_out_reason_type_0
from ..models.deposit_out_state import DepositOutState, check_deposit_out_state

T = TypeVar("T", bound="DepositOut")


@_attrs_define
class DepositOut:
    """A payment to one of your addresses. `vout` on bitcoin; `log_index` for tokens; both null for plain ether.

    A token that is not known here has `asset` UNKNOWN, its `contract`, and the contract's own number as `amount`. Ether
    that a contract sent has no transaction of its own: `reason` unattributed, and `txid` is the hash of a block.

    """

    address: str
    amount: str
    asset: str
    block_height: int | None
    can_cancel: bool | None
    confirmations: int
    confirmations_required: int
    contract: None | str
    credited_at: None | str
    detected_at: str
    expected_by: None | str
    explorer_url: None | str
    finality: DepositOutFinalityType0 | None
    """ The block must also stand at this tag """
    id: UUID
    log_index: int | None
    network: str
    reason: DepositOutReasonType0 | None
    """ Why a person must look at it """
    since: None | str
    state: DepositOutState
    sub_status: None | str
    txid: str
    version: int
    vout: int | None
    waiting_for: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        address = self.address

        amount = self.amount

        asset = self.asset

        block_height: int | None
        block_height = self.block_height

        can_cancel: bool | None
        can_cancel = self.can_cancel

        confirmations = self.confirmations

        confirmations_required = self.confirmations_required

        contract: None | str
        contract = self.contract

        credited_at: None | str
        credited_at = self.credited_at

        detected_at = self.detected_at

        expected_by: None | str
        expected_by = self.expected_by

        explorer_url: None | str
        explorer_url = self.explorer_url

        finality: None | str
        if isinstance(self.finality, str):
            finality = self.finality
        else:
            finality = self.finality

        id = str(self.id)

        log_index: int | None
        log_index = self.log_index

        network = self.network

        reason: None | str
        if isinstance(self.reason, str):
            reason = self.reason
        else:
            reason = self.reason

        since: None | str
        since = self.since

        state: str = self.state

        sub_status: None | str
        sub_status = self.sub_status

        txid = self.txid

        version = self.version

        vout: int | None
        vout = self.vout

        waiting_for: None | str
        waiting_for = self.waiting_for

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address": address,
                "amount": amount,
                "asset": asset,
                "block_height": block_height,
                "can_cancel": can_cancel,
                "confirmations": confirmations,
                "confirmations_required": confirmations_required,
                "contract": contract,
                "credited_at": credited_at,
                "detected_at": detected_at,
                "expected_by": expected_by,
                "explorer_url": explorer_url,
                "finality": finality,
                "id": id,
                "log_index": log_index,
                "network": network,
                "reason": reason,
                "since": since,
                "state": state,
                "sub_status": sub_status,
                "txid": txid,
                "version": version,
                "vout": vout,
                "waiting_for": waiting_for,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        address = d.pop("address")

        amount = d.pop("amount")

        asset = d.pop("asset")

        def _parse_block_height(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        block_height = _parse_block_height(d.pop("block_height"))

        def _parse_can_cancel(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        can_cancel = _parse_can_cancel(d.pop("can_cancel"))

        confirmations = d.pop("confirmations")

        confirmations_required = d.pop("confirmations_required")

        def _parse_contract(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        contract = _parse_contract(d.pop("contract"))

        def _parse_credited_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        credited_at = _parse_credited_at(d.pop("credited_at"))

        detected_at = d.pop("detected_at")

        def _parse_expected_by(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        expected_by = _parse_expected_by(d.pop("expected_by"))

        def _parse_explorer_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        explorer_url = _parse_explorer_url(d.pop("explorer_url"))

        def _parse_finality(data: object) -> DepositOutFinalityType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                finality_type_0 = check_deposit_out_finality_type_0(data)

                return finality_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DepositOutFinalityType0 | None, data)

        finality = _parse_finality(d.pop("finality"))

        id = UUID(d.pop("id"))

        def _parse_log_index(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        log_index = _parse_log_index(d.pop("log_index"))

        network = d.pop("network")

        def _parse_reason(data: object) -> DepositOutReasonType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                reason_type_0 = check_deposit_out_reason_type_0(data)

                return reason_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DepositOutReasonType0 | None, data)

        reason = _parse_reason(d.pop("reason"))

        def _parse_since(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        since = _parse_since(d.pop("since"))

        state = check_deposit_out_state(d.pop("state"))

        def _parse_sub_status(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        sub_status = _parse_sub_status(d.pop("sub_status"))

        txid = d.pop("txid")

        version = d.pop("version")

        def _parse_vout(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        vout = _parse_vout(d.pop("vout"))

        def _parse_waiting_for(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        waiting_for = _parse_waiting_for(d.pop("waiting_for"))

        deposit_out = cls(
            address=address,
            amount=amount,
            asset=asset,
            block_height=block_height,
            can_cancel=can_cancel,
            confirmations=confirmations,
            confirmations_required=confirmations_required,
            contract=contract,
            credited_at=credited_at,
            detected_at=detected_at,
            expected_by=expected_by,
            explorer_url=explorer_url,
            finality=finality,
            id=id,
            log_index=log_index,
            network=network,
            reason=reason,
            since=since,
            state=state,
            sub_status=sub_status,
            txid=txid,
            version=version,
            vout=vout,
            waiting_for=waiting_for,
        )

        deposit_out.additional_properties = d
        return deposit_out

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
