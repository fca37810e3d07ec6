"""What is sent, how it is signed, when it is tried again, and what an answer means. Standard Webhooks 1.0.0. Pure."""

import base64
import binascii
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

MOST = 10
"""Endpoints an account may have."""
SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32
OVERLAP = timedelta(hours=24)
"""How long the secret before a rotation signs beside the new one."""
KEPT = timedelta(days=30)
"""How long deliveries can be looked up and repeated."""
ANSWER_BYTES = 2048
"""How much of a receiver's answer is kept."""

_AFTER = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
TRIES = len(_AFTER) + 1
"""The first one at once, the last one about 75 hours later."""
_JITTER = 0.1
_LONGEST_PAUSE = timedelta(minutes=5)


class DeliveryState(StrEnum):
    WAITING = "waiting"
    """To be sent at `due_at`."""
    DELIVERED = "delivered"
    """The receiver answered 2xx."""
    FAILED = "failed"
    """Every try was in vain, or the receiver is gone. It can be sent again by hand."""


class Disabled(StrEnum):
    """Why nothing is sent to an endpoint."""

    OWNER = "owner"
    """Its owner switched it off."""
    GONE = "gone"
    """The receiver answered 410."""
    FAILING = "failing"
    """A delivery was tried for three days, and nothing else arrived meanwhile."""


class Verdict(StrEnum):
    """What an answer means."""

    TAKEN = "taken"
    AGAIN = "again"
    GONE = "gone"


def verdict(status: int | None) -> Verdict:
    """Of an answer's status; None where there was none. A redirect is no delivery: nobody follows it."""
    if status is not None and 200 <= status <= 299:
        return Verdict.TAKEN
    return Verdict.GONE if status == 410 else Verdict.AGAIN


def next_try(tries: int, now: datetime, chance: float) -> datetime | None:
    """When to try again after `tries` in vain; None after the last. `chance` from 0 to 1 spreads them by a tenth."""
    if tries >= TRIES:
        return None
    wait = _AFTER[max(tries, 1) - 1]
    return now + wait * (1 + _JITTER * (2 * chance - 1))


def pause(failures: int) -> timedelta:
    """How long an endpoint that failed so often in a row is left alone, whatever else there is for it."""
    return min(timedelta(seconds=2 ** min(failures, 10)), _LONGEST_PAUSE) if failures else timedelta()


def payload(
    *,
    kind: str,
    object_id: uuid.UUID,
    version: int,
    sequence: int | None,
    at: datetime,
    standing: Mapping[str, Any] | None = None,
    test: bool = False,
) -> str:
    """The body, byte for byte, as it is stored and sent at every try. Thin: whoever wants to know more asks the API.

    `standing`: of what has states, where it stood at that version.
    """
    data: dict[str, Any] = {"kind": kind, "id": str(object_id), "version": version, "sequence": sequence}
    if standing is not None:
        data["standing"] = standing
    told = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = {"type": "webhook.test" if test else f"{kind}.changed", "timestamp": told, "data": data}
    return json.dumps(body, separators=(",", ":"))


def secret_text(secret: bytes) -> str:
    """As its owner is shown it, once."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def secret_of(text: str) -> bytes:
    """Of `whsec_…`. Raises ValueError for what is none."""
    if not text.startswith(SECRET_PREFIX):
        raise ValueError("a secret begins with whsec_")
    try:
        return base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("a secret is base64 after whsec_") from None


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it goes out: its id stays the same whenever it is sent."""

    id: str
    body: str


def headers(message: Message, *, secrets: Sequence[bytes], now: datetime) -> dict[str, str]:
    """Standard Webhooks' three, with a `v1` signature for each secret."""
    moment = str(int(now.timestamp()))
    signed = f"{message.id}.{moment}.{message.body}".encode()
    signatures = [base64.b64encode(hmac.new(one, signed, hashlib.sha256).digest()).decode() for one in secrets]
    return {
        "content-type": "application/json",
        "webhook-id": message.id,
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(f"v1,{one}" for one in signatures),
    }


def message_id(delivery_id: uuid.UUID) -> str:
    return f"msg_{delivery_id}"
