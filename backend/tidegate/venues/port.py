"""What the rooms above may ask of any exchange. Prices and quantities are Decimals from the venue's own strings.

`Unknown` is kept apart from refusal: the order may stand (venues.md section 0). It is queried, never resent.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class VenueUnavailable(Exception):  # noqa: N818  an outage is a state of the world, handled by waiting
    """The venue could not be read from: no connection, 5xx, ban, or an answer that is not its protocol."""


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


@dataclass(frozen=True, slots=True)
class Market:
    """A tradable pair. `base` and `quote` are our asset codes; `symbol` is the venue's own name."""

    symbol: str
    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal
    trading: bool


@dataclass(frozen=True, slots=True)
class Level:
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Book:
    """Best first on both sides. `received` is this process's monotonic-free UTC stamp in seconds (float clock, not money)."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    sequence: int
    received: float


@dataclass(frozen=True, slots=True)
class Balance:
    asset: str
    free: Decimal
    locked: Decimal


class OrderState(StrEnum):
    OPEN = "open"
    FILLED = "filled"
    PARTLY_FILLED = "partly_filled"  # done, with some quantity left unfilled (IOC remainder)
    CANCELLED = "cancelled"  # done, nothing filled
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Fill:
    trade_id: str
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    fee: Decimal
    fee_asset: str


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """What the venue says of an order. `fills` may be empty although something was filled: then ask `fills()`."""

    client_order_id: str
    venue_order_id: str
    state: OrderState
    filled: Decimal


class PlaceOutcome(StrEnum):
    PLACED = "placed"
    REFUSED = "refused"  # the venue says it did not and will not act
    UNKNOWN = "unknown"  # may stand: query by client order id over a settle window


@dataclass(frozen=True, slots=True)
class Placed:
    outcome: PlaceOutcome
    order: OrderSeen | None = None
    code: str = ""
    detail: str = ""


class Venue(Protocol):
    """The port. Reads raise VenueUnavailable; `place` never raises for the venue's sake, it answers."""

    name: str
    taker_fee: Decimal

    async def markets(self) -> list[Market]: ...

    async def book(self, symbol: str, depth: int = 100) -> Book: ...

    async def balances(self) -> list[Balance]: ...

    async def place(self, *, client_order_id: str, symbol: str, side: Side, quantity: Decimal, price: Decimal) -> Placed:
        """Limit, immediate-or-cancel. Never retried inside."""
        ...

    async def find(self, *, client_order_id: str, symbol: str) -> OrderSeen | None:
        """The order of that client order id, or None when the venue knows none (which proves nothing for some seconds)."""
        ...

    async def fills(self, *, venue_order_id: str, symbol: str) -> list[Fill]: ...

    async def cancel(self, *, client_order_id: str, symbol: str) -> None: ...

    async def close(self) -> None: ...
