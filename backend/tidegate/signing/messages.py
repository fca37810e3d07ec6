"""What passes over the signer's socket: the intent, its authorisation, sign requests and answers.

The canonical form is fixed here, by field order and version, and nowhere else: `tidegate/intent/v1` followed by each
field as `name=value` on a line of its own, values without line breaks. A digest is SHA-256 over those bytes.

On the socket a message is canonical JSON (frames.py). Reading is strict: a missing, unknown or wrongly typed field is
`Malformed`, and a bool is not an integer.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Self

INTENT_TAG = "tidegate/intent/v1"
VERSION = 2
"""Of the socket's messages; a signer refuses any other. 2: replacements and children, `signed` in a denial."""

MOST_PAYOUTS = 100
"""In one Bitcoin transaction; above it a batch saves nothing and one that is stuck holds up more (chains.md 2.2)."""

_UNITS_END = 10**60  # the database's Units domain ends here too
_TEXT_END = 4096


class Malformed(ValueError):
    """A message that is not one of ours, field by field."""


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw[name]
    if type(value) is not str or len(value) > _TEXT_END or "\n" in value or "\r" in value:
        raise Malformed(f"{name}: a line of text is expected")
    try:
        value.encode()
    except UnicodeEncodeError as error:  # half of a surrogate pair: JSON can spell it, bytes cannot
        raise Malformed(f"{name}: a line of text is expected") from error
    return value


def _psbt(raw: Mapping[str, Any]) -> str:
    value = raw["psbt"]
    if type(value) is not str or not value.isascii():
        raise Malformed("psbt: base64 is expected")
    return value


def _integer(raw: Mapping[str, Any], name: str) -> int:
    value = raw[name]
    if type(value) is not int or not 0 <= value < _UNITS_END:
        raise Malformed(f"{name}: a whole number is expected")
    return value


def _only(raw: Any, names: set[str], what: str) -> Mapping[str, Any]:
    if not isinstance(raw, dict) or set(raw) != names:
        raise Malformed(f"{what}: fields {', '.join(sorted(names))} and no others are expected")
    return raw


@dataclass(frozen=True, slots=True)
class Intent:
    """What one withdrawal is to do, exactly. Strings and integers only; units are base units; times are RFC 3339 UTC."""

    payout_id: str
    user_id: str
    network: str
    asset: str
    address: str
    deliver_units: int
    debit_asset: str
    debit_units: int
    max_network_fee_units: int  # in the network's gas asset: the signer refuses above it
    created_at: str

    def canonical(self) -> bytes:
        """The bytes a person's authorisation is over. Refuses (Malformed) a field that could forge another line."""
        raw = self.to_json()
        lines = [INTENT_TAG]
        for name, kind in _INTENT_FIELDS:
            lines.append(f"{name}={_integer(raw, name) if kind is int else _text(raw, name)}")
        return ("\n".join(lines) + "\n").encode()

    def digest(self) -> str:
        """Lower-case hex SHA-256 of the canonical form."""
        return digest_of(self.canonical())

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name, _ in _INTENT_FIELDS}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        """Refuses (Malformed) unknown, missing or wrongly typed fields."""
        known = _only(raw, {field.name for field in fields(cls)}, "intent")
        values: dict[str, Any] = {}
        for field in fields(cls):
            values[field.name] = _integer(known, field.name) if field.type is int else _text(known, field.name)
        return cls(**values)


def digest_of(canonical: bytes) -> str:
    """The digest of an intent's canonical form."""
    return hashlib.sha256(canonical).hexdigest()


_INTENT_FIELDS = tuple((field.name, field.type) for field in fields(Intent))


@dataclass(frozen=True, slots=True)
class Authorisation:
    """Who said yes to which digest, and how. TOTP proves no more than that the API says so; passkeys will be checked here."""

    digest: str
    method: str  # "totp"
    user_id: str
    verified_at: str
    evidence: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        """Refuses (Malformed) unknown, missing or wrongly typed fields."""
        known = _only(raw, {field.name for field in fields(cls)}, "authorisation")
        return cls(**{f.name: _text(known, f.name) for f in fields(cls)})


@dataclass(frozen=True, slots=True)
class Payout:
    """An intent with the yes that was said to it."""

    intent: Intent
    authorisation: Authorisation

    def to_json(self) -> dict[str, Any]:
        return {"intent": self.intent.to_json(), "authorisation": self.authorisation.to_json()}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        known = _only(raw, {"intent", "authorisation"}, "payout")
        return cls(Intent.from_json(known["intent"]), Authorisation.from_json(known["authorisation"]))


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
        known = _only(raw, {"payouts", "psbt", "replaces"}, "sign_bitcoin")
        payouts = known["payouts"]
        if not isinstance(payouts, list) or not 1 <= len(payouts) <= MOST_PAYOUTS:
            raise Malformed(f"sign_bitcoin: 1 to {MOST_PAYOUTS} payouts are expected")
        return cls(tuple(Payout.from_json(payout) for payout in payouts), _psbt(known), _text(known, "replaces"))


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
        known = _only(raw, {field.name for field in fields(cls)}, "sign_evm")
        numbers = {f.name: _integer(known, f.name) for f in fields(cls) if f.type is int}
        intent, authorisation = Intent.from_json(known["intent"]), Authorisation.from_json(known["authorisation"])
        return cls(intent, authorisation, replaces=_text(known, "replaces"), **numbers)


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
        known = _only(raw, {"network", "parent", "psbt"}, "sign_child")
        return cls(_text(known, "network"), _text(known, "parent"), _psbt(known))


@dataclass(frozen=True, slots=True)
class AskStatus:
    """How is the signer? Signs nothing."""

    def to_json(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        _only(raw, set(), "status")
        return cls()


SignRequest = SignBitcoin | SignEvm | SignChild
Request = SignRequest | AskStatus


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
    NONCE_USED = "nonce_used"  # EVM: the nonce belongs to another payout
    WRONG_OUTPUT = "wrong_output"  # an output is neither an authorised payout nor our own change
    WRONG_AMOUNT = "wrong_amount"  # an output pays another amount than was authorised
    WRONG_NETWORK = "wrong_network"  # an unknown network, another chain id, or payouts of several networks
    WRONG_TOKEN = "wrong_token"  # this signer has no contract for the asset on that network
    FOREIGN_INPUT = "foreign_input"  # an input is not a P2WPKH coin of our own descriptors, proven by its parent
    FEE_TOO_HIGH = "fee_too_high"  # above the intents' bound or the configured rate
    ABOVE_CAP = "above_cap"  # above the asset's largest single payout, or the asset has no cap
    OVER_HOURLY = "over_hourly"  # with it, the last hour's signatures would pass the asset's total
    OVER_DAILY = "over_daily"  # the same of the last 24 hours
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
        known = _only(raw, {"raw", "txid", "fee_units"}, "approved")
        if type(known["raw"]) is not str:
            raise Malformed("approved: hex is expected")
        try:
            signed = bytes.fromhex(known["raw"])
        except ValueError as error:
            raise Malformed("approved: hex is expected") from error
        return cls(signed, _text(known, "txid"), _integer(known, "fee_units"))


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
        known = _only(raw, {"rule", "detail", "signed"}, "denied")
        if type(known["signed"]) is not bool:
            raise Malformed("denied: yes or no is expected")
        return cls(_text(known, "rule"), _text(known, "detail"), known["signed"])


@dataclass(frozen=True, slots=True)
class Failed:
    """The signer broke or could not be reached: ask again, with the same request."""

    detail: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        return cls(_text(_only(raw, {"detail"}, "failed"), "detail"))


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
        known = _only(raw, {field.name for field in fields(cls)}, "status")
        networks = known["networks"]
        if type(known["frozen"]) is not bool or not isinstance(networks, list):
            raise Malformed("status")
        if not all(type(name) is str for name in networks):
            raise Malformed("status")
        return cls(known["frozen"], tuple(networks), _integer(known, "journal_lines"), _text(known, "journal_head"))


Answer = Approved | Denied | Failed
Reply = Answer | SignerStatus

_REQUESTS: dict[str, type[SignBitcoin] | type[SignEvm] | type[SignChild] | type[AskStatus]] = {
    "sign_bitcoin": SignBitcoin,
    "sign_evm": SignEvm,
    "sign_child": SignChild,
    "status": AskStatus,
}
_REPLIES: dict[str, type[Approved] | type[Denied] | type[Failed] | type[SignerStatus]] = {
    "approved": Approved,
    "denied": Denied,
    "failed": Failed,
    "status": SignerStatus,
}


def wrap(message: Request | Reply) -> dict[str, Any]:
    """The message with its version and kind, as it goes on the socket."""
    kinds: dict[str, Any] = (
        {**_REPLIES} if isinstance(message, Approved | Denied | Failed | SignerStatus) else {**_REQUESTS}
    )
    kind = next(name for name, cls in kinds.items() if cls is type(message))
    return {"version": VERSION, "kind": kind, "body": message.to_json()}


def request_of(raw: Any) -> Request:
    """Refuses with Malformed."""
    known = _only(raw, {"version", "kind", "body"}, "message")
    if known["version"] != VERSION or type(known["kind"]) is not str or known["kind"] not in _REQUESTS:
        raise Malformed("message: unknown version or kind")
    return _REQUESTS[known["kind"]].from_json(known["body"])


def reply_of(raw: Any) -> Reply:
    """Refuses with Malformed."""
    known = _only(raw, {"version", "kind", "body"}, "message")
    if known["version"] != VERSION or type(known["kind"]) is not str or known["kind"] not in _REPLIES:
        raise Malformed("message: unknown version or kind")
    return _REPLIES[known["kind"]].from_json(known["body"])
