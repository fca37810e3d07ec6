"""The exchange room on a real PostgreSQL and a real sandbox venue; chains are stood in for by their fee rates."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from tests.venues.running import ACCOUNTS, Running, running_venue
from tidegate.auth.accounts import create_user
from tidegate.chains.port import Address, AddressProblem, FeeRates, Occupant
from tidegate.config import Settings
from tidegate.database import Database, utcnow
from tidegate.exchange import conversion, pipeline, quote
from tidegate.exchange.desk import Desk
from tidegate.exchange.schemas import ConversionIn, QuoteIn
from tidegate.idempotency import Keyed
from tidegate.ledger.balances import balance
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import AccountRef, Posting, Transfer, customer, house, venue
from tidegate.markets.books import Markets
from tidegate.money import asset, format_units, parse_units
from tidegate.treasury.fees import Fees
from tidegate.venues.binance import Binance
from tidegate.venues.port import Venue

PASSWORD = "correct horse battery staple"
NO_KEY = Keyed(None, "")
GOOD_ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


@dataclass
class StandInChain:
    """A chain as far as quoting looks at one: its gas asset, its fee rates, one address it likes."""

    network: str
    gas_asset: str
    rates: FeeRates
    hot_address: str = "0x" + "9" * 40

    async def fee_rates(self) -> FeeRates:
        return self.rates

    def judge(self, text: str) -> Address | AddressProblem:
        return Address(text, "account") if text == GOOD_ADDRESS else AddressProblem.INVALID

    async def occupant(self, address: str) -> Occupant:
        return Occupant()


@pytest.fixture(scope="module")
async def shared_venue(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running_venue(tmp_path_factory.mktemp("venue")) as running:
        yield running


@dataclass
class Room:
    """A desk with one funded venue, and short words for what a test does at it."""

    desk: Desk
    running: Running
    orders_before: int = 0
    now: datetime = field(default_factory=utcnow)

    async def user(self, **holds: str) -> uuid.UUID:
        """A customer with these amounts available."""
        async with self.desk.db.transaction() as session:
            user_id = await create_user(
                session, email=f"{uuid.uuid4().hex}@example.com", password=PASSWORD, memory_kib=1024
            )
        for code, amount in holds.items():
            await self.give(customer(user_id, "available", code), code, amount)
        return user_id

    async def give(self, account: AccountRef, code: str, amount: str) -> None:
        units = parse_units(amount, asset(code).decimals)
        if account.name == "available":
            network = "bitcoin" if code == "BTC" else "ethereum"
            move = Transfer(house("wallet:hot", code, network), account, units, "deposit credited")
        else:
            move = Transfer(account, house("capital", code), units, "operator funds")
        key = f"test:{uuid.uuid4()}"
        assert (await self.desk.lane.submit(Posting(key, (move,), "test", uuid.uuid4()))).posted

    async def quote(self, user_id: uuid.UUID, **asked: Any) -> dict[str, Any]:
        body = QuoteIn.model_validate({"kind": "conversion", "side": "exact_in", **asked})
        return (await quote.create(self.desk, user_id=user_id, asked=body, keyed=NO_KEY)).body

    async def convert(
        self, user_id: uuid.UUID, quote_id: str, *, reference: str | None = None, key: Keyed = NO_KEY
    ) -> dict[str, Any]:
        body = ConversionIn(quote_id=uuid.UUID(quote_id), reference=reference)
        return (await conversion.convert(self.desk, user_id=user_id, asked=body, keyed=key)).body

    async def holds(self, account: AccountRef) -> int:
        async with self.desk.db.reading() as session:
            return await balance(session, account)

    async def hedge(self, *, after: float = 0.0) -> int:
        """One pass of the worker's step, `after` seconds later than now."""
        return await pipeline.hedge(self.desk, utcnow() + timedelta(seconds=after))

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        async with self.desk.db.reading() as session:
            return list((await session.execute(text(sql), values)).all())

    async def orders_at_venue(self) -> int:
        """How many orders the venue has seen from this test."""
        found: int = (await self.running.books())["orders"]
        return found - self.orders_before

    async def books_balance(self) -> None:
        """Debits equal credits in every asset, and the venue accounts equal the venue, rounded down."""
        for row in await self.rows(
            "SELECT asset, sum(CASE side WHEN 'debit' THEN balance ELSE -balance END) FROM ledger_accounts GROUP BY asset"
        ):
            assert row[1] == 0, row
        for held in await self.desk.venues["binance"].balances():
            units = (held.free + held.locked).scaleb(asset(held.asset).decimals)
            assert await self.holds(venue("binance", held.asset)) == int(units), held


@pytest.fixture
async def room(db: Database, lane: Lane, settings: Settings, shared_venue: Running) -> AsyncIterator[Room]:
    """A desk whose books know what the venue holds now, its dust below a unit included."""
    await shared_venue.move("USDCUSDT", "1")  # with it every book is whole again, whatever the test before took
    client = shared_venue.client(timeout=3)
    venues: dict[str, Venue] = {"binance": client}
    chains: Any = {
        "bitcoin": StandInChain("bitcoin", "BTC", FeeRates(1, 2, 5)),
        "ethereum": StandInChain("ethereum", "ETH", FeeRates(10**9, 2 * 10**9, 3 * 10**9)),
    }
    desk = Desk(
        db=db,
        lane=lane,
        markets=Markets(venues, settings),
        venues=venues,
        fees=Fees(chains, settings.networks),
        chains=chains,
        settings=settings,
    )
    room = Room(desk, shared_venue, orders_before=(await shared_venue.books())["orders"])
    for held in await client.balances():
        exact = (held.free + held.locked).scaleb(asset(held.asset).decimals)
        await room.give(venue("binance", held.asset), held.asset, format_units(int(exact), asset(held.asset).decimals))
        async with db.transaction() as session:
            await session.execute(
                text("INSERT INTO venue_dust (venue, asset, residue) VALUES ('binance', :asset, :residue)"),
                {"asset": held.asset, "residue": exact - int(exact)},
            )
    yield room
    await shared_venue.all_well()
    await client.close()


@pytest.fixture(scope="module")
async def other_venue(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running_venue(tmp_path_factory.mktemp("other"), seed=8) as running:
        yield running


@pytest.fixture
async def wide(room: Room, other_venue: Running) -> AsyncIterator[Room]:
    """The room with a second venue, whose holdings its books know too; prices stand at one middle at both."""
    account = ACCOUNTS[0]
    other = Binance(
        rest_url=other_venue.url,
        api_key=account["api_key"],
        secret=account["secret"],
        taker_fee=Decimal("0.001"),
        name="other",
        timeout=3,
    )
    for running in (room.running, other_venue):
        for symbol, middle in (("BTCUSDT", "64000"), ("ETHUSDT", "3100"), ("USDCUSDT", "1")):
            await running.move(symbol, middle)
    venues = {**room.desk.venues, "other": other}
    desk = replace(room.desk, venues=venues, markets=Markets(venues, room.desk.settings))
    for held in await other.balances():
        whole = int((held.free + held.locked).scaleb(asset(held.asset).decimals))
        await room.give(venue("other", held.asset), held.asset, format_units(whole, asset(held.asset).decimals))
    yield replace(room, desk=desk)
    await other_venue.all_well()
    await other.close()
