"""What passes over the signer's socket: the intent, its authorisation, sign requests and answers.

The canonical form is fixed here, by field order and version, and nowhere else: `tidegate/intent/v1` followed by each
field as `name=value` on a line of its own, values without line breaks. A digest is SHA-256 over those bytes.
"""

import hashlib
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

INTENT_TAG = "tidegate/intent/v1"


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
        lines = [INTENT_TAG]
        for field in fields(self):
            value = str(getattr(self, field.name))
            if "\n" in value or "\r" in value:
                raise ValueError(f"line break in {field.name}")
            lines.append(f"{field.name}={value}")
        return ("\n".join(lines) + "\n").encode()

    def digest(self) -> str:
        """Lower-case hex SHA-256 of the canonical form."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Intent":
        """Refuses (TypeError, ValueError) unknown, missing or wrongly typed fields."""
        intent = cls(**raw)
        for field in fields(cls):
            if type(getattr(intent, field.name)) is not field.type and str(field.type) not in ("int", "str"):
                raise TypeError(field.name)
            if not isinstance(getattr(intent, field.name), int if field.type in (int, "int") else str):
                raise TypeError(field.name)
        return intent


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


@dataclass(frozen=True, slots=True)
class Approved:
    """`raw` is the whole signed transaction, ready to send; `txid` is computed by the signer from those bytes."""

    raw: bytes
    txid: str
    fee_units: int


@dataclass(frozen=True, slots=True)
class Denied:
    """A rule of the signer says no; `rule` is its stable name. Asking again changes nothing."""

    rule: str
    detail: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The signer broke or could not be reached: ask again, with the same request."""

    detail: str


Answer = Approved | Denied | Failed


class Rule(StrEnum):
    """The signer's rules, by name."""

    MALFORMED = "malformed"
    DIGEST_MISMATCH = "digest_mismatch"  # the authorisation is for another digest
    SECOND_DIGEST = "second_digest"  # this payout was asked for before with another intent
    SECOND_TRANSACTION = "second_transaction"  # this payout already has signed bytes that share no input or nonce
    WRONG_OUTPUT = "wrong_output"  # an output is neither an authorised payout nor our own change
    WRONG_AMOUNT = "wrong_amount"
    WRONG_NETWORK = "wrong_network"
    WRONG_TOKEN = "wrong_token"
    FOREIGN_INPUT = "foreign_input"
    FEE_TOO_HIGH = "fee_too_high"
    ABOVE_CAP = "above_cap"
    FROZEN = "frozen"
