"""Riders of the exchange room that travel together: reservations, residues and orders stay exact."""

import asyncio
import json
import uuid
from datetime import timedelta
from fractions import Fraction

from tests.wallets.world import a_user
from tidegate.database import Database, new_id, utcnow
from tidegate.exchange import store
from tidegate.exchange.rules import Arrival, Caps, Dust, Figures, Hedge, Offer, QuoteKind, QuoteSide, QuoteState
from tidegate.ledger.lane import Lane
from tidegate.money import Rate

CAPS = Caps(house=1000, user=1000, uncovered=1000)


def offer(user_id: uuid.UUID, reserved: int) -> Offer:
    now = utcnow()
    return Offer(
        id=new_id(),
        user_id=user_id,
        kind=QuoteKind.CONVERSION,
        side=QuoteSide.EXACT_IN,
        from_asset="BTC",
        to_asset="USDT",
        network=None,
        speed=None,
        address=None,
        beneficiary_id=None,
        figures=Figures(debit=100, deliver=90, rate=Rate.parse("1"), network=0, service=1, spread=1),
        network_fee_max_units=0,
        mid="1",
        mid_at=now,
        route=(),
        hedges=(),
        usd_units=reserved,
        review_needed=False,
        arrives=Arrival(0, 1),
        state=QuoteState.OPEN,
        used_by=None,
        reserved_usd_units=reserved,
        uncovered_usd_units=0,
        promised_units=0,
        expires_at=now + timedelta(seconds=30),
        created_at=now,
    )


async def exposures(db: Database, *scopes: object) -> list[int]:
    async with db.reading() as session:
        return [await store.exposure(session, str(scope)) for scope in scopes]


async def test_reservations_given_back_together_are_given_back_once(db: Database, lane: Lane) -> None:
    ana, ben = await a_user(db), await a_user(db)
    offers = [offer(ana, 5), offer(ben, 70), offer(ana, 11)]
    for one in offers:
        riders = store.reserve(one, CAPS)
        assert (await lane.write([store.insert_quote(one, {}), *riders])).posted
    assert await exposures(db, ana, ben, store.HOUSE) == [16, 70, 86]
    released = [offers[0], offers[1], offers[0]]
    verdicts = await asyncio.gather(*(lane.write(store.release(one)) for one in released))
    assert sorted(verdict.rider or "" for verdict in verdicts) == ["", "", "reservation"]
    assert await exposures(db, ana, ben, store.HOUSE) == [11, 0, 11]


async def test_what_the_house_may_owe_is_reached_exactly_by_many_at_once(db: Database, lane: Lane) -> None:
    users = [await a_user(db) for _ in range(5)]
    verdicts = await asyncio.gather(
        *(lane.write(store.reserve(offer(user, 30), Caps(100, 50, 100))) for user in [*users, users[0]])
    )
    posted = [verdict for verdict in verdicts if verdict.posted]
    assert len(posted) == 3
    assert {verdict.rider for verdict in verdicts if not verdict.posted} <= {"house_exposure", "user_exposure"}
    assert await exposures(db, store.HOUSE) == [90]
    assert sum(await exposures(db, *users)) == 90


async def test_quotes_past_their_time_give_everything_back(db: Database, lane: Lane) -> None:
    ana, ben = await a_user(db), await a_user(db)
    for user, units in ((ana, 5), (ben, 70), (ana, 11)):
        one = offer(user, units)
        assert (await lane.write([store.insert_quote(one, {}), *store.reserve(one, CAPS)])).posted
    async with db.transaction() as session:
        assert await store.expire_due(session, now=utcnow() + timedelta(minutes=1)) == 3
    assert await exposures(db, ana, ben, store.HOUSE) == [0, 0, 0]


async def test_of_two_that_saw_the_same_residue_one_moves_it(db: Database, lane: Lane) -> None:
    before, quarter = Dust("BTC", Fraction(0)), Dust("BTC", Fraction(1, 4))
    other = store.move_dust("binance", Dust("USDT", Fraction(0)), Dust("USDT", Fraction(123456789, 10**12)))
    assert (await lane.write([store.move_dust("binance", before, before), other])).posted
    verdicts = await asyncio.gather(
        lane.write([store.move_dust("binance", before, quarter)]),
        lane.write([store.move_dust("binance", before, Dust("BTC", Fraction(1, 2)))]),
        lane.write([store.move_dust("binance", Dust("USDT", Fraction(1, 8)), Dust("USDT", Fraction(0)))]),
    )
    assert sorted(verdict.rider or "" for verdict in verdicts) == ["", "dust", "dust"]
    async with db.reading() as session:
        found = await store.residues(session, "binance")
    assert found["USDT"] == Fraction(123456789, 10**12)
    assert found["BTC"] in (Fraction(1, 4), Fraction(1, 2))


def test_a_quote_of_before_hedges_were_several_is_still_executed() -> None:
    """Quotes that were open while the new version started have one hedge without a list, or none."""
    hedge = Hedge("binance", "BTCUSDT", "BTC", "USDT", "sell", 10**20)
    row = store._hedge_json(hedge)
    assert store._read_hedges(row) == store._read_hedges([row]) == store._read_hedges(json.dumps([row])) == (hedge,)
    assert store._read_hedges(None) == store._read_hedges([]) == ()
