"""What the markets say, for people to look at. Not quotes."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from tidegate.exchange import shapes
from tidegate.exchange.desk import Desk
from tidegate.exchange.schemas import (
    CandleOut,
    CandleSourceOut,
    CandlesOut,
    IntervalName,
    MarketOut,
    MarketsOut,
    RateOut,
    SourceOut,
)
from tidegate.markets.consolidated import Consolidated, Source, consolidate
from tidegate.money import Rate
from tidegate.refusal import Kind, Refusal
from tidegate.venues.port import Candle, Interval
from tidegate.wire import asset_in

INTERVALS: dict[IntervalName, Interval] = {
    "1m": Interval.MINUTE,
    "5m": Interval.FIVE_MINUTES,
    "15m": Interval.QUARTER,
    "1h": Interval.HOUR,
    "1d": Interval.DAY,
}


async def markets(desk: Desk) -> MarketsOut:
    """Every pair between our assets, each number with its age and source; unusable sources say why."""
    return MarketsOut(items=[shape(pair) for pair in consolidate(await desk.markets.sources())])


def shape(pair: Consolidated) -> MarketOut:
    """A pair as the list and the stream tell it."""
    return MarketOut(
        market=f"{pair.base}-{pair.quote}",
        base=pair.base,
        quote=pair.quote,
        mid=Rate.of(pair.mid).text if pair.mid else None,
        bid=None if pair.bid is None else shapes.plain(pair.bid.price),
        ask=None if pair.ask is None else shapes.plain(pair.ask.price),
        as_of=pair.as_of,
        sources=[_source(source) for source in pair.sources],
    )


async def rate(desk: Desk, from_asset: str, to_asset: str) -> RateOut:
    """Mid, best bid and best ask of `from` in `to`. Refuses UNKNOWN_ASSET, VENUE_UNAVAILABLE."""
    give, get = asset_in(from_asset, field="from_asset"), asset_in(to_asset, field="to_asset")
    mid = await desk.markets.mid(give, get)
    sources = [
        source
        for source in await desk.markets.sources()
        if {source.market.base, source.market.quote} == {give.code, get.code}
    ]
    usable = [source for source in sources if source.unusable is None]
    if give == get:
        return RateOut(from_asset=give.code, to_asset=get.code, mid="1", bid="1", ask="1", as_of=mid.as_of, sources=[])
    if not usable:
        raise Refusal(
            Kind.VENUE_UNAVAILABLE, f"No exchange trades {give.code} for {get.code} right now.", retry_after=2
        )
    bid = max(Rate.of(_bid(source, give.code)).value for source in usable)
    ask = min(Rate.of(_ask(source, give.code)).value for source in usable)
    return RateOut(
        from_asset=give.code,
        to_asset=get.code,
        mid=Rate.of(mid.value).text,
        bid=Rate.of(bid).text,
        ask=Rate.of(ask).text,
        as_of=mid.as_of,
        sources=[_source(source) for source in sources],
    )


async def pair_in(desk: Desk, market: str) -> tuple[str, str]:
    """(base, quote) of a market's name. Refuses UNKNOWN_ASSET, NOT_FOUND, VENUE_UNAVAILABLE."""
    base, _, quote = market.partition("-")
    pair = asset_in(base, field="market").code, asset_in(quote, field="market").code
    if not await desk.markets.trading(*pair):
        raise Refusal(Kind.NOT_FOUND, "No exchange has such a market.")
    return pair


async def candles(desk: Desk, market: str, *, interval: IntervalName, since: datetime | None, limit: int) -> CandlesOut:
    """A market's newest candles, newest first, none before `since`. Refuses like `pair_in`, VENUE_UNAVAILABLE."""
    base, quote = await pair_in(desk, market)
    chart = await desk.charts.look(desk.markets, base, quote, INTERVALS[interval])
    if chart is None:
        raise Refusal(Kind.VENUE_UNAVAILABLE, f"No exchange tells the candles of {market} right now.", retry_after=2)
    shown = [_candle(one) for one in reversed(chart.candles)]
    return CandlesOut(
        market=market,
        interval=interval,
        items=[one for one in shown if since is None or one.start >= since][:limit],
        as_of=chart.as_of,
        sources=[CandleSourceOut(venue=chart.venue, symbol=chart.symbol)],
    )


def _candle(one: Candle) -> CandleOut:
    return CandleOut(
        start=datetime.fromtimestamp(one.start, UTC),
        open=shapes.plain(one.open),
        high=shapes.plain(one.high),
        low=shapes.plain(one.low),
        close=shapes.plain(one.close),
        volume=shapes.plain(one.volume),
    )


def _bid(source: Source, give: str) -> Fraction:
    """What the market pays at once for one `give`."""
    assert source.bid is not None
    assert source.ask is not None
    return Fraction(source.bid) if source.market.base == give else 1 / Fraction(source.ask)


def _ask(source: Source, give: str) -> Fraction:
    """What the market asks at once for one `give`."""
    assert source.bid is not None
    assert source.ask is not None
    return Fraction(source.ask) if source.market.base == give else 1 / Fraction(source.bid)


def _source(source: Source) -> SourceOut:
    def text(value: Decimal | None) -> str | None:
        return None if value is None else shapes.plain(value)

    return SourceOut(
        venue=source.venue,
        market=f"{source.market.base}-{source.market.quote}",
        bid=text(source.bid),
        ask=text(source.ask),
        as_of=source.as_of,
        age_seconds=None if source.age_seconds is None else f"{source.age_seconds:.3f}",
        usable=source.unusable is None,
        reason=source.unusable.value if source.unusable else None,
    )
