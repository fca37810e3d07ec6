"""What Kraken's errors mean for an order or a withdrawal. Pure. Whatever is not in the table may have been acted upon."""

from collections.abc import Mapping
from typing import Final

from tidegate.venues import body as read
from tidegate.venues.body import Malformed, Trouble, decode
from tidegate.venues.kraken import parse
from tidegate.venues.port import PlaceOutcome, Reason

LOCKOUT_SECONDS: Final = 900.0
BUSY_SECONDS: Final = 5.0

# By the beginning of the error. These say that Kraken did not act.
_REFUSED: Final[Mapping[str, Reason]] = {
    "EOrder:Insufficient funds": Reason.INSUFFICIENT_FUNDS,
    "EOrder:Order minimum not met": Reason.INVALID_ORDER,
    "EOrder:Cost minimum not met": Reason.INVALID_ORDER,
    "EOrder:Tick size check failed": Reason.INVALID_ORDER,
    "EOrder:Invalid price": Reason.INVALID_ORDER,
    "EOrder:Rate limit exceeded": Reason.RATE_LIMITED,
    "EOrder:Orders limit exceeded": Reason.RATE_LIMITED,
    "EAPI:Rate limit exceeded": Reason.RATE_LIMITED,
    "EAPI:Invalid key": Reason.CREDENTIALS,
    "EAPI:Invalid signature": Reason.CREDENTIALS,
    "EAPI:Invalid nonce": Reason.CLOCK,
    "EGeneral:Permission denied": Reason.CREDENTIALS,
    "EGeneral:Temporary lockout": Reason.RATE_LIMITED,
    "EGeneral:Too many requests": Reason.RATE_LIMITED,
    "EGeneral:Invalid arguments:deadline": Reason.CLOCK,
    "EGeneral:Invalid arguments": Reason.INVALID_ORDER,
    "EQuery:Unknown asset": Reason.INVALID_ORDER,  # and `Unknown asset pair`
    "EFunding:Unknown withdraw key": Reason.NOT_ALLOWED,
    "EFunding:Max fee exceeded": Reason.REFUSED,
    "EFunding:No funding method": Reason.INVALID_ORDER,
}


def trouble(status: int, headers: Mapping[str, str], body: bytes) -> Trouble | None:
    """None when the answer has a result. Never raises."""
    if status != 200:
        return _by_status(status, headers)
    try:
        value = decode(body)
        told = parse.errors(value)
        if not told:
            read.field(value, "result")
            return None
    except Malformed as error:
        return read.unclear(str(error))
    found = [one(error) for error in told]
    # One error that proves nothing outweighs those that say no.
    worst = next((each for each in found if each.outcome is PlaceOutcome.UNKNOWN), found[0])
    return Trouble(worst.outcome, worst.reason, "; ".join(told)[:200], worst.retry_after)


def one(error: str) -> Trouble:
    """What a single error says."""
    if error.startswith("EGeneral:Invalid arguments:cl_ord_id"):
        # Our ids are well formed: what can be wrong with one is that it is open there already.
        return Trouble(PlaceOutcome.UNKNOWN, Reason.DUPLICATE, error)
    for beginning, reason in _REFUSED.items():
        if error.startswith(beginning):
            return Trouble(PlaceOutcome.REFUSED, reason, error, wait(error))
    closed = error.startswith(("EService:Market in", "EService:Deadline"))
    return Trouble(PlaceOutcome.UNKNOWN, Reason.MARKET_CLOSED if closed else Reason.VENUE_ERROR, error, wait(error))


def wait(error: str) -> float | None:
    """For how many seconds nothing should be sent after this error."""
    if error.startswith("EGeneral:Temporary lockout"):
        return LOCKOUT_SECONDS
    # The space in Throttled is Kraken's own.
    if error.startswith(("EAPI:Rate limit", "EGeneral:Too many", "EService: Throttled", "EService:Throttled")):
        return BUSY_SECONDS
    return None


def _by_status(status: int, headers: Mapping[str, str]) -> Trouble:
    waits = read.asked_wait(status, headers)
    if status in (403, 418, 429):
        # The wall in front of the venue: the request never came in.
        return Trouble(PlaceOutcome.REFUSED, Reason.RATE_LIMITED, f"HTTP {status}", waits)
    return Trouble(PlaceOutcome.UNKNOWN, Reason.VENUE_ERROR, f"HTTP {status}", waits)
