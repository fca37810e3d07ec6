"""The books: exact through a withdrawal's whole life, and every falsification is found and named."""

import dataclasses
import itertools
import uuid

import pytest

from tests.transactions.world import STRANGER, Someone, World
from tidegate.database import utcnow
from tidegate.ledger.rules import Posting, Transfer, customer
from tidegate.transactions import audit, books, reconcile
from tidegate.transactions.audit import Line, Report


async def lived_in(world: World) -> Someone:
    """One finished plain withdrawal, one conversion under way, one hold."""
    await world.stock(USDT=1_000_000_000, ETH=10**18, BTC=10_000_000)
    who = await world.someone(USDT=100_000_000, BTC=1_000_000)
    await world.until(await world.verified(who), "completed")
    await world.verified(who, paying="BTC", fee=100)
    await world.asked(who)
    await world.exact()
    return who


async def test_the_books_are_exact_at_every_step_of_a_payout(world: World) -> None:
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    who = await world.someone(USDT=100_000_000, BTC=10_000_000)
    await world.exact()
    both = [await world.verified(who), await world.verified(who, "BTC", deliver=1_000_000, fee=1_000)]
    for turn in range(20):
        await world.exact()
        await world.turn(mine=turn % 2)
    assert {await world.standing(one) for one in both} == {("completed", None)}
    await world.exact()


async def test_what_is_sent_and_not_settled_is_a_term_of_its_line(world: World) -> None:
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    done = await world.verified(await world.someone(USDT=100_000_000))
    await world.until(done, "confirming")
    await world.turn(mine=1)
    lines = {(line.place, line.asset): line for line in (await world.books()).lines}
    usdt, eth = lines["ethereum", "USDT"], lines["ethereum", "ETH"]
    assert (usdt.ledger, usdt.terms["sent_not_settled"], usdt.world) == (1_100_000_000, -25_000_000, 1_075_000_000)
    assert eth.terms["fees_not_settled"] == -60_000 * 10**9
    assert all(line.difference == 0 for line in lines.values())


BALANCE = "UPDATE ledger_accounts SET balance = balance + 1 WHERE name = 'available' AND asset = 'USDT'"
MISSING = "DELETE FROM ledger_transfers WHERE event = 'payout final'"
RUNNING = "UPDATE ledger_transfers SET credit_balance = credit_balance - 1 WHERE event = 'payout final'"


@pytest.mark.parametrize(
    ("falsified", "checks", "names"),
    [
        (BALANCE, {"assets_balance", "balances_equal_transfers"}, "USDT available"),
        (MISSING, {"balances_equal_transfers", "numbers_have_no_gaps"}, "USDT wallet:hot"),
    ],
)
async def test_a_falsified_ledger_is_found_and_named(
    world: World, falsified: str, checks: set[str], names: str
) -> None:
    await lived_in(world)
    await world.by_force(falsified)
    report = await world.books()
    assert report.verdict == "differs"
    assert checks <= {finding.check for finding in report.findings}, report.findings
    assert any(names in finding.detail for finding in report.findings), report.findings


BEFORE = """coalesce((SELECT max(t.posted_at) FROM ledger_transfers t
    WHERE a.id IN (t.debit_account, t.credit_account) AND (t.key, t.n) <> (n.key, n.n)), '-infinity')"""
VANISHED = """
    WITH newest AS (SELECT * FROM ledger_transfers WHERE event = '{event}' ORDER BY posted_at DESC LIMIT 1),
         d AS (UPDATE ledger_accounts a SET sequence = a.sequence - 1, moved_at = {before},
                   balance = a.balance + CASE a.side WHEN 'debit' THEN -n.units ELSE n.units END
               FROM newest n WHERE a.id = n.debit_account),
         c AS (UPDATE ledger_accounts a SET sequence = a.sequence - 1, moved_at = {before},
                   balance = a.balance + CASE a.side WHEN 'credit' THEN -n.units ELSE n.units END
               FROM newest n WHERE a.id = n.credit_account)
    DELETE FROM ledger_transfers t USING newest n WHERE t.key = n.key AND t.n = n.n
"""
"""The newest transfer of its kind with every trace of it: the ledger within itself has nothing to say."""


async def test_a_hold_that_vanished_with_all_its_traces_is_missed_by_its_withdrawal(world: World) -> None:
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    who = await world.someone(USDT=100_000_000)
    await world.asked(who)
    (event,) = {row[0] for row in await world.rows("SELECT event FROM ledger_transfers WHERE key LIKE 'withdrawal:%'")}
    await world.by_force(VANISHED.format(event=event, before=BEFORE))
    report = await world.books()
    assert report.verdict == "differs"
    assert {finding.check for finding in report.findings} == {"holds"}


async def test_a_deposit_that_vanished_with_all_its_traces_is_missed_by_the_chain(world: World) -> None:
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    await world.exact()
    (newest,) = await world.rows("SELECT event, units FROM ledger_transfers ORDER BY posted_at DESC, key DESC LIMIT 1")
    await world.by_force(VANISHED.format(event=newest.event, before=BEFORE))
    report = await world.books()
    assert (report.verdict, report.findings) == ("differs", [])
    assert len([line for line in report.lines if line.difference]) == 1


async def test_a_hold_without_a_withdrawal_is_found_and_says_whose(world: World) -> None:
    who = await lived_in(world)
    move = Transfer(customer(who.id, "available", "USDT"), customer(who.id, "held", "USDT"), 1, "nothing")
    assert (await world.lane.submit(Posting("stray", (move,), "nothing", uuid.uuid4()))).posted
    (finding,) = (await world.books()).findings
    assert finding.check == "holds"
    assert str(who.id) in finding.detail
    assert "51000001" in finding.detail


async def test_a_withdrawal_without_its_hold_is_found(world: World) -> None:
    who = await lived_in(world)
    move = Transfer(customer(who.id, "held", "USDT"), customer(who.id, "available", "USDT"), 1, "nothing")
    assert (await world.lane.submit(Posting("stray", (move,), "nothing", uuid.uuid4()))).posted
    assert [finding.check for finding in (await world.books()).findings] == ["holds"]


async def test_one_unit_more_or_less_on_a_chain_is_found_and_said_where(world: World) -> None:
    await lived_in(world)
    outpoint, coin = next(iter(world.bitcoin.coins.items()))
    for code, change in itertools.product(("USDT", "ETH", "BTC"), (1, -1)):
        if code == "BTC":
            world.bitcoin.coins[outpoint] = dataclasses.replace(coin, units=coin.units + change)
        else:
            world.evm.hot[code] += change
        report = await world.books()
        assert (report.verdict, report.findings) == ("differs", [])
        assert [(line.asset, line.difference) for line in report.lines if line.difference] == [(code, change)]
        world.bitcoin.coins[outpoint] = coin
        if code != "BTC":
            world.evm.hot[code] -= change


async def test_money_that_left_without_a_row_of_ours_is_found(world: World) -> None:
    await lived_in(world)
    world.evm.hot["USDT"] -= 500_000_000
    wrong = [line for line in (await world.books()).lines if line.difference]
    assert [(line.place, line.asset, line.difference) for line in wrong] == [("ethereum", "USDT", -500_000_000)]


async def test_a_node_that_is_away_leaves_its_chain_unchecked_and_the_rest_checked(world: World) -> None:
    await lived_in(world)
    world.evm.node.down = True
    report = await world.books()
    assert report.verdict == "unchecked"
    assert [one.partition(":")[0] for one in report.unchecked] == ["ethereum"]
    assert {line.place for line in report.lines} == {"bitcoin"}
    await world.by_force(BALANCE)
    assert (await world.books()).verdict == "differs", "what can be asked still counts"


async def test_a_difference_that_passes_is_looked_at_again_before_it_is_called_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lived_in(world)
    monkeypatch.setattr(audit, "TRIES", 3)
    monkeypatch.setattr(audit, "PAUSE_SECONDS", 0)
    balances = world.evm.balances
    looks = 0

    async def late(addresses: list[str]) -> dict[str, int]:
        nonlocal looks
        looks += 1
        found = await balances(addresses)
        return found | {"USDT": found["USDT"] - (looks < 3)}

    monkeypatch.setattr(world.evm, "balances", late)
    await world.exact()
    assert looks == 3


def test_the_verdict_is_exact_only_when_everything_was_asked_and_nothing_is_left_over() -> None:
    line = Line("ethereum", "USDT", 10, {"sent_not_settled": -3, "deposits_not_booked": 1}, 8)
    assert line.difference == 0
    assert Report(utcnow(), lines=[line]).verdict == "exact"
    off = Line("ethereum", "USDT", 10, {}, 11)
    # Two wrongs that cancel each other out are two wrongs.
    assert Report(utcnow(), lines=[off, Line("bitcoin", "USDT", 10, {}, 9)]).verdict == "differs"
    assert Report(utcnow(), unchecked=["ethereum: away"], lines=[off]).verdict == "differs"
    assert Report(utcnow(), unchecked=["ethereum: away"], lines=[line]).verdict == "unchecked"


# --- the page's view -----------------------------------------------------------------------------------------------


async def test_the_view_says_what_we_have_and_owe_and_that_the_last_check_was_exact(world: World) -> None:
    assert (await books.last(world.office)).exact is None
    await lived_in(world)
    await reconcile.Checker(world.office).step()
    shown = await books.last(world.office)
    assert (shown.exact, shown.detail) == (True, None)
    assert (shown.withdrawals, shown.attempts, shown.payouts_at_most) == (1, 1, 1)
    for one in shown.assets:
        assert (one.have, one.difference) == (one.owe, "0." + "0" * len(one.have.partition(".")[2]))
    usdt = next(one for one in shown.assets if one.asset == "USDT")
    assert usdt.have == "1075.000000"
    assert STRANGER not in shown.model_dump_json()


async def test_the_view_says_when_something_differs_and_by_how_much(world: World) -> None:
    await lived_in(world)
    world.evm.hot["USDT"] -= 1
    await reconcile.Checker(world.office).step()
    shown = await books.last(world.office)
    assert shown.exact is False
    assert next(one for one in shown.assets if one.asset == "USDT").difference == "-0.000001"


async def test_the_view_says_what_could_not_be_asked(world: World) -> None:
    await lived_in(world)
    world.evm.node.down = True
    await reconcile.Checker(world.office).step()
    shown = await books.last(world.office)
    assert shown.exact is None
    assert shown.detail is not None
    assert "ethereum" in shown.detail


async def test_what_only_a_whole_look_finds_is_not_covered_up_by_the_next_lesser_one(world: World) -> None:
    await lived_in(world)
    checker = reconcile.Checker(world.office)
    await world.by_force(RUNNING)
    for _ in range(3):
        await checker.step()
        assert (await books.last(world.office)).exact is False
