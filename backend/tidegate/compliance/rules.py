"""What compliance decides, and nothing else: list matches, limits, whether a person must look. Pure."""

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_UP, Decimal
from enum import StrEnum

EVERYTHING = "*"
"""The pause that stands for every asset."""


class Cause(StrEnum):
    """Why the house itself froze something."""

    DIFFERENCE = "difference"  # books and world differ, and go on differing
    ORPHAN = "orphan"  # something left our wallets that no withdrawal or move of ours knows of
    RESTORED = "restored"  # the database was put back from a backup: what happened since is being found out


class Screened(StrEnum):
    """What screening says of a destination."""

    PASS = "pass"
    HOLD = "hold"  # could not be looked at properly: a person decides
    BLOCK = "block"  # on the list: nothing is sent there


class Answer(StrEnum):
    """What one approver says."""

    APPROVE = "approve"
    REJECT = "reject"


class Standing(StrEnum):
    """Where a request for approval stands."""

    PENDING = "pending"  # waits for people
    APPROVED = "approved"  # enough different people said yes
    REJECTED = "rejected"  # one person said no


class Policy(StrEnum):
    """What limits and policy say to a withdrawal of some worth."""

    ALLOW = "allow"
    REVIEW = "review"  # above what goes out without a person
    REFUSE = "refuse"  # above what may go out at all


class MalformedList(ValueError):
    """A deny list that cannot be read is no list: everything is held."""


@dataclass(frozen=True, slots=True)
class DenyList:
    """Addresses nothing is sent to, by network, in canonical spelling. `version` is a digest of the bytes."""

    entries: dict[tuple[str, str], str] = field(default_factory=dict)
    version: str = ""
    valid_until: datetime | None = None


def canonical(network: str, address: str) -> tuple[str, str]:
    """The key two spellings of one address share: hex and bech32 are case-blind, base58 is not."""
    lowered = address.lower()
    is_bech32 = "1" in lowered and lowered.split("1", 1)[0] in ("bc", "tb", "bcrt")
    return network, lowered if lowered.startswith("0x") or is_bech32 else address


def read_list(raw: bytes) -> DenyList:
    """A list from its file: `network address reason…` on each line, `#` comments, optionally `# valid-until: <RFC 3339>`.

    Refuses (MalformedList) anything else: half a list is worse than none.
    """
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError:
        raise MalformedList("the list is not ASCII") from None
    entries: dict[tuple[str, str], str] = {}
    valid_until: datetime | None = None
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("#"):
            word, _, value = stripped[1:].strip().partition(":")
            if word.strip() == "valid-until":
                valid_until = _moment(value.strip(), number)
            continue
        if not stripped:
            continue
        parts = stripped.split(maxsplit=2)
        if len(parts) < 2:
            raise MalformedList(f"line {number}: network and address")
        entries[canonical(parts[0], parts[1])] = parts[2] if len(parts) > 2 else "listed"
    return DenyList(entries, hashlib.sha256(raw).hexdigest()[:16], valid_until)


def _moment(text: str, number: int) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise MalformedList(f"line {number}: not a time") from None
    if found.tzinfo is None:
        raise MalformedList(f"line {number}: the time names no zone")
    return found


@dataclass(frozen=True, slots=True)
class Screening:
    """A verdict and why."""

    verdict: Screened
    reason: str


def screen(network: str, address: str, deny: DenyList | None, now: datetime) -> Screening:
    """What the list says of an address. No list, or one past its own date, holds: it never passes by default."""
    if deny is None:
        return Screening(Screened.HOLD, "list_missing")
    reason = deny.entries.get(canonical(network, address))
    if reason is not None:
        return Screening(Screened.BLOCK, f"listed: {reason}")
    if deny.valid_until is not None and now > deny.valid_until:
        return Screening(Screened.HOLD, "list_out_of_date")
    return Screening(Screened.PASS, "not_listed")


@dataclass(frozen=True, slots=True)
class Limits:
    """In US cents."""

    per_withdrawal: int
    daily: int
    review_above: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What policy says; `limit` names the one that was hit, `left_cents` what it still has room for."""

    policy: Policy
    limit: str | None = None
    left_cents: int | None = None


def judge(cents: int, spent_today: int, limits: Limits) -> Judged:
    """What policy says to a withdrawal worth `cents` by somebody who sent out `spent_today` already."""
    if cents > limits.per_withdrawal:
        return Judged(Policy.REFUSE, "per_withdrawal", limits.per_withdrawal)
    if spent_today + cents > limits.daily:
        return Judged(Policy.REFUSE, "daily", max(limits.daily - spent_today, 0))
    if cents > limits.review_above:
        return Judged(Policy.REVIEW, "review_above", limits.review_above)
    return Judged(Policy.ALLOW)


def usd_cents(usd: Decimal) -> int:
    """Whole cents, rounded up: a limit is never passed by rounding."""
    return int((usd * 100).to_integral_value(ROUND_UP))


def cents_text(cents: int) -> str:
    """Dollars on the wire."""
    return f"{cents // 100}.{cents % 100:02d}"


def day_of(now: datetime) -> date:
    """The day a withdrawal counts for: UTC."""
    return now.astimezone(UTC).date()


def day_ends(day: date) -> datetime:
    """When the daily limit starts anew."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def standing(needed: int, answers: dict[uuid.UUID, Answer]) -> Standing:
    """Where a request stands after these people's answers: one no ends it, `needed` different yeses grant it."""
    if Answer.REJECT in answers.values():
        return Standing.REJECTED
    if len(answers) >= needed:
        return Standing.APPROVED
    return Standing.PENDING
