from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="AttemptOut")


@_attrs_define
class AttemptOut:
    block_height: int | None
    confirmations: int
    confirmations_required: int
    explorer_url: None | str
    id: UUID
    sent_at: None | str
    state: str
    txid: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        block_height: int | None
        block_height = self.block_height

        confirmations = self.confirmations

        confirmations_required = self.confirmations_required

        explorer_url: None | str
        explorer_url = self.explorer_url

        id = str(self.id)

        sent_at: None | str
        sent_at = self.sent_at

        state = self.state

        txid: None | str
        txid = self.txid

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "block_height": block_height,
                "confirmations": confirmations,
                "confirmations_required": confirmations_required,
                "explorer_url": explorer_url,
                "id": id,
                "sent_at": sent_at,
                "state": state,
                "txid": txid,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_block_height(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        block_height = _parse_block_height(d.pop("block_height"))

        confirmations = d.pop("confirmations")

        confirmations_required = d.pop("confirmations_required")

        def _parse_explorer_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        explorer_url = _parse_explorer_url(d.pop("explorer_url"))

        id = UUID(d.pop("id"))

        def _parse_sent_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        sent_at = _parse_sent_at(d.pop("sent_at"))

        state = d.pop("state")

        def _parse_txid(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        txid = _parse_txid(d.pop("txid"))

        attempt_out = cls(
            block_height=block_height,
            confirmations=confirmations,
            confirmations_required=confirmations_required,
            explorer_url=explorer_url,
            id=id,
            sent_at=sent_at,
            state=state,
            txid=txid,
        )

        attempt_out.additional_properties = d
        return attempt_out

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
