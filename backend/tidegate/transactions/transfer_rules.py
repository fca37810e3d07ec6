"""Internal transfers: what was agreed, what the second factor is over, and which ledger transfers each step makes. Pure.

pending_verification -> completed
                     -> cancelled
                     -> expired
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidegate.ledger.rules import Transfer, customer, transfers
from tidegate.signing.fields import text_of
from tidegate.transactions.rules import TransferState, WaitingFor

TRANSITIONS: dict[TransferState, frozenset[TransferState]] = {
    TransferState.PENDING_VERIFICATION: frozenset(
        {TransferState.COMPLETED, TransferState.CANCELLED, TransferState.EXPIRED}
    ),
    TransferState.COMPLETED: frozenset(),
    TransferState.CANCELLED: frozenset(),
    TransferState.EXPIRED: frozenset(),
}
INTENT_TAG = "tidegate/transfer/v1"
_FIELDS = ("transfer_id", "user_id", "asset", "units", "to", "created_at")


@dataclass(frozen=True, slots=True)
class TransferIntent:
    """What one internal transfer is to do, as its sender reads it: `to` is the e-mail address or deposit address that
    was given, since whose a deposit address is stays unsaid."""

    transfer_id: str
    user_id: str
    asset: str
    units: str
    to: str
    created_at: str

    def canonical(self) -> bytes:
        """The bytes that the second factor is over: the tag, then each field as `name=value` on a line of its own.

        Refuses (Malformed) a field that could forge another line.
        """
        raw = self.to_json()
        return ("\n".join([INTENT_TAG, *(f"{name}={text_of(raw, name)}" for name in _FIELDS)]) + "\n").encode()

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _FIELDS}

    @classmethod
    def parse(cls, canonical: bytes) -> "TransferIntent":
        """Of our own stored canonical form."""
        return cls(**dict(line.split("=", 1) for line in canonical.decode().splitlines()[1:]))


@dataclass(frozen=True, slots=True)
class TransferDraft:
    """An internal transfer as it is first written: the row's columns, with what nothing has happened to yet."""

    id: uuid.UUID
    user_id: uuid.UUID
    recipient_id: uuid.UUID
    reference: str | None
    asset: str
    units: int
    to_email: str | None
    from_email: str | None
    to_address: str | None
    network: str | None
    usd_cents: int
    intent: bytes
    digest: str
    challenge_expires_at: datetime
    since: datetime
    created_at: datetime
    state: str = TransferState.PENDING_VERIFICATION.value
    detail: str | None = None
    version: int = 1
    authorisation: dict[str, Any] | None = None
    completed_at: datetime | None = None


def hold(user_id: uuid.UUID, asset: str, units: int) -> tuple[Transfer, ...]:
    """Accepted: the sender's money is set aside."""
    event = "internal transfer accepted"
    return transfers((customer(user_id, "available", asset), customer(user_id, "held", asset), units, event))


def deliver(user_id: uuid.UUID, recipient_id: uuid.UUID, asset: str, units: int) -> tuple[Transfer, ...]:
    """Verified: what was held is the recipient's."""
    event = "internal transfer"
    return transfers((customer(user_id, "held", asset), customer(recipient_id, "available", asset), units, event))


def give_back(user_id: uuid.UUID, asset: str, units: int) -> tuple[Transfer, ...]:
    """Cancelled or expired: the sender's again."""
    return transfers((customer(user_id, "held", asset), customer(user_id, "available", asset), units, "refund"))


def transfer_waits_for(state: TransferState) -> WaitingFor | None:
    return WaitingFor.YOU if state is TransferState.PENDING_VERIFICATION else None


def may_cancel(state: TransferState) -> bool:
    return state is TransferState.PENDING_VERIFICATION
