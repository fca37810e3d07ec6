"""What the markets say, for people to look at. Not quotes."""

from decimal import Decimal
from fractions import Fraction

from tidegate.exchange import shapes
from tidegate.exchange.desk import Desk
from tidegate.exchange.schemas import MarketOut, MarketsOut, RateOut, SourceOut
from tidegate.markets import rules
from tidegate.markets.books import Source
from tidegate.money import Rate
from tidegate.refusal import Kind, Refusal
from tidegate.wire import asset_in


async def markets(desk: Desk) -> MarketsOut:
    """Every pair between our assets, each number with its age and source; unusable sources say why."""
    pairs: dict[tuple[str, str], list[Source]] = {}
    for source in await desk.markets.sources():
        pairs.setdefault((source.market.base, source.market.quote), []).append(source)
    return MarketsOut(items=[_market(base, quote, found) for (base, quote), found in sorted(pairs.items())])


def _market(base: str, quote: str, sources: list[Source]) -> MarketOut:
    usable = [source for source in sources if source.unusable is None]
    bids = [source.bid for source in usable if source.bid is not None]
    asks = [source.ask for source in usable if source.ask is not None]
    stamps = [source.as_of for source in usable if source.as_of is not None]
    bid, ask = max(bids, default=None), min(asks, default=None)
    return MarketOut(
        market=f"{base}-{quote}",
        base=base,
        quote=quote,
        mid=Rate.of(rules.mid(bid, ask)).text if bid and ask else None,
        bid=None if bid is None else shapes.plain(bid),
        ask=None if ask is None else shapes.plain(ask),
        as_of=min(stamps, default=None),
        sources=[_source(source) for source in sources],
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
