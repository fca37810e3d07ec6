from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define

from ..models.quote_in_kind import QuoteInKind, check_quote_in_kind
from ..models.quote_in_side import QuoteInSide, check_quote_in_side
from ..models.quote_in_speed_type_0 import QuoteInSpeedType0, check_quote_in_speed_type_0
from ..types import UNSET, Unset

T = TypeVar("T", bound="QuoteIn")


@_attrs_define
class QuoteIn:
    """What is to be quoted. `network` is required for a withdrawal and refused for a conversion."""

    amount: Any | Literal["max"]
    """ A decimal string, or `max` with exact_in """
    from_asset: str
    kind: QuoteInKind
    side: QuoteInSide
    """ `exact_in`: `amount` leaves you. `exact_out`: `amount` arrives. """
    to_asset: str
    address: None | str | Unset = UNSET
    beneficiary_id: None | Unset | UUID = UNSET
    network: None | str | Unset = UNSET
    speed: None | QuoteInSpeedType0 | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        amount: Any | Literal["max"]
        amount = self.amount

        from_asset = self.from_asset

        kind: str = self.kind

        side: str = self.side

        to_asset = self.to_asset

        address: None | str | Unset
        if isinstance(self.address, Unset):
            address = UNSET
        else:
            address = self.address

        beneficiary_id: None | str | Unset
        if isinstance(self.beneficiary_id, Unset):
            beneficiary_id = UNSET
        elif isinstance(self.beneficiary_id, UUID):
            beneficiary_id = str(self.beneficiary_id)
        else:
            beneficiary_id = self.beneficiary_id

        network: None | str | Unset
        if isinstance(self.network, Unset):
            network = UNSET
        else:
            network = self.network

        speed: None | str | Unset
        if isinstance(self.speed, Unset):
            speed = UNSET
        elif isinstance(self.speed, str):
            speed = self.speed
        else:
            speed = self.speed

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "amount": amount,
                "from_asset": from_asset,
                "kind": kind,
                "side": side,
                "to_asset": to_asset,
            }
        )
        if address is not UNSET:
            field_dict["address"] = address
        if beneficiary_id is not UNSET:
            field_dict["beneficiary_id"] = beneficiary_id
        if network is not UNSET:
            field_dict["network"] = network
        if speed is not UNSET:
            field_dict["speed"] = speed

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_amount(data: object) -> Any | Literal["max"]:
            amount_type_0 = cast(Literal["max"], data)
            if amount_type_0 != "max":
                raise ValueError(f"amount_type_0 must match const 'max', got '{amount_type_0}'")
            return amount_type_0
            return cast(Any | Literal["max"], data)

        amount = _parse_amount(d.pop("amount"))

        from_asset = d.pop("from_asset")

        kind = check_quote_in_kind(d.pop("kind"))

        side = check_quote_in_side(d.pop("side"))

        to_asset = d.pop("to_asset")

        def _parse_address(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        address = _parse_address(d.pop("address", UNSET))

        def _parse_beneficiary_id(data: object) -> None | Unset | UUID:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                beneficiary_id_type_0 = UUID(data)

                return beneficiary_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | UUID, data)

        beneficiary_id = _parse_beneficiary_id(d.pop("beneficiary_id", UNSET))

        def _parse_network(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        network = _parse_network(d.pop("network", UNSET))

        def _parse_speed(data: object) -> None | QuoteInSpeedType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                speed_type_0 = check_quote_in_speed_type_0(data)

                return speed_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | QuoteInSpeedType0 | Unset, data)

        speed = _parse_speed(d.pop("speed", UNSET))

        quote_in = cls(
            amount=amount,
            from_asset=from_asset,
            kind=kind,
            side=side,
            to_asset=to_asset,
            address=address,
            beneficiary_id=beneficiary_id,
            network=network,
            speed=speed,
        )

        return quote_in
