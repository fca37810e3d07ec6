"""A conversion from accepted to spendable, beside the posting call alone: what honouring a price costs over booking it.

The verb checks and uses up the quote, books the linked group, gives reservations back, writes the conversion, the order
that hedges it, the key and the event, in one commit: when it answers, the delivery can be spent. The posting call books the
same linked group for the same customers and nothing else. Both go through a lane, as many callers at a time, in turns.
"""

import asyncio
import random
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.proof import proved
from bench.results import Measure, of_windows, ratio
from bench.server import BenchServer
from bench.windows import Case, Spread, Stopwatch, interleave, percentile
from tests.conftest import settings_on
from tidegate.database import Database, new_id, ride, utcnow
from tidegate.exchange import conversion, postings, rules, store
from tidegate.exchange.desk import Desk
from tidegate.exchange.rules import Arrival, Charges, Hedge, Offer, QuoteKind, QuoteSide, QuoteState
from tidegate.exchange.schemas import ConversionIn
from tidegate.idempotency import Keyed
from tidegate.ledger import store as ledger
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Outcome, Posting, Transfer, customer, house, venue
from tidegate.markets.books import Markets
from tidegate.money import BTC, USDT, Rate
from tidegate.treasury.fees import Fees

SECTION = "conversions"
DATABASE = "conversions"
OURS, ALONE = "ours", "alone"
FUNDS = 10**15
"""Base units of each asset that a customer begins with."""
RECEIPT = "x" * 1500
"""As long as a receipt over three books."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured. `calls` of each kind in a window, by `callers` at a time."""

    repetitions: int = 5
    calls: int = 2000
    callers: int = 64
    customers: int = 200


QUICK = Sizes(repetitions=1, calls=40, callers=8, customers=10)


@dataclass(slots=True)
class Counter:
    """A desk on a database of its own, its customers, and the seconds of every call."""

    desk: Desk
    people: Sequence[uuid.UUID]
    sizes: Sizes
    order: random.Random
    taken: dict[str, list[list[float]]] = field(default_factory=lambda: {OURS: [], ALONE: []})

    async def ours(self) -> float:
        """Each call converts what an open quote promises."""
        offers = await self._quoted()

        async def convert(offer: Offer) -> None:
            asked = ConversionIn(quote_id=offer.id, reference=None)
            await conversion.convert(
                self.desk, user_id=offer.user_id, asked=asked, keyed=Keyed(uuid.uuid4().hex, "digest")
            )

        return await self._window(OURS, [partial(convert, offer) for offer in offers])

    async def alone(self) -> float:
        """Each call posts the same linked group."""

        async def post(offer: Offer) -> None:
            moves = postings.hold(offer) + postings.executed(offer, into_held=False)
            posting = Posting(f"bench:{offer.id}", moves, "bench", offer.id)
            assert (await self.desk.lane.submit(posting)).posted

        offers = [self._offer() for _ in range(self.sizes.calls)]
        return await self._window(ALONE, [partial(post, offer) for offer in offers])

    async def _window(self, name: str, calls: Sequence[Callable[[], Awaitable[None]]]) -> float:
        """Callers that each take the next call when theirs has returned. Calls a second."""
        waiting, seconds = iter(calls), list[float]()

        async def caller() -> None:
            for call in waiting:
                watch = Stopwatch()
                await call()
                seconds.append(watch.seconds)

        whole = Stopwatch()
        await asyncio.gather(*(caller() for _ in range(self.sizes.callers)))
        assert len(seconds) == len(calls)
        self.taken[name].append(sorted(seconds))
        return len(calls) / whole.seconds

    async def _quoted(self) -> list[Offer]:
        offers = [self._offer() for _ in range(self.sizes.calls)]
        async with self.desk.db.transaction() as session:
            for offer in offers:
                riders = [*store.reserve(offer, self.desk.caps), store.insert_quote(offer, {}, RECEIPT)]
                assert await ride(session, riders) is None
        return offers

    def _offer(self) -> Offer:
        """About 64 dollars of BTC for USDT."""
        debit, now = self.order.randrange(90_000, 110_000), utcnow()
        charges = Charges(Fraction(22, 10_000), Fraction(1, 1000))
        figures = rules.exact_in(debit, 0, charges, Rate.parse("64000"), BTC, USDT)
        return Offer(
            id=new_id(),
            user_id=self.order.choice(self.people),
            kind=QuoteKind.CONVERSION,
            side=QuoteSide.EXACT_IN,
            from_asset="BTC",
            to_asset="USDT",
            network=None,
            speed=None,
            address=None,
            beneficiary_id=None,
            figures=figures,
            network_fee_max_units=0,
            mid="64000",
            mid_at=now,
            route=({"venue": "binance", "market": "BTC-USDT", "share": "1", "price": "64000"},),
            hedges=(Hedge("binance", "BTCUSDT", "BTC", "USDT", "sell", debit),),
            usd_units=64_000_000,
            review_needed=False,
            arrives=Arrival(0, 5),
            state=QuoteState.OPEN,
            used_by=None,
            reserved_usd_units=64_000_000,
            uncovered_usd_units=0,
            promised_units=figures.deliver,
            expires_at=now + timedelta(hours=1),
            created_at=now,
        )


async def _people(server: BenchServer, many: int) -> list[uuid.UUID]:
    """Customers with money, and a house with capital."""
    connection = await server.connect(DATABASE)
    try:
        people = [new_id() for _ in range(many)]
        await connection.execute(
            "INSERT INTO users (id, email, email_canonical, password_hash, password_changed_at, created_at) "
            "SELECT u, u || '@demo.example', u || '@demo.example', 'none', now(), now() FROM unnest($1::uuid[]) u",
            people,
        )
        funded: list[tuple[str, Transfer]] = [
            (
                f"bench:{one}",
                Transfer(house("wallet:hot", "BTC", "bitcoin"), customer(one, "available", "BTC"), FUNDS, "f"),
            )
            for one in people
        ]
        funded.append(
            ("bench:capital", Transfer(venue("binance", "USDT"), house("capital", "USDT"), FUNDS**2, "bench funding"))
        )
        made = [Posting(key, (move,), "bench", new_id()) for key, move in funded]
        assert set(await ledger.post(connection, made)) == {Outcome.POSTED}
        await connection.execute("VACUUM ANALYZE")
        return people
    finally:
        await connection.close()


async def measure(server: BenchServer, sizes: Sizes, console: Console) -> dict[str, Spread]:
    """Both, interleaved: rates, and the p99 of each window."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tidegate-bench-")))
        await server.fresh(DATABASE)
        people = await _people(server, sizes.customers)
        url = server.url(DATABASE).replace("postgresql://", "postgresql+asyncpg://", 1)
        settings = settings_on(url, folder)
        caps = dict.fromkeys(("max_exposure_usd", "max_user_exposure_usd"), "1000000000000")
        settings = settings.model_copy(update={"quotes": settings.quotes.model_copy(update=caps)})
        db = Database(url)
        stack.push_async_callback(db.close)
        nothing: dict[str, Any] = {}
        desk = Desk(
            db=db,
            lane=Lane(db),
            markets=Markets(nothing, settings),
            venues=nothing,
            fees=Fees(nothing, settings.networks),
            chains=nothing,
            settings=settings,
        )
        counter = Counter(desk, people, sizes, random.Random(1))
        for warm in (counter.ours, counter.alone):
            await warm()
        for windows in counter.taken.values():
            windows.clear()
        spreads = await interleave(
            [Case(OURS, counter.ours), Case(ALONE, counter.alone)], repetitions=sizes.repetitions
        )
        await proved(server, DATABASE)
    for name, windows in counter.taken.items():
        for share in (0.5, 0.99):
            spreads[f"{name} p{int(share * 100)}"] = Spread([percentile(one, share) for one in windows])
        p50, p99 = (spreads[f"{name} {one}"].median * 1e3 for one in ("p50", "p99"))
        console.print(f"{name}: {spreads[name].text()}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    return spreads


def measures(spreads: dict[str, Spread]) -> list[Measure]:
    """The ratio with its target, then what it was made of."""
    what = "conversion, accepted to spendable"
    made = [
        ratio("conversion_p99_vs_posting", spreads["ours p99"], spreads["alone p99"], "at most 5", SECTION, what=f"{what}: p99 / the posting call alone"),
        of_windows("conversions_ours", spreads[OURS], "conversions/s", SECTION, what=what),
        of_windows("conversions_alone", spreads[ALONE], "postings/s", SECTION, what="the same linked group, posted alone"),
    ]  # fmt: skip
    for name in (OURS, ALONE):
        for share in ("p50", "p99"):
            spread = Spread([value * 1e3 for value in spreads[f"{name} {share}"].values])
            made.append(
                of_windows(
                    f"conversions_{name}_{share}", spread, "ms", SECTION, what=f"{what}, {name}: {share}", digits=1
                )
            )
    return made
