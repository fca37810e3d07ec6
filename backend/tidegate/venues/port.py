"""What the rooms above may ask of any exchange. Prices and quantities are Decimals from the venue's own strings.

`Unknown` is kept apart from refusal: the order may stand (venues.md section 0). It is queried, never resent.

A venue's numbers may be finer than ours (Binance books USDT with 8 decimals, the house with 6): keep what it said
with the fill, book what was received rounded down and what was given rounded up, and let the difference be a term of
the audit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import IntEnum, StrEnum
from typing import Protocol, runtime_checkable


class VenueUnavailable(Exception):
    """The venue could not be read from: no connection, 5xx, ban, or an answer that is not its protocol.

    `retry_after`: seconds for which the venue wants to be left alone, where it said so.
    """

    def __init__(self, detail: str, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


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

    def quantity_down(self, quantity: Decimal) -> Decimal:
        """The greatest whole number of lots that is not above `quantity`."""
        return (quantity / self.lot).to_integral_value(ROUND_FLOOR) * self.lot

    def quantity_up(self, quantity: Decimal) -> Decimal:
        """The least whole number of lots that is not below `quantity`."""
        return (quantity / self.lot).to_integral_value(ROUND_CEILING) * self.lot

    def price_down(self, price: Decimal) -> Decimal:
        """The greatest price on the tick that is not above `price`."""
        return (price / self.tick).to_integral_value(ROUND_FLOOR) * self.tick

    def price_up(self, price: Decimal) -> Decimal:
        """The least price on the tick that is not below `price`."""
        return (price / self.tick).to_integral_value(ROUND_CEILING) * self.tick


@dataclass(frozen=True, slots=True)
class Level:
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Book:
    """Best first on both sides. `received` is this process's monotonic-free UTC stamp in seconds (float clock, not money).

    `sequence` is the venue's own number for this state, 0 where it gives none.
    """

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    sequence: int
    received: float


@dataclass(frozen=True, slots=True)
class Ticker:
    """The best prices and the last one; None where the venue has none just now."""

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None


class Interval(IntEnum):
    """Lengths of a candle that every venue has, in seconds."""

    MINUTE = 60
    FIVE_MINUTES = 300
    QUARTER = 900
    HOUR = 3600
    DAY = 86_400


@dataclass(frozen=True, slots=True)
class Candle:
    """`start` in Unix seconds, a multiple of the interval; `volume` in the base asset."""

    start: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class Balance:
    """`asset` is our code where we know the asset, else the venue's own word."""

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
    """One trade of an order, as the venue booked it. `trade_id` is unique within the symbol; `fee` is never negative."""

    trade_id: str
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    fee: Decimal
    fee_asset: str


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """What the venue says of an order. Its trades are asked for apart: `fills()` until they add up to `filled`."""

    client_order_id: str
    venue_order_id: str
    state: OrderState
    filled: Decimal


class PlaceOutcome(StrEnum):
    PLACED = "placed"
    REFUSED = "refused"  # the venue says it did not and will not act
    UNKNOWN = "unknown"  # may stand: query by client order id over a settle window


class Reason(StrEnum):
    """Why an order was not placed, or why nobody knows, in words common to all venues."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    INVALID_ORDER = "invalid_order"  # breaks a filter, a precision or the protocol: the same order never passes
    MARKET_CLOSED = "market_closed"
    CREDENTIALS = "credentials"  # key, signature or permission: an operator must look
    CLOCK = "clock"  # outside the venue's time window; the offset is measured anew before the next call
    RATE_LIMITED = "rate_limited"  # see `retry_after`
    NOT_CONNECTED = "not_connected"  # nothing was sent
    REFUSED = "refused"  # any other plain no
    DUPLICATE = "duplicate"  # an order of this client order id is open there: unknown until found
    NOT_ALLOWED = (
        "not_allowed"  # a withdrawal to where the venue lets nothing go: its own list of addresses, a second factor
    )
    NO_ANSWER = "no_answer"  # sent, and no complete answer came
    VENUE_ERROR = "venue_error"  # the venue itself does not say what became of it


@dataclass(frozen=True, slots=True)
class Placed:
    """`order` stands exactly when PLACED; `reason` exactly when not. `detail` is the venue's wording, for logs.

    `retry_after`: seconds before which the venue wants no other call. A refused order may be tried again only as a
    new intent, with a client order id of its own.
    """

    outcome: PlaceOutcome
    order: OrderSeen | None = None
    reason: Reason | None = None
    detail: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class DepositAddress:
    """Where the venue wants an asset sent. `tag` is a memo that must go with it, "" where there is none."""

    asset: str
    network: str
    address: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One intent to take money out. `client_id`: a lower-case UUIDv4, committed before. Asset and network are ours."""

    client_id: str
    asset: str
    network: str
    address: str
    amount: Decimal
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawing:
    """What became of asking. `venue_id` stands exactly when PLACED; `reason` exactly when not."""

    outcome: PlaceOutcome
    venue_id: str | None = None
    reason: Reason | None = None
    detail: str = ""
    retry_after: float | None = None


class WithdrawalState(StrEnum):
    PENDING = "pending"  # under way there, on chain or not
    COMPLETED = "completed"  # the venue is done with it: the chain says the rest
    FAILED = "failed"  # ended there without a payment


@dataclass(frozen=True, slots=True)
class WithdrawalSeen:
    """What the venue says of a withdrawal. `amount` and `fee` as it tells them: venues differ in whether one holds the
    other, so book what arrives on chain and what the balance lost. `txid` is "" until it is known.

    `fee_on_top`: by the venue's own rules its balance loses the fee beside the amount, not as a part of it.
    """

    venue_id: str
    state: WithdrawalState
    amount: Decimal
    fee: Decimal
    txid: str
    fee_on_top: bool = False

    @property
    def taken(self) -> Decimal:
        """What the balance lost: nothing once it failed."""
        if self.state is WithdrawalState.FAILED:
            return Decimal(0)
        return self.amount + self.fee if self.fee_on_top else self.amount


class DepositState(StrEnum):
    PENDING = "pending"  # seen there, or not credited yet
    CREDITED = "credited"  # it is in the balance
    REJECTED = "rejected"  # the venue says that it will not be


@dataclass(frozen=True, slots=True)
class DepositSeen:
    """What the venue says of a payment to an address of ours there."""

    state: DepositState
    amount: Decimal

    @staticmethod
    def of(entries: "Sequence[DepositSeen]") -> "DepositSeen | None":
        """All payments of one transaction as one; None of none."""
        if not entries:
            return None
        states = {one.state for one in entries}
        least = next(
            one for one in (DepositState.REJECTED, DepositState.PENDING, DepositState.CREDITED) if one in states
        )
        return DepositSeen(least, sum((one.amount for one in entries), Decimal(0)))


@dataclass(frozen=True, slots=True)
class Rights:
    """What the key may do there; None where the venue does not tell. `taker_fee` is what the account pays, as a share."""

    trade: bool | None
    withdraw: bool | None
    taker_fee: Decimal | None = None


class Way(StrEnum):
    """The state of the way to a venue."""

    OPEN = "open"
    WAITING = "waiting"  # the venue wants to be left alone, or our share of calls is used up
    BROKEN = "broken"  # it failed again and again: one call at a time finds out whether it is back


@dataclass(frozen=True, slots=True)
class Condition:
    """`seconds`: how long nothing will be sent. `failures`: calls without a usable answer, in a row."""

    way: Way
    seconds: float = 0.0
    failures: int = 0
    detail: str = ""


class Venue(Protocol):
    """The port. What asks raises VenueUnavailable; `place` and `withdraw` never raise for the venue's sake, they answer.

    Cancelling a coroutine of the port does not call its request back: an order under way is placed or not.
    """

    name: str
    taker_fee: Decimal

    async def markets(self) -> list[Market]:
        """The pairs of which this house knows both assets, those not trading just now included."""
        ...

    @property
    def condition(self) -> Condition:
        """The circuit breaker and the venue's own wishes, as they are now. Asks nobody."""
        ...

    async def book(self, symbol: str, depth: int = 100) -> Book:
        """At most `depth` levels a side, never crossed."""
        ...

    async def tickers(self, symbols: Sequence[str]) -> list[Ticker]:
        """One for each symbol, in their order."""
        ...

    async def candles(self, symbol: str, interval: Interval, *, since: int) -> list[Candle]:
        """From the candle that starts at or after `since` (Unix seconds), oldest first, as many as the venue gives at
        once. The last one may still be open. Intervals without a trade may be missing.
        """
        ...

    async def balances(self) -> list[Balance]: ...

    async def rights(self) -> Rights:
        """What the credentials may do. Moves nothing."""
        ...

    async def prepare(self) -> None:
        """Ask now what must be known before an order can leave at once. Called before the order is committed as sent."""
        ...

    async def place(
        self,
        *,
        client_order_id: str,
        symbol: str,
        side: Side,
        quantity: Decimal,
        price: Decimal,
        deadline: float | None = None,
    ) -> Placed:
        """Limit, immediate-or-cancel. Never retried inside. `client_order_id`: a lower-case UUIDv4, committed before.

        After `deadline` (monotonic seconds) nothing is sent any more: REFUSED with NOT_CONNECTED.
        Raises ValueError for a quantity or price that is not a finite number above zero.
        """
        ...

    async def find(self, *, client_order_id: str, symbol: str, since: datetime | None = None) -> OrderSeen | None:
        """The order of that client order id, or None when the venue knows none (which proves nothing for some seconds).

        `since`: not sent before. It only shortens the search where the venue cannot look an id up. Two orders of one
        id are VenueUnavailable: nobody may take one of them for the other.
        """
        ...

    async def fills(self, *, venue_order_id: str, symbol: str) -> list[Fill]:
        """All trades of that order known so far, oldest first. May lag behind the order for some seconds."""
        ...

    async def cancel(self, *, client_order_id: str, symbol: str) -> None:
        """Afterwards nothing of it is open. An order that is done or unknown there is not an error."""
        ...

    async def deposit_address(self, asset: str, network: str) -> DepositAddress:
        """An address of ours at the venue, the same again as long as the venue allows.

        Raises VenueUnavailable also when the venue does not take that asset over that network.
        """
        ...

    async def withdraw(self, wanted: Withdrawal) -> Withdrawing:
        """Never retried inside. UNKNOWN is looked for with `find_withdrawal`, never asked for again.

        Raises ValueError for an amount that is not a finite number above zero.
        """
        ...

    async def find_withdrawal(
        self, wanted: Withdrawal, *, since: datetime, venue_id: str | None = None
    ) -> WithdrawalSeen | None:
        """What became of it, by the venue's id where it is known, else by ours; None when the venue knows none.

        Kraken keeps no id of ours: there asset, address, amount and time are compared, and more than one match is
        VenueUnavailable. Have no two alike under way. `since`: not asked for before.
        """
        ...

    async def find_deposit(self, asset: str, network: str, txid: str, *, since: datetime) -> DepositSeen | None:
        """The deposit that this transaction brought, None while the venue knows none. `since`: not sent before.

        Raises VenueUnavailable also where the venue does not tell: then nothing is ever booked as arrived there.
        Several payments of one transaction are one deposit here: their sum, and the least advanced state.
        """
        ...

    async def close(self) -> None: ...


class Following(Protocol):
    """Books that a venue tells by itself, for as long as `run` runs. Whatever happens on the way, `book` shows no change
    as fresh that may have missed another.
    """

    symbols: tuple[str, ...]

    def book(self, symbol: str) -> Book | None:
        """As it stands now, never crossed; None while it is not known to be whole (a gap, a new connection), or not
        followed: keep what you read last and let it grow old. `received`: when the venue last vouched for it. A side that
        has not changed is the same object as before.
        """
        ...

    async def moved(self) -> None:
        """Ends when the next message has been taken in."""
        ...

    async def run(self) -> None:
        """Connects, again and again. Ends by cancel."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """What a Venue may have beside the port. Without it, its books are asked for."""

    def follow(self, symbols: Sequence[str]) -> Following | None:
        """Nothing is sent before `run`. None where the settings give it no stream. ValueError for too many symbols."""
        ...
