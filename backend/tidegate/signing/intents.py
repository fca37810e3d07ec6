"""What one payout is to do, and who said yes to it.

The canonical form is fixed here, by field order and version, and nowhere else: `tidegate/intent/v1` followed by each
field as `name=value` on a line of its own, values without line breaks. A digest is SHA-256 over those bytes.
"""

import hashlib
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from tidegate.signing.fields import integer_of, only, text_of

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
        """The bytes a person's authorisation is over. Refuses (Malformed) a field that could forge another line."""
        raw = self.to_json()
        lines = [INTENT_TAG]
        for name, kind in _INTENT_FIELDS:
            lines.append(f"{name}={integer_of(raw, name) if kind is int else text_of(raw, name)}")
        return ("\n".join(lines) + "\n").encode()

    def digest(self) -> str:
        """Lower-case hex SHA-256 of the canonical form."""
        return digest_of(self.canonical())

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name, _ in _INTENT_FIELDS}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        """Refuses (Malformed) unknown, missing or wrongly typed fields."""
        known = only(raw, {field.name for field in fields(cls)}, "intent")
        values: dict[str, Any] = {}
        for field in fields(cls):
            values[field.name] = integer_of(known, field.name) if field.type is int else text_of(known, field.name)
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
        known = only(raw, {field.name for field in fields(cls)}, "authorisation")
        return cls(**{f.name: text_of(known, f.name) for f in fields(cls)})


@dataclass(frozen=True, slots=True)
class Payout:
    """An intent with the yes that was said to it."""

    intent: Intent
    authorisation: Authorisation

    def to_json(self) -> dict[str, Any]:
        return {"intent": self.intent.to_json(), "authorisation": self.authorisation.to_json()}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        known = only(raw, {"intent", "authorisation"}, "payout")
        return cls(Intent.from_json(known["intent"]), Authorisation.from_json(known["authorisation"]))
