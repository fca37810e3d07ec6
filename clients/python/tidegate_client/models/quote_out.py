from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.quote_out_kind import QuoteOutKind, check_quote_out_kind
from ..models.quote_out_side import QuoteOutSide, check_quote_out_side
from ..models.quote_out_speed_type_0 import QuoteOutSpeedType0, check_quote_out_speed_type_0
from ..models.quote_out_state import QuoteOutState, check_quote_out_state

if TYPE_CHECKING:
    from ..models.amount_out import AmountOut
    from ..models.arrives_by_out import ArrivesByOut
    from ..models.fee_out import FeeOut
    from ..models.limit_out import LimitOut
    from ..models.refund_rule_out import RefundRuleOut
    from ..models.review_out import ReviewOut
    from ..models.route_out import RouteOut
    from ..models.speed_out import SpeedOut
    from ..models.total_cost_out import TotalCostOut


T = TypeVar("T", bound="QuoteOut")


@_attrs_define
class QuoteOut:
    """A firm, all-in price. `debit`, `fees` and `deliver` are exact and final until `expires_at`."""

    address: None | str
    arrives_by: ArrivesByOut
    beneficiary_id: None | UUID
    created_at: str
    debit: AmountOut
    """ An amount on the wire: fixed point with exactly the asset's decimals. """
    deliver: AmountOut
    """ An amount on the wire: fixed point with exactly the asset's decimals. """
    expires_at: str
    fees: list[FeeOut]
    from_asset: str
    id: UUID
    kind: QuoteOutKind
    limits: list[LimitOut]
    network: None | str
    rate: str
    """ `to_asset` per 1 `from_asset` before fees; 18 significant digits, rounded down """
    refund_rule: RefundRuleOut
    """ What comes back when it cannot be carried out: the whole debit before, `to_asset` after the conversion. The
    network
    fee is kept once the network has mined a payment, also one that the recipient's contract turned down. """
    review: ReviewOut
    route: list[RouteOut]
    side: QuoteOutSide
    speed: None | QuoteOutSpeedType0
    speeds: list[SpeedOut]
    """ The same order at each speed; empty for a conversion """
    state: QuoteOutState
    to_asset: str
    total_cost: TotalCostOut
    warnings: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        address: None | str
        address = self.address

        arrives_by = self.arrives_by.to_dict()

        beneficiary_id: None | str
        if isinstance(self.beneficiary_id, UUID):
            beneficiary_id = str(self.beneficiary_id)
        else:
            beneficiary_id = self.beneficiary_id

        created_at = self.created_at

        debit = self.debit.to_dict()

        deliver = self.deliver.to_dict()

        expires_at = self.expires_at

        fees = []
        for fees_item_data in self.fees:
            fees_item = fees_item_data.to_dict()
            fees.append(fees_item)

        from_asset = self.from_asset

        id = str(self.id)

        kind: str = self.kind

        limits = []
        for limits_item_data in self.limits:
            limits_item = limits_item_data.to_dict()
            limits.append(limits_item)

        network: None | str
        network = self.network

        rate = self.rate

        refund_rule = self.refund_rule.to_dict()

        review = self.review.to_dict()

        route = []
        for route_item_data in self.route:
            route_item = route_item_data.to_dict()
            route.append(route_item)

        side: str = self.side

        speed: None | str
        if isinstance(self.speed, str):
            speed = self.speed
        else:
            speed = self.speed

        speeds = []
        for speeds_item_data in self.speeds:
            speeds_item = speeds_item_data.to_dict()
            speeds.append(speeds_item)

        state: str = self.state

        to_asset = self.to_asset

        total_cost = self.total_cost.to_dict()

        warnings = self.warnings

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address": address,
                "arrives_by": arrives_by,
                "beneficiary_id": beneficiary_id,
                "created_at": created_at,
                "debit": debit,
                "deliver": deliver,
                "expires_at": expires_at,
                "fees": fees,
                "from_asset": from_asset,
                "id": id,
                "kind": kind,
                "limits": limits,
                "network": network,
                "rate": rate,
                "refund_rule": refund_rule,
                "review": review,
                "route": route,
                "side": side,
                "speed": speed,
                "speeds": speeds,
                "state": state,
                "to_asset": to_asset,
                "total_cost": total_cost,
                "warnings": warnings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.amount_out import AmountOut  # noqa: PLC0415
        from ..models.arrives_by_out import ArrivesByOut  # noqa: PLC0415
        from ..models.fee_out import FeeOut  # noqa: PLC0415
        from ..models.limit_out import LimitOut  # noqa: PLC0415
        from ..models.refund_rule_out import RefundRuleOut  # noqa: PLC0415
        from ..models.review_out import ReviewOut  # noqa: PLC0415
        from ..models.route_out import RouteOut  # noqa: PLC0415
        from ..models.speed_out import SpeedOut  # noqa: PLC0415
        from ..models.total_cost_out import TotalCostOut  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_address(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        address = _parse_address(d.pop("address"))

        arrives_by = ArrivesByOut.from_dict(d.pop("arrives_by"))

        def _parse_beneficiary_id(data: object) -> None | UUID:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                beneficiary_id_type_0 = UUID(data)

                return beneficiary_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UUID, data)

        beneficiary_id = _parse_beneficiary_id(d.pop("beneficiary_id"))

        created_at = d.pop("created_at")

        debit = AmountOut.from_dict(d.pop("debit"))

        deliver = AmountOut.from_dict(d.pop("deliver"))

        expires_at = d.pop("expires_at")

        fees = []
        _fees = d.pop("fees")
        for fees_item_data in _fees:
            fees_item = FeeOut.from_dict(fees_item_data)

            fees.append(fees_item)

        from_asset = d.pop("from_asset")

        id = UUID(d.pop("id"))

        kind = check_quote_out_kind(d.pop("kind"))

        limits = []
        _limits = d.pop("limits")
        for limits_item_data in _limits:
            limits_item = LimitOut.from_dict(limits_item_data)

            limits.append(limits_item)

        def _parse_network(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        network = _parse_network(d.pop("network"))

        rate = d.pop("rate")

        refund_rule = RefundRuleOut.from_dict(d.pop("refund_rule"))

        review = ReviewOut.from_dict(d.pop("review"))

        route = []
        _route = d.pop("route")
        for route_item_data in _route:
            route_item = RouteOut.from_dict(route_item_data)

            route.append(route_item)

        side = check_quote_out_side(d.pop("side"))

        def _parse_speed(data: object) -> None | QuoteOutSpeedType0:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                speed_type_0 = check_quote_out_speed_type_0(data)

                return speed_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | QuoteOutSpeedType0, data)

        speed = _parse_speed(d.pop("speed"))

        speeds = []
        _speeds = d.pop("speeds")
        for speeds_item_data in _speeds:
            speeds_item = SpeedOut.from_dict(speeds_item_data)

            speeds.append(speeds_item)

        state = check_quote_out_state(d.pop("state"))

        to_asset = d.pop("to_asset")

        total_cost = TotalCostOut.from_dict(d.pop("total_cost"))

        warnings = cast(list[str], d.pop("warnings"))

        quote_out = cls(
            address=address,
            arrives_by=arrives_by,
            beneficiary_id=beneficiary_id,
            created_at=created_at,
            debit=debit,
            deliver=deliver,
            expires_at=expires_at,
            fees=fees,
            from_asset=from_asset,
            id=id,
            kind=kind,
            limits=limits,
            network=network,
            rate=rate,
            refund_rule=refund_rule,
            review=review,
            route=route,
            side=side,
            speed=speed,
            speeds=speeds,
            state=state,
            to_asset=to_asset,
            total_cost=total_cost,
            warnings=warnings,
        )

        quote_out.additional_properties = d
        return quote_out

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
