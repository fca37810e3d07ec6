"""Wire shapes of quotes, conversions and market data. Shapes only; API.md names every field."""

import re
import uuid
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from tidegate.refusal import Kind
from tidegate.wire import AMOUNT_PATTERN, AmountOut, EstimateOut, FeeOut, In, Out, Reference, Time, Waiting

_AMOUNT = re.compile(AMOUNT_PATTERN.removesuffix("$") + r"\Z", re.ASCII)


def _amount_or_max(value: Any) -> str:
    if not isinstance(value, str) or not (value == "max" or _AMOUNT.match(value)):
        raise ValueError(Kind.INVALID_AMOUNT)
    return value


AmountOrMax = Annotated[
    str,
    BeforeValidator(_amount_or_max),
    WithJsonSchema(
        {
            "type": "string",
            "anyOf": [{"const": "max"}, {"pattern": AMOUNT_PATTERN}],
            "examples": ["25"],
        }
    ),
]
"""A decimal string, or `max` (exact_in only): everything available."""

QuoteKind = Literal["withdrawal", "conversion"]
QuoteSide = Literal["exact_in", "exact_out"]
Speed = Literal["economy", "standard", "fast"]


class QuoteIn(In):
    """What is to be quoted. `network` is required for a withdrawal and refused for a conversion."""

    kind: QuoteKind
    from_asset: str = Field(examples=["BTC"])
    to_asset: str = Field(examples=["USDT"])
    network: str | None = Field(default=None, examples=["ethereum"])
    side: QuoteSide = Field(description="`exact_in`: `amount` leaves you. `exact_out`: `amount` arrives.")
    amount: AmountOrMax = Field(description="A decimal string, or `max` with exact_in")
    speed: Speed | None = None
    address: str | None = Field(default=None, max_length=256)
    beneficiary_id: uuid.UUID | None = None


class TotalCostOut(Out):
    amount: AmountOut
    share: str = Field(description="Of the debit, a decimal string: 0.0031 is 0.31 %", examples=["0.0031"])
    estimate: EstimateOut | None


class RouteOut(Out):
    """Where the price comes from: a venue, which share of the size, at what average price (`rate`'s direction).

    Where nobody trades the two assets directly, the parts of two markets follow each other; the shares of each add up to 1.
    """

    venue: str
    market: str | None = Field(default=None, examples=["BTC-USDT"])
    share: str
    price: str


class ArrivesByOut(Out):
    earliest: Time
    latest: Time


class LimitOut(Out):
    """A limit that this quote counts against. `left` in `currency`, null when there is no such cap."""

    name: str = Field(examples=["per_withdrawal"])
    left: str | None
    currency: str = "USD"
    resets_at: Time | None


class ReviewOut(Out):
    needed: bool
    usual_minutes: int | None


class SpeedOut(Out):
    speed: Speed
    debit: AmountOut
    deliver: AmountOut
    arrives_by: ArrivesByOut


class RefundRuleOut(Out):
    """What comes back when it cannot be carried out: the whole debit before, `to_asset` after the conversion. The network
    fee is kept once the network has mined a payment, also one that the recipient's contract turned down."""

    before_execution: Literal["debit_in_full"] = "debit_in_full"
    after_execution: Literal["deliver_asset"] = "deliver_asset"
    fees_kept: tuple[Literal["spread", "service"], ...] = ("spread", "service")


class QuoteOut(Out):
    """A firm, all-in price. `debit`, `fees` and `deliver` are exact and final until `expires_at`."""

    id: uuid.UUID
    kind: QuoteKind
    side: QuoteSide
    from_asset: str
    to_asset: str
    network: str | None
    speed: Speed | None
    address: str | None
    beneficiary_id: uuid.UUID | None
    debit: AmountOut
    deliver: AmountOut
    rate: str = Field(description="`to_asset` per 1 `from_asset` before fees; 18 significant digits, rounded down")
    fees: list[FeeOut]
    total_cost: TotalCostOut
    route: list[RouteOut]
    arrives_by: ArrivesByOut
    limits: list[LimitOut]
    review: ReviewOut
    warnings: list[str]
    speeds: list[SpeedOut] = Field(description="The same order at each speed; empty for a conversion")
    refund_rule: RefundRuleOut
    expires_at: Time
    created_at: Time
    state: Literal["open", "accepted", "expired", "refused"]


class ConversionIn(In):
    quote_id: uuid.UUID
    reference: Reference | None = None


class ConversionOut(Waiting):
    """An exchange inside the account, or the converting half of a withdrawal (then `withdrawal_id` is set)."""

    id: uuid.UUID
    reference: str | None
    quote_id: uuid.UUID
    withdrawal_id: uuid.UUID | None
    debit: AmountOut
    deliver: AmountOut
    rate: str
    fees: list[FeeOut]
    created_at: Time
    completed_at: Time | None


class FillOut(Out):
    """What a venue traded for us; prices and quantities are the venue's own decimals."""

    venue: str
    market: str
    trade_id: str
    price: str
    quantity: str
    quote_quantity: str
    fee: str
    fee_asset: str
    booked_at: Time


class OrderOut(Out):
    """Our hedge on a venue. It runs beside the conversion and never changes what was agreed."""

    id: uuid.UUID
    venue: str
    market: str
    side: Literal["buy", "sell"]
    state: str
    quantity: str | None
    filled: str
    limit_price: str | None
    reason: str | None


# --- the best-execution receipt ---------------------------------------------------------------------------------------


class TopOut(Out):
    """The best level of a side, in the venue's own decimals."""

    price: str
    quantity: str


class BookSeenOut(Out):
    """A book as it was when the price was made. `digest`: SHA-256 of all of it, as `exchange.receipt.digest` writes it."""

    venue: str
    market: str
    symbol: str
    digest: str | None = Field(description="null when the venue had not answered")
    sequence: int | None
    as_of: Time | None
    age_seconds: str | None
    bid: TopOut | None
    ask: TopOut | None
    left_out: str | None = Field(description="Why nothing was priced from it; null when it was looked at")


class PlannedOut(Out):
    """What was to be ordered at a venue; `value` and `fee` in the market's quote asset, as its book said."""

    venue: str
    symbol: str
    side: Literal["buy", "sell"]
    quantity: str
    limit_price: str
    value: str
    fee: str


class AlternativeOut(Out):
    """The same size at one venue alone, its fee included: the other side of the exchange, or why it could not be."""

    venue: str
    symbol: str
    amount: AmountOut | None
    hindered: Literal["too_thin", "below_minimum"] | None


class RoutedOut(Out):
    """One exchange of the route. `given` rounded up and `got` down to a unit, venue fees included."""

    given: AmountOut
    got: AmountOut
    rate: str = Field(description="What the books say before fees, in the direction of the exchange")
    orders: list[PlannedOut]
    carried: str = Field(
        description="Of the market's base asset, ordered nowhere: below a lot or below every least order"
    )
    alternatives: list[AlternativeOut]


class RealisedLegOut(Out):
    """One exchange of the route as it was traded. Prices: `to_asset` per 1 `from_asset`, null where nothing was traded."""

    from_asset: str
    to_asset: str
    price: str | None = Field(description="Average of the fills, before venue fees")
    price_after_fees: str | None = Field(description="null also where a fee was taken in a third asset")
    traded: AmountOut = Field(description="Of the market's base asset")
    carried: AmountOut = Field(description="Of the market's base asset: traded nowhere, the house bears it")


class RealisedOut(Out):
    """What the orders came to. Prices: `to_asset` per 1 `from_asset`, over all legs; null where a leg was not traded.

    The shares have a sign and are rounded down to a millionth: `0.0002` is 0.02 % more for each `from_asset` than what it is
    held against, `-0.0002` is 0.02 % less. It is the house's result; what was agreed does not change by it.
    """

    price: str | None = Field(description="Average of the fills, before venue fees")
    price_after_fees: str | None = Field(description="null also where a fee was taken in a third asset")
    best_single: str | None = Field(
        description="After fees, what the best single venue offered for the whole size; null when none could take it"
    )
    against_quoted: str | None = Field(description="`price` against the conversion's `rate`; both before fees")
    against_mid: str | None = Field(
        description="`price` against the mid at the decision: spread and depth of the books"
    )
    against_best_single: str | None = Field(description="`price_after_fees` against `best_single`")
    legs: list[RealisedLegOut]
    at: Time = Field(description="When the last order was done")


class BestExecutionOut(Out):
    """Why the price was the best to be had, and, once the orders are done, what it came to."""

    decided_at: Time
    from_asset: str
    to_asset: str
    side: QuoteSide
    rate: str
    mid: str | None
    venue_cost: str = Field(description="Share that the venues charge, rounded up to a millionth")
    books: list[BookSeenOut]
    route: list[RoutedOut]
    realised: RealisedOut | None = Field(default=None, description="null until every order is done")


class ReceiptOut(Out):
    """How the price came about: the mid at the decision, the rate given, where it was hedged and at what."""

    rate: str
    mid: str | None
    mid_as_of: Time | None
    route: list[RouteOut]
    hedge: Literal["waiting", "running", "done", "carried"]
    hedge_price: str | None = Field(description="Average price of the fills in `rate`'s direction, before venue fees")
    orders: list[OrderOut]
    execution: BestExecutionOut | None = Field(description="null for what was converted before receipts were kept")


class ConversionDetailOut(ConversionOut):
    fills: list[FillOut]
    receipt: ReceiptOut


class SourceOut(Out):
    """One venue's part in a number, and whether it may be quoted from."""

    venue: str
    market: str
    bid: str | None
    ask: str | None
    as_of: Time | None
    age_seconds: str | None
    usable: bool
    reason: str | None


class MarketOut(Out):
    """A pair. `mid`, `bid` and `ask` are `quote` per 1 `base`; null when no source may be quoted from."""

    market: str = Field(examples=["BTC-USDT"])
    base: str
    quote: str
    mid: str | None
    bid: str | None
    ask: str | None
    as_of: Time | None
    sources: list[SourceOut]


class MarketsOut(Out):
    items: list[MarketOut]
    next_cursor: str | None = None


class RateOut(Out):
    """What one asset is worth in another right now; `bid` and `ask` in `to_asset` per 1 `from_asset`."""

    from_asset: str
    to_asset: str
    mid: str
    bid: str
    ask: str
    as_of: Time
    sources: list[SourceOut]


IntervalName = Literal["1m", "5m", "15m", "1h", "1d"]


class CandleOut(Out):
    """What was traded from `start` on, for one interval; prices in `quote` per 1 `base`, `volume` in `base`."""

    start: Time
    open: str
    high: str
    low: str
    close: str
    volume: str


class CandleSourceOut(Out):
    venue: str
    symbol: str = Field(description="The venue's own name of the market", examples=["BTCUSDT"])


class CandlesOut(Out):
    """Newest first; the newest one may still be open, and an interval in which nothing was traded may be missing."""

    market: str = Field(examples=["BTC-USDT"])
    interval: IntervalName
    items: list[CandleOut]
    as_of: Time
    sources: list[CandleSourceOut]
    next_cursor: str | None = None
