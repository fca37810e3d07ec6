"""What passes over the signer's socket: sign requests for payouts and moves, and their answers, in one envelope.

On the socket a message is canonical JSON (frames.py). Reading is strict (fields.py). What a payout is stands in
intents.py, the house's own moves in moves.py, the answers in answers.py; all of it is imported from here.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from tidegate.signing.answers import (
    MOST_KNOWN,
    Approved,
    Denied,
    Failed,
    Known,
    Rule,
    SignedBytes,
    SignedLately,
    SignerStatus,
)
from tidegate.signing.fields import Malformed, integer_of, only, psbt_of, text_of
from tidegate.signing.intents import INTENT_TAG, Authorisation, Intent, Payout, digest_of
from tidegate.signing.moves import (
    MoveBitcoin,
    MoveEvm,
    SignCancel,
    SignColdBitcoin,
    SignColdEvm,
    SignConsolidation,
    SignMove,
    SignSweep,
    SignTopUp,
    SignToVenueBitcoin,
    SignToVenueEvm,
)

__all__ = [
    "INTENT_TAG",
    "MOST_KNOWN",
    "MOST_PAYOUTS",
    "VERSION",
    "Answer",
    "Approved",
    "AskBytes",
    "AskSigned",
    "AskStatus",
    "Authorisation",
    "Denied",
    "Failed",
    "Fence",
    "Intent",
    "Known",
    "Malformed",
    "MoveBitcoin",
    "MoveEvm",
    "Payout",
    "Reply",
    "Request",
    "Rule",
    "SignBitcoin",
    "SignCancel",
    "SignChild",
    "SignColdBitcoin",
    "SignColdEvm",
    "SignConsolidation",
    "SignEvm",
    "SignMove",
    "SignRequest",
    "SignSweep",
    "SignToVenueBitcoin",
    "SignToVenueEvm",
    "SignTopUp",
    "SignedBytes",
    "SignedLately",
    "SignerStatus",
    "digest_of",
    "fence_of",
    "reply_of",
    "request_of",
    "wrap",
]

VERSION = 5
"""Of the socket's messages; a signer refuses any other. 2: replacements and children, `signed` in a denial. 3: moves.
4: moves to exchanges. 5: fences."""

MOST_PAYOUTS = 100
"""In one Bitcoin transaction; above it a batch saves nothing and one that is stuck holds up more (chains.md 2.2)."""


@dataclass(frozen=True, slots=True)
class Fence:
    """Under which lease of which set a request is made. A higher number is a later holder: earlier ones are not heard.

    It says nothing of what is asked, and is no part of it: the same request of a later holder gets the same bytes.
    """

    set_id: str
    number: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        known = only(raw, {"set_id", "number"}, "fence")
        return cls(text_of(known, "set_id"), integer_of(known, "number"))


@dataclass(frozen=True, slots=True)
class SignBitcoin:
    """Sign this PSBT (base64): it pays exactly these payouts, all of one network, and our own change.

    `replaces` names the transaction of these very payouts that it is to take the place of; empty for the first one.
    A replacement shares a coin with every transaction signed for them, pays the same payouts, and pays a higher fee.
    """

    payouts: tuple[Payout, ...]
    psbt: str
    replaces: str = ""

    def to_json(self) -> dict[str, Any]:
        payouts = [payout.to_json() for payout in self.payouts]
        return {"payouts": payouts, "psbt": self.psbt, "replaces": self.replaces}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        known = only(raw, {"payouts", "psbt", "replaces"}, "sign_bitcoin")
        payouts = known["payouts"]
        if not isinstance(payouts, list) or not 1 <= len(payouts) <= MOST_PAYOUTS:
            raise Malformed(f"sign_bitcoin: 1 to {MOST_PAYOUTS} payouts are expected")
        return cls(tuple(Payout.from_json(payout) for payout in payouts), psbt_of(known), text_of(known, "replaces"))


@dataclass(frozen=True, slots=True)
class SignEvm:
    """Build and sign the one EIP-1559 transaction that pays this intent with these gas fields (wei).

    `replaces` names the transaction of this payout, at this nonce, that it is to take the place of; both fees must be
    12.5 % above it. Empty for the first one.
    """

    intent: Intent
    authorisation: Authorisation
    nonce: int
    gas: int
    max_fee_per_gas: int
    max_priority_fee_per_gas: int
    chain_id: int
    replaces: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        known = only(raw, {field.name for field in fields(cls)}, "sign_evm")
        numbers = {f.name: integer_of(known, f.name) for f in fields(cls) if f.type is int}
        intent, authorisation = Intent.from_json(known["intent"]), Authorisation.from_json(known["authorisation"])
        return cls(intent, authorisation, replaces=text_of(known, "replaces"), **numbers)


@dataclass(frozen=True, slots=True)
class SignChild:
    """Sign this PSBT (base64): it spends the change of `parent` back to our own change, to pay for both (CPFP).

    Parent and child together stay within the fee that the parent's payouts allow.
    """

    network: str
    parent: str
    psbt: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        known = only(raw, {"network", "parent", "psbt"}, "sign_child")
        return cls(text_of(known, "network"), text_of(known, "parent"), psbt_of(known))


@dataclass(frozen=True, slots=True)
class AskStatus:
    """How is the signer? Signs nothing."""

    def to_json(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        only(raw, set(), "status")
        return cls()


@dataclass(frozen=True, slots=True)
class AskSigned:
    """Which transactions did the signer sign lately? Signs nothing."""

    def to_json(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        only(raw, set(), "signed_lately")
        return cls()


@dataclass(frozen=True, slots=True)
class AskBytes:
    """Which bytes did the signer sign as this transaction, and for which payouts? Signs nothing: it gave them before."""

    txid: str

    def to_json(self) -> dict[str, Any]:
        return {"txid": self.txid}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        return cls(text_of(only(raw, {"txid"}, "signed_bytes"), "txid"))


SignRequest = SignBitcoin | SignEvm | SignChild | SignMove
Request = SignRequest | AskStatus | AskSigned | AskBytes


_UNKNOWN = "message: unknown version or kind"

Answer = Approved | Denied | Failed
Reply = Answer | SignerStatus | SignedLately | SignedBytes

_REQUESTS: dict[str, type[Request]] = {
    "sign_bitcoin": SignBitcoin,
    "sign_evm": SignEvm,
    "sign_child": SignChild,
    "sign_consolidation": SignConsolidation,
    "sign_cold_bitcoin": SignColdBitcoin,
    "sign_sweep": SignSweep,
    "sign_top_up": SignTopUp,
    "sign_cold_evm": SignColdEvm,
    "sign_to_venue_bitcoin": SignToVenueBitcoin,
    "sign_to_venue_evm": SignToVenueEvm,
    "sign_cancel": SignCancel,
    "status": AskStatus,
    "signed_lately": AskSigned,
    "signed_bytes": AskBytes,
}
_REPLIES: dict[str, type[Reply]] = {
    "approved": Approved,
    "denied": Denied,
    "failed": Failed,
    "status": SignerStatus,
    "signed_lately": SignedLately,
    "signed_bytes": SignedBytes,
}


def wrap(message: Request | Reply, under: Fence | None = None) -> dict[str, Any]:
    """The message with its version and kind, as it goes on the socket; a request also with the fence it is made under."""
    kinds: dict[str, Any] = {**_REPLIES} if isinstance(message, Reply) else {**_REQUESTS}
    kind = next(name for name, cls in kinds.items() if cls is type(message))
    document = {"version": VERSION, "kind": kind, "body": message.to_json()}
    if isinstance(message, Reply):
        return document
    return document | {"fence": None if under is None else under.to_json()}


def _asked(raw: Any) -> Mapping[str, Any]:
    if isinstance(raw, dict) and raw.get("version") != VERSION:
        raise Malformed(_UNKNOWN)
    return only(raw, {"version", "kind", "body", "fence"}, "message")


def fence_of(raw: Any) -> Fence | None:
    """The fence that a request is made under; None for one of no set. Refuses with Malformed."""
    known = _asked(raw)
    return None if known["fence"] is None else Fence.from_json(known["fence"])


def request_of(raw: Any) -> Request:
    """Refuses with Malformed."""
    known = _asked(raw)
    if type(known["kind"]) is not str or known["kind"] not in _REQUESTS:
        raise Malformed(_UNKNOWN)
    return _REQUESTS[known["kind"]].from_json(known["body"])


def reply_of(raw: Any) -> Reply:
    """Refuses with Malformed."""
    known = only(raw, {"version", "kind", "body"}, "message")
    if known["version"] != VERSION or type(known["kind"]) is not str or known["kind"] not in _REPLIES:
        raise Malformed(_UNKNOWN)
    return _REPLIES[known["kind"]].from_json(known["body"])
