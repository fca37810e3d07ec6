"""Reading what a venue answered. Pure. Unknown fields are ignored; a missing or misshapen one is refused (`Malformed`).

Shared by the adapters' `parse.py`; adapters of other distributions may use it too.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from tidegate.venues.port import Level, Placed, PlaceOutcome, Reason, Withdrawing

_NUMBER = re.compile(r"[0-9]{1,30}(\.[0-9]{1,18})?\Z", re.ASCII)
ZERO: Final = Decimal(0)


class Malformed(ValueError):
    """Not the venue's protocol."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a request for an order or a withdrawal did not plainly succeed: REFUSED or UNKNOWN, and the reason."""

    outcome: PlaceOutcome
    reason: Reason
    detail: str = ""
    retry_after: float | None = None

    def placed(self) -> Placed:
        return Placed(self.outcome, reason=self.reason, detail=self.detail, retry_after=self.retry_after)

    def withdrawing(self) -> Withdrawing:
        return Withdrawing(self.outcome, reason=self.reason, detail=self.detail, retry_after=self.retry_after)


def unclear(detail: str) -> Trouble:
    """An answer that says neither yes nor no."""
    return Trouble(PlaceOutcome.UNKNOWN, Reason.VENUE_ERROR, detail)


def decode(body: bytes) -> Any:
    """JSON with numbers as Decimals. Raises Malformed."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def field(value: Any, name: str) -> Any:
    if not isinstance(value, dict) or name not in value:
        raise Malformed(f"no {name}")
    return value[name]


def text(value: Any, name: str) -> str:
    found = field(value, name)
    if not isinstance(found, str) or not found or len(found) > 100:
        raise Malformed(f"{name} is not a text")
    return found


def integer(value: Any, name: str) -> int:
    found = field(value, name)
    if not isinstance(found, int) or isinstance(found, bool):
        raise Malformed(f"{name} is not a whole number")
    return found


def flag(value: Any, name: str) -> bool:
    found = field(value, name)
    if not isinstance(found, bool):
        raise Malformed(f"{name} is not true or false")
    return found


def entries(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise Malformed(f"{what} is not a list")
    return value


def tables(value: Any, what: str) -> list[dict[str, Any]]:
    """A list of tables."""
    return [named(one, what) for one in entries(value, what)]


def named(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"{what} is not a table")
    return value


def number(value: Any, what: str) -> Decimal:
    """A plain decimal string, zero or above. Raises Malformed for signs, exponents, NaN, JSON numbers."""
    if not isinstance(value, str) or not _NUMBER.match(value):
        raise Malformed(f"{what} is not a number")
    return Decimal(value)


def figure(value: Any, name: str) -> Decimal:
    """The field `name` as `number`."""
    return number(field(value, name), name)


def levels(side: Iterable[tuple[Any, Any]], *, best_is_highest: bool) -> tuple[Level, ...]:
    """(price, quantity) pairs of one side. Refuses an empty level and a side out of order."""
    found: list[Level] = []
    for price, quantity in side:
        level = Level(number(price, "price"), number(quantity, "quantity"))
        if level.price <= 0 or level.quantity <= 0:
            raise Malformed("empty level")
        if found and (level.price < found[-1].price) is not best_is_highest:
            raise Malformed("levels out of order")
        found.append(level)
    return tuple(found)


def change(price: Any, quantity: Any) -> tuple[Decimal, Decimal]:
    """A price of a stream and what now stands at it. Refuses a price of nothing."""
    at = number(price, "price")
    if not at:
        raise Malformed("a price of nothing")
    return at, number(quantity, "quantity")


def uncrossed(bids: tuple[Level, ...], asks: tuple[Level, ...]) -> None:
    """Refuses bids at or above asks."""
    if bids and asks and bids[0].price >= asks[0].price:
        raise Malformed("crossed book")


def pairs(side: Any) -> Iterable[tuple[Any, Any]]:
    """Levels that come as lists: price, quantity, and whatever follows."""
    for entry in entries(side, "side"):
        if not isinstance(entry, list) or len(entry) < 2:
            raise Malformed("level")
        yield entry[0], entry[1]


# Seconds to stay away where the answer names none. Going on after a 429 earns a 418, a ban of minutes to days.
_DEFAULT_WAITS: Final = {429: 60.0, 418: 120.0}


def asked_wait(status: int, headers: Mapping[str, str]) -> float | None:
    """For how many seconds the venue wants to be left alone, or None."""
    waits = headers.get("retry-after", "")
    if waits.isascii() and waits.isdigit() and len(waits) < 8:
        return float(waits)
    return _DEFAULT_WAITS.get(status)


def plain(value: Decimal) -> str:
    """Fixed point, no exponent. Raises ValueError for what is no finite number above zero."""
    if not value.is_finite() or value <= 0:
        raise ValueError(f"not above zero: {value}")
    return format(value, "f")
