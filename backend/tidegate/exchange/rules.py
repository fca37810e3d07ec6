"""The price of an exchange and what may become of it: pure, exact, rounding named, no clock of its own.

API.md's identities: exact_in: deliver = floor((debit - fees) * rate); exact_out: debit = fees + ceil(deliver / rate);
same asset: rate 1 and debit = deliver + fees. Every fee is in the debit's asset and rounded up.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from enum import StrEnum
from fractions import Fraction
from functools import cache

from tidegate.money import ONE, Amount, Asset, Rate, cost_of, format_units, worth_of
from tidegate.refusal import Kind, Refusal

USD_DECIMALS = 6
"""Exposure is counted in millionths of a dollar."""
STALE_MARGIN = Fraction(5, 100)
"""Added to a network fee that was converted at a last known price."""
SPEEDS = ("economy", "standard", "fast")


class QuoteKind(StrEnum):
    WITHDRAWAL = "withdrawal"  # ends on a chain
    CONVERSION = "conversion"  # stays inside the account


class QuoteSide(StrEnum):
    EXACT_IN = "exact_in"  # the debit is what was asked for
    EXACT_OUT = "exact_out"  # the delivery is what was asked for


class QuoteState(StrEnum):
    OPEN = "open"  # may be accepted until it expires
    ACCEPTED = "accepted"  # used by exactly one withdrawal or conversion
    EXPIRED = "expired"  # its time ran out unused; its reservation is released
    REFUSED = "refused"  # withdrawn by the house before anybody accepted it


class ConversionState(StrEnum):
    EXECUTING = "executing"  # accepted, not yet booked
    COMPLETED = "completed"  # booked as quoted; the hedge runs beside it
    FAILED = "failed"  # ended before anything was booked


class OrderState(StrEnum):
    INTENDED = "intended"  # to be sent; nothing has left the house
    SENT = "sent"  # committed before the call: it may or may not stand at the venue
    OPEN = "open"  # the venue has it, its end is not known yet
    UNKNOWN = "unknown"  # no usable answer: asked for by client order id, never sent again
    FILLED = "filled"  # all of it traded and booked
    PARTLY_FILLED = "partly_filled"  # done; some traded and booked, the rest follows in another order or is carried
    CANCELLED = "cancelled"  # done; nothing traded
    REJECTED = "rejected"  # the venue refused it


BELOW_MINIMUM = "below_venue_minimum"
REST = "rest_carried"
TRIES = "tries_used_up"
CARRIED = (BELOW_MINIMUM, REST, TRIES)
"""Why what an order left is traded by nobody any more: too little from the first, what was left is, tried often enough."""
UNSETTLED = (OrderState.INTENDED, OrderState.SENT, OrderState.OPEN, OrderState.UNKNOWN)
"""States a worker still has something to do for."""


@dataclass(frozen=True, slots=True)
class Charges:
    """Shares of what is converted: `spread` includes the venue's taker fee."""

    spread: Fraction
    service: Fraction


NO_CHARGES = Charges(Fraction(0), Fraction(0))


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of one quote, in base units; fees are in the debit's asset."""

    debit: int
    deliver: int
    rate: Rate
    network: int
    service: int
    spread: int

    @property
    def fees(self) -> int:
        return self.network + self.service + self.spread

    @property
    def converted(self) -> int:
        """What is left of the debit to be exchanged."""
        return self.debit - self.fees


def ceiling(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)


def floor(value: Fraction) -> int:
    return value.numerator // value.denominator


def service_and_spread(converted: int, charges: Charges) -> tuple[int, int]:
    """Each rounded up to a unit: the house never charges less than its share."""
    return ceiling(converted * charges.service), ceiling(converted * charges.spread)


def split_debit(debit: int, network: int, charges: Charges) -> tuple[int, int, int]:
    """Of an exact debit: (what is converted, service, spread). Refuses BELOW_MINIMUM when fees eat it up."""
    left = debit - network
    base = floor(left / (1 + charges.service + charges.spread))
    service, spread = service_and_spread(max(base, 0), charges)
    converted = left - service - spread
    if converted <= 0:
        raise _eaten_up()
    return converted, service, spread


def _eaten_up() -> Refusal:
    return Refusal(Kind.BELOW_MINIMUM, "The fees are as much as the amount.", field="amount")


def plain(side: QuoteSide, units: int, network: int) -> Figures:
    """Same asset on both ends: rate 1, the network fee is the only fee. Refuses BELOW_MINIMUM."""
    if side is QuoteSide.EXACT_OUT:
        return Figures(units + network, units, ONE, network, 0, 0)
    if units <= network:
        raise _eaten_up()
    return Figures(units, units - network, ONE, network, 0, 0)


def exact_in(debit: int, network: int, charges: Charges, rate: Rate, source: Asset, target: Asset) -> Figures:
    """Converting an exact debit at `rate`. Refuses BELOW_MINIMUM when nothing would arrive."""
    converted, service, spread = split_debit(debit, network, charges)
    deliver = worth_of(converted, rate, source, target)
    if deliver <= 0:
        raise _eaten_up()
    return Figures(debit, deliver, rate, network, service, spread)


def exact_out(deliver: int, network: int, charges: Charges, rate: Rate, source: Asset, target: Asset) -> Figures:
    """Converting so that exactly `deliver` arrives at `rate`."""
    converted = cost_of(deliver, rate, source, target)
    service, spread = service_and_spread(converted, charges)
    return Figures(converted + network + service + spread, deliver, rate, network, service, spread)


def network_fee_in(units: int, gas: Asset, source: Asset, mid: Fraction, *, fresh: bool) -> int:
    """A fee of the gas asset charged in `source`, rounded up; `mid` is `source` per 1 `gas`."""
    margin = 1 if fresh or gas == source else 1 + STALE_MARGIN
    return ceiling(units * mid * margin * Fraction(10) ** (source.decimals - gas.decimals))


def usd_units(amount: Amount, mid: Fraction) -> int:
    """Worth in millionths of a dollar, rounded up; `mid` is dollars per 1 of the asset."""
    return ceiling(amount.units * mid * Fraction(10) ** (USD_DECIMALS - amount.asset.decimals))


@cache
def usd_units_of(text: str) -> int:
    """A configured dollar amount in millionths; there are few, and each is asked for with every price."""
    return floor(Fraction(text) * 10**USD_DECIMALS)


def share_text(part: int, whole: int) -> str:
    """`part / whole` with six decimals, rounded up: cost is never shown smaller than it is."""
    with localcontext() as context:
        context.prec = 80
        exact = Decimal(part) / Decimal(whole)
        text = format(exact.quantize(Decimal("0.000001"), ROUND_CEILING), "f").rstrip("0").rstrip(".")
    return text or "0"


@dataclass(frozen=True, slots=True)
class Arrival:
    """When it should be there, after acceptance."""

    earliest_seconds: int
    latest_seconds: int


CONVERSION_ARRIVAL = Arrival(0, 5)


@dataclass(frozen=True, slots=True)
class Caps:
    """How much open prices may be worth together, in millionths of a dollar.

    `uncovered`: all those together that go beyond what their account holds. Whoever has no money fills that part, and
    leaves the rest of the house's to those who have.
    """

    house: int
    user: int
    uncovered: int


def judge_exposure(caps: Caps, usd: int) -> None:
    """Refuse what no cap has room for even when nothing else is open, and name the cap; the counters guard the rest."""
    most = min(caps.house, caps.user)
    if usd > most:
        limit = format_units(most // 10 ** (USD_DECIMALS - 2), 2)
        text = f"At most {limit} USD can be priced at once. Ask for less."
        raise Refusal(Kind.LIMIT_EXCEEDED, text, field="amount", limit=limit)


def too_much_open() -> Refusal:
    return Refusal(
        Kind.LIMIT_EXCEEDED,
        "This is more than may be priced at once. Ask for less, or wait until open prices have expired.",
        field="amount",
        retry_after=15,
    )


def beyond_accounts() -> Refusal:
    """Too much is open already that its accounts could not pay."""
    return Refusal(
        Kind.LIMIT_EXCEEDED,
        "This is more than your account holds, and too much of that is priced already. Ask for what you hold, or later.",
        field="amount",
        retry_after=15,
    )


def not_payable(limit: Amount) -> Refusal:
    text = f"At most {limit} can be paid out there right now."
    return Refusal(Kind.LIMIT_EXCEEDED, text, field="amount", limit=limit.text)


def not_in_stock(limit: Amount) -> Refusal:
    """What open prices promise already is not promised again."""
    text = f"At most {limit} can be delivered right now. Ask for less, or again in a moment."
    return Refusal(Kind.LIMIT_EXCEEDED, text, field="amount", limit=limit.text, retry_after=15)


def would_need_review() -> Refusal:
    return Refusal(
        Kind.REVIEW_REQUIRED,
        "A person would have to look at this, and a price cannot wait that long: convert first, then withdraw.",
        field="amount",
    )


@dataclass(frozen=True, slots=True)
class Hedge:
    """The venue trade that closes the house's position: `base_units` of the market's base asset."""

    venue: str
    symbol: str
    base_asset: str
    quote_asset: str
    side: str  # "buy" or "sell", of the base asset
    base_units: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A quote as other rooms see it: everything that was agreed, in base units."""

    id: uuid.UUID
    user_id: uuid.UUID
    kind: QuoteKind
    side: QuoteSide
    from_asset: str
    to_asset: str
    network: str | None
    speed: str | None
    address: str | None
    beneficiary_id: uuid.UUID | None
    figures: Figures
    network_fee_max_units: int  # cap for the intent, in the network's gas asset
    mid: str | None
    mid_at: datetime | None
    route: tuple[dict[str, str], ...]
    hedges: tuple[Hedge, ...]
    usd_units: int | None
    review_needed: bool
    arrives: Arrival
    state: QuoteState
    used_by: uuid.UUID | None
    reserved_usd_units: int
    uncovered_usd_units: int
    """Of that, what the account could not have paid when it was asked for."""
    promised_units: int
    """Of what is delivered, reserved in the house's inventory."""
    expires_at: datetime
    created_at: datetime

    @property
    def converting(self) -> bool:
        return self.from_asset != self.to_asset


def judge_acceptance(offer: Offer, *, kind: QuoteKind, now: datetime) -> None:
    """Guards of acceptance, in the order a user should hear of them. The rider `quote` repeats what races."""
    if offer.kind is not kind:
        raise Refusal(Kind.QUOTE_KIND_MISMATCH, f"This quote is for a {offer.kind.value}.", field="quote_id")
    if offer.state is QuoteState.ACCEPTED:
        raise Refusal(Kind.QUOTE_USED, "This quote was used before. Ask for a new one.")
    if offer.state is not QuoteState.OPEN or offer.expires_at <= now:
        raise Refusal(Kind.QUOTE_EXPIRED, "This price has expired. Ask for a new one.")
    if kind is QuoteKind.WITHDRAWAL and offer.converting and offer.review_needed:
        raise would_need_review()


# --- the hedge -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filters:
    """What a venue accepts on a market."""

    tick: Decimal
    lot: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal


def down_to(value: Decimal, step: Decimal) -> Decimal:
    return _to_step(value, step, ROUND_FLOOR)


def up_to(value: Decimal, step: Decimal) -> Decimal:
    return _to_step(value, step, ROUND_CEILING)


def _to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    with localcontext() as context:
        context.prec = 80
        return (value / step).to_integral_value(rounding) * step if step > 0 else value


def limit_price(worst: Decimal, side: str, tolerance: Fraction, tick: Decimal) -> Decimal:
    """The price of an IOC order that takes the book to `worst` and `tolerance` beyond, never past that."""
    with localcontext() as context:
        context.prec = 80
        part = Decimal(tolerance.numerator) / Decimal(tolerance.denominator)
        if side == "sell":
            return max(up_to(worst * (1 - part), tick), tick)
        return down_to(worst * (1 + part), tick)


def worst_price(levels: Sequence[tuple[Decimal, Decimal]], quantity: Decimal) -> Decimal | None:
    """The price of the (price, quantity) level at which `quantity` is reached, or of the last one; None: empty."""
    left = quantity
    found = None
    for price, here in levels:
        found, left = price, left - here
        if left <= 0:
            break
    return found


def remainder(base_units: int, filled: Decimal, asset: Asset) -> int:
    """Base units still to be traded after `filled`; 0 when the venue traded all, or more."""
    return max(0, base_units - ceiling(units_of(filled, asset)))


def quantity_of(units: int, asset: Asset) -> Decimal:
    """Whole units as the venue writes them, exact."""
    with localcontext() as context:
        context.prec = 80
        return Decimal(units).scaleb(-asset.decimals)


def units_of(quantity: Decimal, asset: Asset) -> Fraction:
    """A venue's number in base units; may have a fraction where the venue has more decimals than the asset."""
    return Fraction(quantity) * Fraction(10**asset.decimals)


def order_quantity(units: int, asset: Asset, price: Decimal, filters: Filters) -> Decimal | None:
    """What of `units` can be ordered at `price`; None when it is below the venue's minimum (then it is carried)."""
    quantity = down_to(min(quantity_of(units, asset), filters.max_quantity), filters.lot)
    if quantity <= 0 or quantity < filters.min_quantity or quantity * price < filters.min_notional:
        return None
    return quantity


@dataclass(frozen=True, slots=True)
class Dust:
    """What a venue has beyond whole base units of an asset, in [0, 1): venues count more decimals than chains do."""

    asset: str
    residue: Fraction


def book_exact(residue: Fraction, change: Fraction) -> tuple[int, Fraction]:
    """(whole units to book, new residue) so that the booked balance stays the venue's balance rounded down."""
    total = residue + change
    units = floor(total)
    return units, total - units


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade of an order as the venue booked it, in the venue's own decimals."""

    trade_id: str
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    fee: Decimal
    fee_asset: str


@dataclass(frozen=True, slots=True)
class FillBooking:
    """One fill in the ledger's units: signed changes of the venue's accounts, and the residues after it."""

    base_units: int
    quote_units: int
    fee_units: int  # zero or below
    fee_asset: str
    before: tuple[Dust, ...]
    after: tuple[Dust, ...]


def fill_booking(
    trade: Trade, *, side: str, base: Asset, quote: Asset, fee_asset: Asset, residues: dict[str, Fraction]
) -> FillBooking:
    """What a fill changes at the venue, walked base, quote, fee over the residues of its assets."""
    sign = 1 if side == "buy" else -1
    now = dict(residues)
    base_units, now[base.code] = book_exact(now.get(base.code, Fraction(0)), sign * units_of(trade.quantity, base))
    quote_units, now[quote.code] = book_exact(
        now.get(quote.code, Fraction(0)), -sign * units_of(trade.quote_quantity, quote)
    )
    fee_units, now[fee_asset.code] = book_exact(now.get(fee_asset.code, Fraction(0)), -units_of(trade.fee, fee_asset))
    codes = sorted({base.code, quote.code, fee_asset.code})
    before = tuple(Dust(code, residues.get(code, Fraction(0))) for code in codes)
    return FillBooking(
        base_units, quote_units, fee_units, fee_asset.code, before, tuple(Dust(code, now[code]) for code in codes)
    )


def exact_decimal(value: Fraction) -> Decimal:
    """A fraction that came from decimals, as the decimal it is."""
    with localcontext() as context:
        context.prec = 100
        return Decimal(value.numerator) / Decimal(value.denominator)


RETRY_SECONDS = (1, 2, 5, 15, 60, 300)


def retry_at(now: datetime, attempt: int) -> datetime:
    """When an order that could not be placed is looked at again: soon first, then every five minutes."""
    return now + timedelta(seconds=RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])


def average_price(quantities: Sequence[tuple[Decimal, Decimal]], side: str) -> Rate | None:
    """Average of (quantity, quote_quantity) in the conversion's direction: base sold for quote, or the other way."""
    base = sum((Fraction(q) for q, _ in quantities), Fraction(0))
    quote = sum((Fraction(q) for _, q in quantities), Fraction(0))
    if base == 0 or quote == 0:
        return None
    return Rate.of(quote / base if side == "sell" else base / quote)
