"""HTTP door of the exchange room: parse, one verb call, shape the answer."""

import uuid
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from tidegate.auth.subject import Subject, allow
from tidegate.download import saved
from tidegate.exchange import conversion, history, quote, rates, watch
from tidegate.exchange.desk import Desk
from tidegate.exchange.schemas import (
    CandlesOut,
    ConversionDetailOut,
    ConversionIn,
    ConversionOut,
    IntervalName,
    MarketsOut,
    QuoteIn,
    QuoteOut,
    RateOut,
)
from tidegate.idempotency import Keyed, keyed_optional, keyed_required, respond
from tidegate.markets.candles import WINDOW
from tidegate.problems import problems
from tidegate.refusal import Kind
from tidegate.wire import Moment, Page, Paging, Reference

router = APIRouter(prefix="/exchange")

SIGNED_IN = (Kind.UNAUTHENTICATED, Kind.FORBIDDEN, Kind.RATE_LIMITED, Kind.INVALID_REQUEST)
"""What every operation of a signed-in user may answer."""

QUOTING = (
    Kind.MALFORMED,
    Kind.INVALID_AMOUNT,
    Kind.TOO_MANY_DECIMALS,
    Kind.UNKNOWN_ASSET,
    Kind.UNKNOWN_NETWORK,
    Kind.BELOW_MINIMUM,
    Kind.INVALID_ADDRESS,
    Kind.WRONG_NETWORK,
    Kind.OWN_ADDRESS,
    Kind.FORBIDDEN_ADDRESS,
    Kind.NOT_FOUND,
    Kind.BENEFICIARY_COOLING_DOWN,
    Kind.CONFLICT,
    Kind.POLICY_BLOCKED,
    Kind.QUOTE_KIND_MISMATCH,
    Kind.INSUFFICIENT_FUNDS,
    Kind.LIMIT_EXCEEDED,
    Kind.REVIEW_REQUIRED,
    Kind.IDEMPOTENCY_KEY_REUSED,
    Kind.IN_PROGRESS,
    Kind.VENUE_UNAVAILABLE,
    Kind.BUSY,
)

CONVERTING = (
    Kind.MALFORMED,
    Kind.IDEMPOTENCY_KEY_MISSING,
    Kind.IDEMPOTENCY_KEY_REUSED,
    Kind.IN_PROGRESS,
    Kind.NOT_FOUND,
    Kind.QUOTE_EXPIRED,
    Kind.QUOTE_USED,
    Kind.QUOTE_KIND_MISMATCH,
    Kind.INSUFFICIENT_FUNDS,
    Kind.CONFLICT,
    Kind.BUSY,
)


async def the_desk(request: Request) -> Desk:
    """The process's one desk, put there at start by whoever builds the app."""
    desk: Desk = request.app.state.exchange
    return desk


At = Annotated[Desk, Depends(the_desk)]
Quoter = Annotated[Subject, Depends(allow("exchange.quote"))]
Converter = Annotated[Subject, Depends(allow("exchange.convert", feature="conversions"))]


@router.get("/markets", tags=["exchange"], operation_id="exchange_list_markets", responses=problems(*SIGNED_IN))
async def list_markets(desk: At, subject: Quoter) -> MarketsOut:
    """Every pair a venue trades between assets of this house: mid, best bid and ask, how old, from where."""
    return await rates.markets(desk)


@router.get(
    "/rates/{from_asset}/{to_asset}",
    tags=["exchange"],
    operation_id="exchange_get_rate",
    responses=problems(*SIGNED_IN, Kind.UNKNOWN_ASSET, Kind.VENUE_UNAVAILABLE),
)
async def get_rate(from_asset: str, to_asset: str, desk: At, subject: Quoter) -> RateOut:
    """What one `from_asset` is worth in `to_asset` now, with its age and its sources. Not a quote."""
    return await rates.rate(desk, from_asset, to_asset)


@router.get(
    "/candles/{market}",
    tags=["exchange"],
    operation_id="exchange_list_candles",
    responses=problems(*SIGNED_IN, Kind.UNKNOWN_ASSET, Kind.NOT_FOUND, Kind.VENUE_UNAVAILABLE),
)
async def list_candles(
    market: str,
    desk: At,
    subject: Quoter,
    interval: IntervalName = "1h",
    since: Annotated[Moment | None, Query(description="None that starts earlier")] = None,
    limit: Annotated[int, Query(ge=1, le=WINDOW)] = 100,
) -> CandlesOut:
    """The newest candles of a market, from one venue that trades it; another one where that is down."""
    return await rates.candles(desk, market, interval=interval, since=since, limit=limit)


async def the_view(
    desk: At,
    subject: Quoter,
    market: Annotated[
        list[str], Query(min_length=1, max_length=8, description="Repeat it for more", examples=[["BTC-USDT"]])
    ],
) -> tuple[watch.Pair, ...]:
    """What cannot be watched is refused here: once the stream has begun there is no status to refuse with."""
    return await watch.admit(desk, user_id=subject.user_id, markets=market)


@router.get(
    "/markets/stream",
    tags=["exchange"],
    operation_id="exchange_stream_markets",
    response_class=EventSourceResponse,
    responses=problems(*SIGNED_IN, Kind.UNKNOWN_ASSET, Kind.NOT_FOUND, Kind.VENUE_UNAVAILABLE, Kind.BUSY),
)
async def stream_markets(
    desk: At, subject: Quoter, pairs: Annotated[tuple[watch.Pair, ...], Depends(the_view)]
) -> AsyncIterator[ServerSentEvent]:
    """Server-Sent Events: `market`, data like an item of `/exchange/markets`, when it changed. Ends after five minutes."""
    async for event in watch.follow(desk, user_id=subject.user_id, pairs=pairs):
        yield event


@router.post(
    "/quotes",
    tags=["quotes"],
    operation_id="quotes_create",
    status_code=201,
    response_model=QuoteOut,
    responses=problems(*SIGNED_IN, *QUOTING),
)
async def create_quote(
    body: QuoteIn, desk: At, subject: Quoter, keyed: Annotated[Keyed, Depends(keyed_optional)]
) -> Response:
    """A firm, all-in price: what leaves you, every fee, what arrives, when, and until when it stands."""
    return respond(await quote.create(desk, user_id=subject.user_id, asked=body, keyed=keyed))


@router.get(
    "/quotes/{quote_id}", tags=["quotes"], operation_id="quotes_get", responses=problems(*SIGNED_IN, Kind.NOT_FOUND)
)
async def get_quote(quote_id: uuid.UUID, desk: At, subject: Quoter) -> QuoteOut:
    """A quote of yours, as it was given, with its present state."""
    return await quote.get(desk, user_id=subject.user_id, quote_id=quote_id)


@router.post(
    "/conversions",
    tags=["conversions"],
    operation_id="conversions_create",
    status_code=201,
    response_model=ConversionOut,
    responses=problems(*SIGNED_IN, *CONVERTING),
)
async def create_conversion(
    body: ConversionIn, desk: At, subject: Converter, keyed: Annotated[Keyed, Depends(keyed_required)]
) -> Response:
    """Accept a conversion quote: the exchange is booked in the same commit, exactly as quoted."""
    return respond(await conversion.convert(desk, user_id=subject.user_id, asked=body, keyed=keyed))


@router.get("/conversions", tags=["conversions"], operation_id="conversions_list", responses=problems(*SIGNED_IN))
async def list_conversions(
    desk: At, subject: Quoter, paging: Annotated[Paging, Depends()], reference: Reference | None = None
) -> Page[ConversionOut]:
    """Your conversions, newest first."""
    return await history.conversions(
        desk, user_id=subject.user_id, limit=paging.limit, before=paging.before, reference=reference
    )


@router.get(
    "/conversions/{conversion_id}",
    tags=["conversions"],
    operation_id="conversions_get",
    responses=problems(*SIGNED_IN, Kind.NOT_FOUND),
)
async def get_conversion(conversion_id: uuid.UUID, desk: At, subject: Quoter) -> ConversionDetailOut:
    """One conversion with its fills and its execution receipt."""
    return await history.conversion(desk, user_id=subject.user_id, conversion_id=conversion_id)


@router.get(
    "/conversions/{conversion_id}/receipt",
    tags=["conversions"],
    operation_id="conversions_get_receipt",
    response_model=ConversionDetailOut,
    responses=problems(*SIGNED_IN, Kind.NOT_FOUND),
)
async def get_conversion_receipt(conversion_id: uuid.UUID, desk: At, subject: Quoter) -> Response:
    """The same as a file to keep: why the price was the best to be had, where it was traded, what it came to."""
    found = await history.conversion(desk, user_id=subject.user_id, conversion_id=conversion_id)
    return saved(f"conversion-{found.id}", found.model_dump_json(indent=2))
