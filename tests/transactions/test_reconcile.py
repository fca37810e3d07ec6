"""Reconciliation on a living house: each term wrong in turn stops its asset, a race stops nothing, a person lets go."""

import asyncio
import os

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.transactions.chains import raw_of
from tests.transactions.test_audit import BEFORE, VANISHED
from tests.transactions.test_request import refused
from tests.transactions.world import HOT, Someone, World
from tidegate.compliance import pause
from tidegate.compliance.rules import Cause
from tidegate.refusal import Kind
from tidegate.transactions import audit, books, reconcile

CROWD = int(os.environ.get("TIDEGATE_CROWD", "3"))


async def ready(world: World) -> Someone:
    await world.stock(USDT=1_000_000_000, ETH=10**18, BTC=10_000_000)
    return await world.someone(USDT=100_000_000, BTC=1_000_000)


async def check(world: World, times: int = 2) -> list[tuple[Cause, str, str]]:
    """So many runs of the worker's step; (cause, asset, place) of what stands frozen then."""
    for _ in range(times):
        await reconcile.Checker(world.office).step()
    return [(one.cause, one.asset, one.place) for one in await reconcile.frozen(world.office)]


async def release(world: World, asset: str, *, force: bool = False) -> None:
    await reconcile.release(world.office, asset=asset, by="ana", reason="found and put right", force=force)


LESS = (Cause.DIFFERENCE, "USDT", "ethereum")


async def test_what_the_chain_holds_less_stops_that_asset_and_no_other(world: World) -> None:
    who = await ready(world)
    mine, other = await world.verified(who), await world.verified(who, "BTC", deliver=100_000, fee=1_000)
    world.evm.hot["USDT"] -= 5_000_000
    assert await check(world, 1) == [], "it may be a race"
    assert await check(world, 1) == [LESS]
    ((reason,),) = await world.rows("SELECT reason FROM freezes")
    assert reason == "ethereum, USDT: 5.000000 less than the books say. world 1095.000000, ledger 1100.000000"
    for _ in range(8):
        await world.turn(mine=1)
    assert await world.standing(mine) == ("queued", "frozen")
    assert await world.standing(other) == ("completed", None)
    assert [paid[0] for paid in world.evm.node.paid] == []
    shown = await books.last(world.office)
    assert (shown.exact, shown.frozen, shown.restored) == (False, ["USDT"], False)


async def test_a_difference_that_disappears_stays_frozen_until_somebody_releases_it_and_says_why(world: World) -> None:
    who = await ready(world)
    done = await world.verified(who)
    world.evm.hot["USDT"] -= 1
    assert await check(world) == [LESS]
    await refused(Kind.CONFLICT, release(world, "USDT"))
    world.evm.hot["USDT"] += 1
    assert await check(world, 3) == [LESS]
    with pytest.raises(Exception, match="tidegate release"):
        await pause.resume(world.db, asset="USDT", by="somebody in a hurry")
    await release(world, "USDT")
    assert await check(world) == []
    assert await world.rows("SELECT released_by, release_reason, forced FROM freezes") == [
        ("ana", "found and put right", False)
    ]
    await world.until(done, "completed")
    await refused(Kind.NOT_FOUND, release(world, "USDT"))


async def test_a_forced_release_goes_on_with_what_differs_now_and_any_other_difference_freezes_again(
    world: World,
) -> None:
    await ready(world)
    world.evm.hot["USDT"] -= 5
    await check(world)
    await release(world, "USDT", force=True)
    assert await world.one("SELECT forced FROM freezes")
    assert await check(world, 3) == []
    assert (await books.last(world.office)).exact is False, "the books go on saying it"
    world.evm.hot["USDT"] += 1
    assert await check(world) == [LESS]


async def test_a_freeze_is_not_released_by_a_check_that_is_older_than_it_or_could_not_be_made(world: World) -> None:
    await ready(world)
    world.evm.hot["USDT"] -= 1
    await check(world)
    world.evm.hot["USDT"] += 1
    world.evm.node.down = True
    await check(world)
    await refused(Kind.CONFLICT, release(world, "USDT"))
    world.evm.node.down = False
    await check(world, 1)
    await release(world, "USDT")


FALSIFIED = {
    # a customer who gives himself a balance
    "ledger": (
        "UPDATE ledger_accounts SET balance = balance + 1 WHERE name = 'available' AND asset = 'USDT'",
        "ledger",
    ),
    # a hold that vanished with all its traces
    "holds": (VANISHED.format(event="withdrawal accepted", before=BEFORE), "ledger"),
    # a deposit of which the books know nothing any more
    "chain": (VANISHED.format(event="deposit", before=BEFORE), "ethereum"),
}


@pytest.mark.parametrize("term", FALSIFIED)
async def test_books_that_were_falsified_stop_the_asset(world: World, term: str) -> None:
    who = await ready(world)
    await world.someone(USDT=1_000)
    await world.asked(who)
    assert await check(world) == []
    statement, place = FALSIFIED[term]
    await world.by_force(statement)
    assert await check(world) == [(Cause.DIFFERENCE, "USDT", place)]


async def test_coins_spent_behind_our_back_stop_their_chain_at_the_first_look(world: World) -> None:
    await ready(world)
    coin = next(iter(world.bitcoin.coins))
    plan = {"outputs": [["a thief", 9_000_000]], "inputs": [list(coin)], "change": 0, "fee": 1_000_000, "rate": 9}
    await world.bitcoin.submit(raw_of(plan))
    assert (Cause.ORPHAN, "BTC", "bitcoin") in await check(world, 1)
    await refused(Kind.CONFLICT, release(world, "BTC"))
    await release(world, "BTC", force=True)
    assert await check(world, 3) == [], "a person knows of this one"


async def test_a_nonce_that_we_did_not_use_stops_every_asset_of_its_chain(world: World) -> None:
    who = await ready(world)
    await world.until(await world.verified(who), "completed")
    world.evm.nonce += 1
    assert await check(world, 1) == [(Cause.ORPHAN, code, "ethereum") for code in ("ETH", "USDT", "USDC")]


async def test_a_payment_that_no_withdrawal_asked_for_stops_its_chain(world: World) -> None:
    who = await ready(world)
    done = await world.verified(who)
    await world.until(done, "confirming")
    assert await check(world) == []
    await world.by_force("UPDATE set_payouts SET address = :hot", hot=HOT)
    assert (Cause.ORPHAN, "USDT", "ethereum") in await check(world, 1)
    ((reason,), *_) = await world.rows("SELECT reason FROM freezes")
    assert str(done) in reason


async def test_a_node_that_is_away_is_not_known_and_freezes_nothing(world: World) -> None:
    await ready(world)
    world.evm.hot["USDT"] -= 1
    world.evm.node.down = True
    assert await check(world, 3) == []
    world.evm.node.down = False
    assert await check(world, 1) == [], "the first look that could be made"
    assert await check(world, 1) == [LESS]


async def test_every_run_is_kept_with_its_terms_its_time_and_why_it_could_not_be_done(world: World) -> None:
    await ready(world)
    await check(world)
    world.evm.node.down = True
    await check(world, 1)
    rows = await world.rows("SELECT verdict, milliseconds, report FROM books_checks ORDER BY at")
    assert [row.verdict for row in rows] == ["exact", "exact", "unchecked"]
    assert all(row.milliseconds > 0 for row in rows)
    lines = {(one["place"], one["asset"]): one for one in rows[0].report["lines"]}
    assert lines["bitcoin", "BTC"]["terms"].keys() >= {"sent_not_settled", "deposits_not_booked"}
    assert rows[-1].report["unchecked"] == ["ethereum: the node is down"]


ATTACKS = {
    "forgotten": "DELETE FROM freezes",
    "released by nobody": "UPDATE freezes SET released_at = now(), release_reason = 'why not', forced = false",
    "released without a word": "UPDATE freezes SET released_at = now(), released_by = 'x', release_reason = '', forced = false",
    "another reason": "UPDATE freezes SET reason = 'nothing'",
    "another asset": "UPDATE freezes SET asset = 'BTC'",
    "twice": "INSERT INTO freezes (id, kind, asset, place, reason, found, at) "
    "SELECT gen_random_uuid(), kind, asset, place, 'again', '{}', now() FROM freezes",
    "restored in part": "INSERT INTO freezes (id, kind, asset, place, reason, found, at) "
    "VALUES (gen_random_uuid(), 'restored', 'BTC', '', 'in part', '{}', now())",
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_the_database_itself_keeps_a_freeze(world: World, attack: str) -> None:
    await ready(world)
    world.evm.hot["USDT"] -= 1
    await check(world)
    with pytest.raises((IntegrityError, DBAPIError)):
        async with world.superuser_db.transaction() as session:
            await session.execute(text(ATTACKS[attack]))


@pytest.mark.slow
async def test_a_crowd_of_payouts_under_way_is_never_called_a_difference_and_a_theft_among_them_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs that follow each other without a pause, while everything moves."""
    monkeypatch.setattr(audit, "TRIES", 12)
    monkeypatch.setattr(audit, "PAUSE_SECONDS", 0.02)
    await world.stock(USDT=10**12, ETH=10**19, BTC=10**9)
    people = [await world.someone(USDT=10**9, BTC=10**8) for _ in range(3)]
    started = []
    for turn in range(CROWD):
        who = people[turn % 3]
        started += [await world.verified(who), await world.verified(who, "BTC", deliver=100_000, fee=1_000)]
    moving = asyncio.Event()

    async def move() -> None:
        for turn in range(10):
            await world.turn(mine=turn % 2)
        moving.set()

    working, runs = asyncio.ensure_future(move()), 0
    while not moving.is_set():
        assert await check(world, 1) == []
        runs += 1
    await working
    assert runs > 1
    assert {await world.standing(one) for one in started} == {("completed", None)}
    await world.verified(people[0])
    world.evm.hot["USDT"] -= 1
    working = asyncio.ensure_future(move())
    assert await check(world, 2) == [LESS]
    await working
