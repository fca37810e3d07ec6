from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.beneficiary_out_state import BeneficiaryOutState, check_beneficiary_out_state

T = TypeVar("T", bound="BeneficiaryOut")


@_attrs_define
class BeneficiaryOut:
    """A saved destination. It can be paid in state `active`."""

    address: str
    asset: str
    available_at: None | str
    can_cancel: bool | None
    created_at: str
    expected_by: None | str
    id: UUID
    label: str
    last_paid_at: None | str
    network: str
    since: None | str
    state: BeneficiaryOutState
    sub_status: None | str
    version: int
    waiting_for: None | str
    warnings: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        address = self.address

        asset = self.asset

        available_at: None | str
        available_at = self.available_at

        can_cancel: bool | None
        can_cancel = self.can_cancel

        created_at = self.created_at

        expected_by: None | str
        expected_by = self.expected_by

        id = str(self.id)

        label = self.label

        last_paid_at: None | str
        last_paid_at = self.last_paid_at

        network = self.network

        since: None | str
        since = self.since

        state: str = self.state

        sub_status: None | str
        sub_status = self.sub_status

        version = self.version

        waiting_for: None | str
        waiting_for = self.waiting_for

        warnings = self.warnings

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address": address,
                "asset": asset,
                "available_at": available_at,
                "can_cancel": can_cancel,
                "created_at": created_at,
                "expected_by": expected_by,
                "id": id,
                "label": label,
                "last_paid_at": last_paid_at,
                "network": network,
                "since": since,
                "state": state,
                "sub_status": sub_status,
                "version": version,
                "waiting_for": waiting_for,
                "warnings": warnings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        address = d.pop("address")

        asset = d.pop("asset")

        def _parse_available_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        available_at = _parse_available_at(d.pop("available_at"))

        def _parse_can_cancel(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        can_cancel = _parse_can_cancel(d.pop("can_cancel"))

        created_at = d.pop("created_at")

        def _parse_expected_by(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        expected_by = _parse_expected_by(d.pop("expected_by"))

        id = UUID(d.pop("id"))

        label = d.pop("label")

        def _parse_last_paid_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        last_paid_at = _parse_last_paid_at(d.pop("last_paid_at"))

        network = d.pop("network")

        def _parse_since(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        since = _parse_since(d.pop("since"))

        state = check_beneficiary_out_state(d.pop("state"))

        def _parse_sub_status(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        sub_status = _parse_sub_status(d.pop("sub_status"))

        version = d.pop("version")

        def _parse_waiting_for(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        waiting_for = _parse_waiting_for(d.pop("waiting_for"))

        warnings = cast(list[str], d.pop("warnings"))

        beneficiary_out = cls(
            address=address,
            asset=asset,
            available_at=available_at,
            can_cancel=can_cancel,
            created_at=created_at,
            expected_by=expected_by,
            id=id,
            label=label,
            last_paid_at=last_paid_at,
            network=network,
            since=since,
            state=state,
            sub_status=sub_status,
            version=version,
            waiting_for=waiting_for,
            warnings=warnings,
        )

        beneficiary_out.additional_properties = d
        return beneficiary_out

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
