"""What the signer answers, and the names of its rules."""

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Self

from tidegate.signing.fields import Malformed, integer_of, only, text_of
from tidegate.signing.intents import Payout


class Rule(StrEnum):
    """The signer's rules, by name."""

    UNREADABLE = "unreadable"  # no message of this version: nothing was looked up, so it says nothing of the past
    MALFORMED = "malformed"  # a request that contradicts itself, or a PSBT or address that is none of this network
    DIGEST_MISMATCH = "digest_mismatch"  # the authorisation is for another digest or another user
    SECOND_DIGEST = "second_digest"  # this payout was asked for before with another intent
    SECOND_TRANSACTION = "second_transaction"  # this payout already has signed bytes, not replaced or not excluded
    WRONG_REPLACEMENT = "wrong_replacement"  # what it says it replaces was not signed for exactly these payouts
    REPLACEMENT_TOO_CHEAP = "replacement_too_cheap"  # the network would keep the earlier one
    WRONG_PARENT = "wrong_parent"  # a child of no payment of ours, or not of its change alone
    NONCE_USED = "nonce_used"  # EVM: the nonce belongs to another payout or move
    WRONG_OUTPUT = "wrong_output"  # an output is neither an authorised payout nor our own change, nor a move's place
    WRONG_AMOUNT = "wrong_amount"  # an output pays another amount than was authorised
    WRONG_NETWORK = "wrong_network"  # an unknown network, another chain id, or payouts of several networks
    WRONG_TOKEN = "wrong_token"  # this signer has no contract for the asset on that network
    FOREIGN_INPUT = "foreign_input"  # an input is not a P2WPKH coin of our own descriptors, proven by its parent
    FEE_TOO_HIGH = "fee_too_high"  # above the intents' bound, a move's bound or share, or the configured rate
    ABOVE_CAP = "above_cap"  # above the asset's largest single payout or top-up, or the asset has no cap
    OVER_HOURLY = "over_hourly"  # with it, the last hour's signatures would pass the asset's total
    OVER_DAILY = "over_daily"  # the same of the last 24 hours
    NO_COLD_ADDRESS = "no_cold_address"  # a move to cold storage, and this signer has no cold address there
    NO_VENUE_ADDRESS = "no_venue_address"  # a move to an exchange, and this signer has no address of ours there
    OLD_FENCE = "old_fence"  # a later holder of the same set was heard before: whoever asks has lost its lease
    FROZEN = "frozen"  # the freeze flag is set; the one denial that ends, when a person lifts it


@dataclass(frozen=True, slots=True)
class Approved:
    """`raw` is the whole signed transaction, ready to send; `txid` is computed by the signer from those bytes.

    `fee_units`: what it costs (Bitcoin, exact) or may cost at most (EVM, gas x max fee), in the gas asset.
    """

    raw: bytes
    txid: str
    fee_units: int

    def to_json(self) -> dict[str, Any]:
        return {"raw": self.raw.hex(), "txid": self.txid, "fee_units": self.fee_units}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        known = only(raw, {"raw", "txid", "fee_units"}, "approved")
        if type(known["raw"]) is not str:
            raise Malformed("approved: hex is expected")
        try:
            signed = bytes.fromhex(known["raw"])
        except ValueError as error:
            raise Malformed("approved: hex is expected") from error
        return cls(signed, text_of(known, "txid"), integer_of(known, "fee_units"))


@dataclass(frozen=True, slots=True)
class Denied:
    """A rule of the signer says no; `rule` is its stable name. Asking again changes nothing (but see `frozen`).

    This request was not signed. `signed`: another one was, for one of these payouts, and its bytes may be anywhere;
    then no rule, whatever it says, means that the payout can be given up or paid otherwise.
    """

    rule: str
    detail: str
    signed: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        known = only(raw, {"rule", "detail", "signed"}, "denied")
        if type(known["signed"]) is not bool:
            raise Malformed("denied: yes or no is expected")
        return cls(text_of(known, "rule"), text_of(known, "detail"), known["signed"])


@dataclass(frozen=True, slots=True)
class Failed:
    """The signer broke or could not be reached: ask again, with the same request."""

    detail: str
    written: bool = True
    """Whether the signer may have read the request; said by the door, never by the signer."""

    def to_json(self) -> dict[str, Any]:
        return {"detail": self.detail}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        return cls(text_of(only(raw, {"detail"}, "failed"), "detail"))


MOST_KNOWN = 200
"""Transactions in one answer about what was signed lately: enough to tell a database that is older than the journal."""


@dataclass(frozen=True, slots=True)
class Known:
    """A transaction that the signer's journal holds. `made_for`: ids of its payouts, of its move, or its parent's txid."""

    txid: str
    made_for: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"txid": self.txid, "made_for": list(self.made_for)}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        known = only(raw, {"txid", "made_for"}, "known")
        made_for = known["made_for"]
        if not isinstance(made_for, list) or not all(type(one) is str for one in made_for):
            raise Malformed("known")
        return cls(text_of(known, "txid"), tuple(made_for))


@dataclass(frozen=True, slots=True)
class SignedLately:
    """The newest transactions of the journal, oldest first; of those, since a person last said that all are compared."""

    transactions: tuple[Known, ...]

    def to_json(self) -> dict[str, Any]:
        return {"transactions": [one.to_json() for one in self.transactions]}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        found = only(raw, {"transactions"}, "signed_lately")["transactions"]
        if not isinstance(found, list) or len(found) > MOST_KNOWN:
            raise Malformed(f"signed_lately: up to {MOST_KNOWN} transactions are expected")
        return cls(tuple(Known.from_json(one) for one in found))


@dataclass(frozen=True, slots=True)
class SignerStatus:
    """A living signer: whether it is frozen, which networks it signs for, and how far its journal is."""

    frozen: bool
    networks: tuple[str, ...]
    journal_lines: int
    journal_head: str  # hash of the newest line: two signers with one head have one history

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "networks": list(self.networks)}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        known = only(raw, {field.name for field in fields(cls)}, "status")
        networks = known["networks"]
        if type(known["frozen"]) is not bool or not isinstance(networks, list):
            raise Malformed("status")
        if not all(type(name) is str for name in networks):
            raise Malformed("status")
        return cls(known["frozen"], tuple(networks), integer_of(known, "journal_lines"), text_of(known, "journal_head"))


@dataclass(frozen=True, slots=True)
class SignedBytes:
    """What the journal holds of one transaction: its bytes, and each payout that it makes with who authorised it.

    No payouts: it is a move of the house, a child that pays for its parent, or it cancels a nonce.
    """

    txid: str
    raw: bytes
    fee_units: int
    payouts: tuple[Payout, ...]

    def to_json(self) -> dict[str, Any]:
        signed = Approved(self.raw, self.txid, self.fee_units).to_json()
        return {**signed, "payouts": [one.to_json() for one in self.payouts]}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        known = only(raw, {"raw", "txid", "fee_units", "payouts"}, "signed_bytes")
        signed = Approved.from_json({name: known[name] for name in ("raw", "txid", "fee_units")})
        if not isinstance(known["payouts"], list):
            raise Malformed("signed_bytes")
        payouts = tuple(Payout.from_json(one) for one in known["payouts"])
        return cls(signed.txid, signed.raw, signed.fee_units, payouts)
