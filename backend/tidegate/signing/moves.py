"""Requests of the house itself: it moves its own coins between its own places, and nobody authorises that.

So none of them names a recipient. Where the coins go is one of the signer's own keys, or in its own configuration the
cold address or our deposit address at an exchange; what a move may cost is bounded there too. `move_id` names the move for ever, as a payout's id does:
`replaces` is the transaction of this move that the new one is to take the place of, empty for the first.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from tidegate.signing.fields import integer_of, only, psbt_of, text_of


@dataclass(frozen=True, slots=True)
class _Flat:
    """A message of texts and whole numbers."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        """Refuses (Malformed) unknown, missing or wrongly typed fields."""
        known = only(raw, {field.name for field in fields(cls)}, cls.__name__)
        values: dict[str, Any] = {}
        for field in fields(cls):
            if field.name == "psbt":
                values["psbt"] = psbt_of(known)
            else:
                values[field.name] = (integer_of if field.type is int else text_of)(known, field.name)
        return cls(**values)


@dataclass(frozen=True, slots=True)
class SignConsolidation(_Flat):
    """Bitcoin: many coins of ours become one, at our own change. The PSBT (base64) has one output."""

    network: str
    move_id: str
    psbt: str
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class SignColdBitcoin(_Flat):
    """Bitcoin: the PSBT (base64) pays exactly `units` to the cold address, and the rest back to our own change."""

    network: str
    move_id: str
    units: int
    psbt: str
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class SignSweep(_Flat):
    """EVM: what came in at deposit address `index` goes to the hot address, or to the cold one (`to`)."""

    network: str
    move_id: str
    index: int
    asset: str
    units: int
    to: str  # "hot" or "cold"
    nonce: int  # of the deposit address
    gas: int
    max_fee_per_gas: int
    max_priority_fee_per_gas: int
    chain_id: int
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class SignTopUp(_Flat):
    """EVM: `units` of ether go from the hot address to deposit address `index`, for the gas of its sweep."""

    network: str
    move_id: str
    index: int
    units: int
    nonce: int  # of the hot address
    gas: int
    max_fee_per_gas: int
    max_priority_fee_per_gas: int
    chain_id: int
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class SignColdEvm(_Flat):
    """EVM: `units` of the asset go from the hot address to the cold one."""

    network: str
    move_id: str
    asset: str
    units: int
    nonce: int  # of the hot address
    gas: int
    max_fee_per_gas: int
    max_priority_fee_per_gas: int
    chain_id: int
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class SignToVenueBitcoin(_Flat):
    """Bitcoin: the PSBT (base64) pays exactly `units` to our deposit address at that exchange, and the rest back to our
    own change."""

    network: str
    move_id: str
    venue: str
    units: int
    psbt: str
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class SignToVenueEvm(_Flat):
    """EVM: `units` of the asset go from the hot address to our deposit address at that exchange."""

    network: str
    move_id: str
    venue: str
    asset: str
    units: int
    nonce: int  # of the hot address
    gas: int
    max_fee_per_gas: int
    max_priority_fee_per_gas: int
    chain_id: int
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class SignCancel(_Flat):
    """EVM: the hot address sends itself nothing, at the nonce of the transaction that this `replaces`.

    It takes part in that one's payout or move like any dearer replacement, and stays within its fee.
    """

    network: str
    replaces: str
    nonce: int
    gas: int
    max_fee_per_gas: int
    max_priority_fee_per_gas: int
    chain_id: int


MoveBitcoin = SignConsolidation | SignColdBitcoin | SignToVenueBitcoin
MoveEvm = SignSweep | SignTopUp | SignColdEvm | SignToVenueEvm
SignMove = MoveBitcoin | MoveEvm | SignCancel
