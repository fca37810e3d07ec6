"""Random conversions through jumps of 2 % with faults on: every price is honoured to the unit, and the books are exact.

TIDEGATE_CONVERSIONS says how many, TIDEGATE_SEED which.
"""

import asyncio
import json
import os
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.exchange.conftest import Room
from tests.exchange.test_converting import identity_holds, units
from tests.venues.running import Running
from tidegate.database import utcnow
from tidegate.exchange import positions
from tidegate.exchange.rules import ceiling
from tidegate.ledger.proof import prove
from tidegate.ledger.rules import customer, house
from tidegate.markets.books import Markets
from tidegate.money import USDT, asset, format_units
from tidegate.refusal import Kind, Refusal
from tidegate.venues.binance import Binance

CONVERSIONS = int(os.environ.get("TIDEGATE_CONVERSIONS", "20"))
SEED = int(os.environ.get("TIDEGATE_SEED", "1"))
EACH = 10
"""Conversions of a round: prices jump between quoting and accepting, and something is broken while it is hedged."""
JUMP = Decimal("0.02")
CAP = 25_000
"""Dollars that open prices and positions may come to."""
ANCHORS = {"BTCUSDT": Decimal(64_000), "ETHUSDT": Decimal(3_100)}
WORTH = {"BTC": Decimal(64_000), "ETH": Decimal(3_100), "USDT": Decimal(1), "USDC": Decimal(1)}
NOT_DIRECT = ("ETHUSDC", "ETHBTC", "BTCUSDC")
FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("venue_timeout_after_accept", {"times": 1, "seconds": 0.05}),
    ("venue_error_after_accept", {"times": 2}),
    ("venue_error_before_accept", {"times": 2}),
    ("venue_html", {"times": 2}),
    ("venue_thin_book", {}),
    ("venue_down", {}),
)
MAY_BE_REFUSED = {Kind.LIMIT_EXCEEDED, Kind.BELOW_MINIMUM, Kind.VENUE_UNAVAILABLE}


@dataclass
class Run:
    """Rounds of conversions over two venues, with a clock of the worker that runs ahead of ours."""

    room: Room
    bridged: Room
    venues: dict[str, Running]
    chance: random.Random
    users: list[uuid.UUID]
    mids: dict[str, Decimal] = field(default_factory=lambda: dict(ANCHORS))
    ahead: float = 0.0
    told: Counter[str] = field(default_factory=Counter)
    charged: Counter[tuple[str, str]] = field(default_factory=Counter)
    most_open: int = 0

    def wish(self) -> dict[str, str]:
        source, target = self.chance.sample(list(WORTH), 2)
        side = self.chance.choice(["exact_in", "exact_out"])
        fixed = asset(source if side == "exact_in" else target)
        usd = Decimal(8) * Decimal(400) ** Decimal(self.chance.random())
        amount = format_units(int(usd / WORTH[fixed.code] * 10**fixed.decimals), fixed.decimals)
        return {"from_asset": source, "to_asset": target, "side": side, "amount": amount}

    async def quotes(self, many: int) -> list[tuple[uuid.UUID, dict[str, Any]]]:
        made = []
        for _ in range(many):
            user, desk = self.chance.choice(self.users), self.chance.choice([self.room, self.room, self.bridged])
            try:
                shown = await desk.quote(user, **self.wish())
            except Refusal as refusal:
                if refusal.kind not in MAY_BE_REFUSED:
                    raise
                self.told[refusal.kind.value] += 1
                continue
            identity_holds(shown)
            made.append((user, shown))
        return made

    async def accept(self, user: uuid.UUID, shown: dict[str, Any]) -> None:
        """Exactly what was shown leaves and arrives, whatever became of prices and venues meanwhile."""
        source, target = (customer(user, "available", shown[end]["asset"]) for end in ("debit", "deliver"))
        before = await self.room.holds(source), await self.room.holds(target)
        made = await self.room.convert(user, shown["id"])
        assert (made["debit"], made["deliver"], made["fees"]) == (shown["debit"], shown["deliver"], shown["fees"])
        after = await self.room.holds(source), await self.room.holds(target)
        assert (before[0] - after[0], after[1] - before[1]) == (units(shown["debit"]), units(shown["deliver"]))
        for line in shown["fees"]:
            self.charged[line["kind"], line["amount"]["asset"]] += units(line["amount"])
        self.told["converted"] += 1

    async def jump(self) -> None:
        """Both venues' prices move by 2 %, back towards the anchor when they are far from it."""
        for symbol, anchor in ANCHORS.items():
            far = self.mids[symbol] / anchor - 1
            up = self.chance.random() < (0.5 if abs(far) < Decimal("0.1") else 0.1 if far > 0 else 0.9)
            self.mids[symbol] = (self.mids[symbol] * (1 + JUMP if up else 1 - JUMP)).quantize(Decimal("0.01"))
            for venue in self.venues.values():
                await venue.move(symbol, str(self.mids[symbol]))
        rows = await self.room.rows("SELECT coalesce(sum(usd_units), 0) FROM exposures WHERE scope = 'house'")
        found = await positions.positions(self.room.desk)
        self.most_open = max(self.most_open, int(rows[0][0]) + sum(one.open_usd or 0 for one in found))

    async def hedge(self, passes: int) -> None:
        for _ in range(passes):
            self.ahead += 2
            await self.room.hedge(after=self.ahead)
        await positions.watch(self.room.desk, utcnow())

    async def round(self) -> None:
        made = await self.quotes(min(EACH, CONVERSIONS - self.told["converted"]))
        early = self.chance.randrange(len(made) + 1)
        for user, shown in made[:early]:
            await self.accept(user, shown)
        await self.jump()
        fault, more = self.chance.choice(FAULTS)
        broken = self.chance.choice(list(self.venues.values()))
        await broken.fault(fault, **more)
        for user, shown in made[early:]:
            await self.accept(user, shown)
        await self.hedge(self.chance.randrange(1, 4))
        await broken.fault(fault, False)
        await self.hedge(1)

    async def settle(self) -> None:
        """Passes of the worker until nothing is under way."""
        unsettled = "SELECT 1 FROM orders WHERE state IN ('intended', 'sent', 'open', 'unknown')"
        while await self.room.rows(unsettled):
            await self.hedge(2)
            await asyncio.sleep(0.02)

    async def at_venue(self, name: str, path: str, symbol: str, first: str, number: str) -> list[dict[str, Any]]:
        """All pages of the venue's own list."""
        client: Any = self.room.desk.venues[name]
        found: list[dict[str, Any]] = []
        while True:
            since = str(found[-1][number] + 1) if found else "1"
            query = [("symbol", symbol), (first, since), ("limit", "1000")]
            page = json.loads((await client._signed_read(path, query, weight=20)).body)
            found += page
            if len(page) < 1000:
                return found


@pytest.fixture
async def run(wide: Room, other_venue: Running) -> AsyncIterator[Run]:
    quotes = wide.desk.settings.quotes.model_copy(
        update={"max_exposure_usd": str(CAP), "conversion_seconds": 3600, "withdrawal_seconds": 3600}
    )
    desk = replace(wide.desk, settings=wide.desk.settings.model_copy(update={"quotes": quotes}))
    room = replace(wide, desk=desk)
    # Some pairs have no market of their own here: what is quoted from these books goes over a bridge.
    bridged = replace(room, desk=replace(desk, markets=Markets(desk.venues, desk.settings)))
    await bridged.desk.markets.sources()
    for key in [key for key in bridged.desk.markets._tracked if key[1] in NOT_DIRECT]:
        del bridged.desk.markets._tracked[key]
    await room.desk.markets.sources()
    users = [await room.user(BTC="3", ETH="60", USDT="200000", USDC="200000") for _ in range(5)]
    made = Run(room, bridged, {"binance": room.running, "other": other_venue}, random.Random(SEED), users)
    yield made
    for symbol, mid in ANCHORS.items():
        for venue in made.venues.values():
            await venue.move(symbol, str(mid))


async def owned(room: Room) -> dict[str, int]:
    return {code: int((await room.rows("SELECT ledger_own(:code)", code=code))[0][0]) for code in WORTH}


@pytest.mark.slow
@pytest.mark.timeout(3 * 3600)
async def test_every_price_is_honoured_to_the_unit_and_every_fill_is_in_the_books(run: Run) -> None:
    room, began = run.room, await owned(run.room)
    earlier = {name: await _listed(run, name) for name in run.venues}
    while run.told["converted"] < CONVERSIONS:
        await run.round()
    for client in room.desk.venues.values():
        assert isinstance(client, Binance)
        client._line._failures = 0
    await run.settle()

    for (kind, code), charged in run.charged.items():
        assert await room.holds(house(f"charged:{kind}", code)) == charged, (kind, code)  # type: ignore[arg-type]
    await no_order_twice_and_no_fill_unbooked(run, earlier)
    await room.books_balance()
    async with room.desk.db.snapshot() as session:
        async for check, findings in prove(session):
            assert findings == [], check
    loss = await lost(run, began)
    assert loss <= CAP
    assert run.most_open <= CAP * 10**6
    assert run.told["converted"] == CONVERSIONS
    print(
        f"{dict(run.told)}, seed {SEED}: the house lost {Decimal(round(loss * 100)) / 100} dollars (below zero: earned), at most "
        f"{run.most_open / 10**6:.2f} stood open of {CAP}",
        flush=True,
    )


async def _listed(run: Run, name: str) -> tuple[set[str], set[tuple[str, str]]]:
    """Client order ids, and trades by symbol and number, of our account there. No id is there twice."""
    ids: list[str] = []
    trades: list[tuple[str, str]] = []
    for symbol in ("BTCUSDT", "ETHUSDT", "USDCUSDT", *NOT_DIRECT):
        ids += [
            one["clientOrderId"] for one in await run.at_venue(name, "/api/v3/allOrders", symbol, "orderId", "orderId")
        ]
        found = await run.at_venue(name, "/api/v3/myTrades", symbol, "fromId", "id")
        trades += [(symbol, str(one["id"])) for one in found]
    assert len(ids) == len(set(ids)), "an order was placed twice"
    return set(ids), set(trades)


async def no_order_twice_and_no_fill_unbooked(
    run: Run, earlier: dict[str, tuple[set[str], set[tuple[str, str]]]]
) -> None:
    for name, (ids_before, trades_before) in earlier.items():
        ids, trades = await _listed(run, name)
        rows = await run.room.rows("SELECT client_order_id FROM orders WHERE venue = :venue", venue=name)
        assert ids - ids_before <= {row[0] for row in rows}, "an order nobody intended"
        rows = await run.room.rows("SELECT symbol, trade_id FROM fills WHERE venue = :venue", venue=name)
        assert trades - trades_before == {(row[0], row[1]) for row in rows}
    # What was left is followed by no more than that.
    for order in await run.room.rows("SELECT id, base_asset, base_units, filled FROM orders"):
        rows = await run.room.rows("SELECT coalesce(sum(base_units), 0) FROM orders WHERE follows = :id", id=order[0])
        filled = ceiling(Fraction(order[3]) * 10 ** asset(order[1]).decimals)
        assert rows[0][0] + filled <= order[2], order


async def lost(run: Run, began: dict[str, int]) -> Fraction:
    """What the house owns less than when it began, in dollars at the last prices; charges and the venues' fees included."""
    ended, found = await owned(run.room), Fraction(0)
    for code, units_then in began.items():
        mid = await run.room.desk.markets.mid(asset(code), USDT)
        found += Fraction(units_then - ended[code], 10 ** asset(code).decimals) * mid.value
    return found
