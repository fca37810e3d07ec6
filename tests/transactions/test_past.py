"""The books as they were: holds against the withdrawals of that moment, what a past moment cannot tell, and exports."""

import asyncio
import csv
import io
import uuid
from datetime import datetime, timedelta

import pytest

from tests.transactions.test_request import refused
from tests.transactions.world import Someone, World
from tidegate.database import utcnow
from tidegate.download import download
from tidegate.ledger.rules import Posting, Transfer, customer
from tidegate.refusal import Kind
from tidegate.transactions import audit, history, trial

MICRO = timedelta(microseconds=1)


async def now(world: World) -> datetime:
    """By the clock that the ledger posts by."""
    found: datetime = await world.one("SELECT clock_timestamp()")
    return found


async def at(world: World, moment: datetime) -> audit.Report:
    return await audit.run_at(world.db, moment)


async def posted(world: World) -> list[datetime]:
    return [row[0] for row in await world.rows("SELECT DISTINCT posted_at FROM ledger_transfers ORDER BY posted_at")]


async def lived_in(world: World) -> Someone:
    """Finished, cancelled, converting and open withdrawals, one after the other."""
    await world.stock(USDT=1_000_000_000, ETH=10**18, BTC=10_000_000)
    who = await world.someone(USDT=100_000_000, BTC=1_000_000)
    await world.until(await world.verified(who), "completed")
    await world.cancel(who, await world.asked(who))
    await world.verified(who, paying="BTC", fee=100)
    await world.asked(who)
    return who


@pytest.mark.slow
async def test_the_books_were_exact_at_every_moment_something_was_posted(world: World) -> None:
    await lived_in(world)
    moments = await posted(world)
    assert len(moments) > 8
    for moment in moments:
        for around in (moment - MICRO, moment, moment + MICRO):
            report = await at(world, around)
            assert (report.verdict, report.findings) == ("exact", []), around
    assert report.totals, "the trial balance of that moment is in the report"


async def test_before_the_first_posting_the_books_were_empty_and_exact(world: World) -> None:
    await lived_in(world)
    report = await at(world, (await posted(world))[0] - MICRO)
    assert report.verdict == "exact"
    assert not any(units for *_, units in report.totals)


async def test_what_a_past_moment_cannot_tell_is_said_and_changes_no_verdict(world: World) -> None:
    await lived_in(world)
    world.evm.node.down = True
    world.bitcoin.coins.clear()
    report = await at(world, await now(world))
    document = report.to_json()
    assert (document["verdict"], document["past"], document["lines"], document["unchecked"]) == ("exact", True, [], [])
    assert [one.partition(":")[0] for one in document["left_out"]] == ["chains", "venues", "accounts"]


async def test_the_present_leaves_nothing_out(world: World) -> None:
    document = (await audit.run(world.office, now=utcnow())).to_json()
    assert (document["past"], document["left_out"]) == (False, [])


async def test_a_hold_without_a_withdrawal_is_found_from_its_moment_on(world: World) -> None:
    who = await lived_in(world)
    before = await now(world)
    move = Transfer(customer(who.id, "available", "USDT"), customer(who.id, "held", "USDT"), 1, "nothing")
    assert (await world.lane.submit(Posting("stray", (move,), "nothing", uuid.uuid4()))).posted
    assert (await at(world, before)).verdict == "exact"
    report = await at(world, await now(world))
    assert report.verdict == "differs"
    assert [finding.check for finding in report.findings] == ["holds"]
    assert str(who.id) in report.findings[0].detail


async def test_a_sum_changed_in_a_withdrawals_row_is_found_while_it_was_open(world: World) -> None:
    who = await lived_in(world)
    before = await now(world)
    open_now = await world.asked(who, deliver=5_000_000)
    then = await now(world)
    await world.cancel(who, open_now)
    await world.by_force(
        f"UPDATE withdrawals SET debit_units = debit_units + 1, deliver_units = deliver_units + 1 WHERE id = '{open_now}'"
    )
    assert (await at(world, before)).verdict == "exact"
    assert [finding.check for finding in (await at(world, then)).findings] == ["holds"]
    assert (await at(world, await now(world))).verdict == "exact"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_transfers SET units = units + 1 WHERE event = 'later'",
        "DELETE FROM ledger_transfers WHERE event = 'later'",
        "UPDATE ledger_accounts SET balance = balance + 1 WHERE name = 'available' AND asset = 'USDT'",
    ],
)
async def test_the_books_before_a_falsification_are_exact_and_after_it_are_not(world: World, change: str) -> None:
    who = await lived_in(world)
    before = await now(world)
    move = Transfer(customer(who.id, "available", "USDT"), customer(who.id, "held", "USDT"), 1, "later")
    back = Transfer(move.credit, move.debit, 1, "back again")
    assert (await world.lane.submit(Posting("later", (move, back), "nothing", uuid.uuid4()))).posted
    await world.by_force(change)
    assert (await at(world, before)).verdict == "exact"
    assert (await audit.run(world.office, now=utcnow())).verdict == "differs"


async def test_one_snapshot_is_seen_while_others_post(world: World) -> None:
    """A payment moves on between two looks of one audit: neither look sees it."""
    who = await lived_in(world)
    seen: list[str] = []

    def moving(name: str, done: int = 0, of: int = 0) -> None:
        if name == "holds" and not seen:
            seen.append(name)
            tasks.append(asyncio.ensure_future(world.asked(who, deliver=1_000_000)))

    tasks: list[asyncio.Future[uuid.UUID]] = []
    report = await audit.run(world.office, now=utcnow(), progress=moving)
    await asyncio.gather(*tasks)
    assert (report.verdict, seen) == ("exact", ["holds"])


# --- the trial balance ----------------------------------------------------------------------------------------------


async def test_the_trial_balance_is_of_its_moment_and_balances(world: World) -> None:
    await world.stock(USDT=1_000_000)
    then = await now(world)
    await world.stock(USDT=2_000_000)
    past, present = await trial.balance(world.db, at=then), await trial.balance(world.db, at=None)
    assert [(one.account, one.place, one.side, one.balance) for one in past.items] == [
        ("capital", "", "credit", "1.000000"),
        ("wallet:hot", "ethereum", "debit", "1.000000"),
    ]
    assert [(one.asset, one.debit, one.credit, one.difference) for one in present.totals] == [
        ("USDT", "3.000000", "3.000000", "0.000000")
    ]
    assert past.balances
    assert present.balances


async def test_a_trial_balance_that_does_not_balance_says_so(world: World) -> None:
    await world.stock(USDT=1_000_000)
    await world.by_force("UPDATE ledger_accounts SET balance = balance - 1 WHERE name = 'capital'")
    found = await trial.balance(world.db, at=None)
    assert (found.balances, found.totals[0].difference) == (False, "0.000001")


async def test_a_moment_that_has_not_come_is_refused(world: World) -> None:
    await refused(Kind.INVALID_REQUEST, trial.balance(world.db, at=utcnow() + timedelta(hours=1)))


async def test_the_trial_balance_is_a_csv_file_too(world: World) -> None:
    await world.stock(USDT=1_000_000)
    answer = trial.answer(await trial.balance(world.db, at=None), "csv")
    assert answer.headers["content-disposition"].startswith('attachment; filename="trial-balance-')
    rows = list(csv.reader(io.StringIO(bytes(answer.body).decode())))
    assert rows == [
        list(trial.COLUMNS),
        ["USDT", "capital", "", "credit", "1.000000"],
        ["USDT", "wallet:hot", "ethereum", "debit", "1.000000"],
    ]


# --- the history as a file ------------------------------------------------------------------------------------------


async def exported(world: World, who: Someone, **more: object) -> list[dict[str, str]]:
    asked = {"kind": None, "asset": None, "since": None, "until": None, **more}
    rows = history.rows(world.office, user_id=who.id, **asked)  # type: ignore[arg-type]  # one test's filters
    answer = download("csv", "transactions", head={}, columns=history.COLUMNS, rows=rows)
    body = b"".join([bytes(part) async for part in answer.body_iterator])  # type: ignore[arg-type]  # ours yields bytes
    return list(csv.DictReader(io.StringIO(body.decode())))


@pytest.mark.parametrize("at_once", [1, 2, 200])
async def test_the_history_file_has_every_line_once_newest_first(
    world: World, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "AT_ONCE", at_once)
    who, other = await world.someone(USDT=100_000_000), await world.someone(USDT=100_000_000)
    ids = [await world.asked(who, deliver=1_000_000) for _ in range(3)]
    await world.asked(other)
    found = await exported(world, who)
    assert [line["id"] for line in found] == [str(one) for one in reversed(ids)]
    assert {(line["kind"], line["state"], line["debit_asset"], line["debit"], line["credit"]) for line in found} == {
        ("withdrawal", "pending_verification", "USDT", "2.000000", "1.000000")
    }
    times = [row[0] for row in await world.rows("SELECT created_at FROM withdrawals WHERE user_id = :u", u=who.id)]
    times.sort()
    between = await exported(world, who, since=times[1], until=times[2])
    assert [line["id"] for line in between] == [str(ids[1])]


async def test_a_name_that_begins_like_a_formula_is_made_text(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    await world.request(who, await world.offer(who), reference="=HYPERLINK(0)")
    (line,) = await exported(world, who)
    assert line["reference"] == "'=HYPERLINK(0)"
