from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.tracked_out_stage import TrackedOutStage, check_tracked_out_stage

if TYPE_CHECKING:
    from ..models.amount_out import AmountOut


T = TypeVar("T", bound="TrackedOut")


@_attrs_define
class TrackedOut:
    """All that a tracking link shows. `stage` is the state in a recipient's words."""

    arrived_at: None | str
    confirmations: int
    confirmations_required: int
    deliver: AmountOut
    """ An amount on the wire: fixed point with exactly the asset's decimals. """
    expected_by: None | str
    explorer_url: None | str
    link_expires_at: str
    network: str
    network_name: str
    stage: TrackedOutStage
    txid: None | str
    """ Once it is sent """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        arrived_at: None | str
        arrived_at = self.arrived_at

        confirmations = self.confirmations

        confirmations_required = self.confirmations_required

        deliver = self.deliver.to_dict()

        expected_by: None | str
        expected_by = self.expected_by

        explorer_url: None | str
        explorer_url = self.explorer_url

        link_expires_at = self.link_expires_at

        network = self.network

        network_name = self.network_name

        stage: str = self.stage

        txid: None | str
        txid = self.txid

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "arrived_at": arrived_at,
                "confirmations": confirmations,
                "confirmations_required": confirmations_required,
                "deliver": deliver,
                "expected_by": expected_by,
                "explorer_url": explorer_url,
                "link_expires_at": link_expires_at,
                "network": network,
                "network_name": network_name,
                "stage": stage,
                "txid": txid,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.amount_out import AmountOut  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_arrived_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        arrived_at = _parse_arrived_at(d.pop("arrived_at"))

        confirmations = d.pop("confirmations")

        confirmations_required = d.pop("confirmations_required")

        deliver = AmountOut.from_dict(d.pop("deliver"))

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

        link_expires_at = d.pop("link_expires_at")

        network = d.pop("network")

        network_name = d.pop("network_name")

        stage = check_tracked_out_stage(d.pop("stage"))

        def _parse_txid(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        txid = _parse_txid(d.pop("txid"))

        tracked_out = cls(
            arrived_at=arrived_at,
            confirmations=confirmations,
            confirmations_required=confirmations_required,
            deliver=deliver,
            expected_by=expected_by,
            explorer_url=explorer_url,
            link_expires_at=link_expires_at,
            network=network,
            network_name=network_name,
            stage=stage,
            txid=txid,
        )

        tracked_out.additional_properties = d
        return tracked_out

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
