"""A machine whose clock is five minutes wrong releases nothing early and lets nothing be used twice (security.md 40).

Every process goes by the database's time: the API and the worker here, each with a wrong clock of its own. The signer
keeps no term of anybody's; its windows are measured by one clock and never go back (tests/signer/test_limits.py).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.transactions.world import World
from tidegate import clock, commits
from tidegate.auth.gate import open_gate
from tidegate.database import utcnow
from tidegate.refusal import Kind, Refusal
from tidegate.transactions import payouts
from tidegate.treasury import spend
from tidegate.treasury.rules import Purpose, Stage

BACKEND = Path(__file__).parents[2] / "backend" / "tidegate"
WRONG = [timedelta(minutes=5), timedelta(minutes=-5)]
OWN_CLOCK = {"clock.py", "logs.py", "markets/books.py", "signer/home.py", "venues/contract.py"}
"""Where the machine's own clock is asked: its log lines, ages of what it has just heard, the signer's journal."""


@pytest.fixture(params=WRONG, ids=["ahead", "behind"])
def wrong(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[timedelta]:
    """This machine's clock, from before the process has heard of the database."""
    off: timedelta = request.param
    monkeypatch.setattr(clock, "_machine", lambda: datetime.now(UTC) + off)
    clock.forget()
    yield off
    clock.forget()


async def started(world: World) -> None:
    """A process has opened its first connection."""
    await world.db.engine.dispose()
    world.gate = open_gate(world.db, world.settings)
    await world.one("SELECT 1")


async def test_the_time_is_the_databases_however_wrong_the_machine_is(world: World, wrong: timedelta) -> None:
    assert abs(utcnow() - datetime.now(UTC) - wrong) < timedelta(seconds=5), "nobody has told it yet"
    with capture_logs() as told:
        await started(world)
    assert abs(utcnow() - datetime.now(UTC)) < timedelta(seconds=1)
    assert [line["event"] for line in told if line["event"] == "clock_is_wrong"]


async def test_a_clock_that_is_set_while_a_process_runs_moves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await started(world)
    for off in WRONG:
        monkeypatch.setattr(clock, "_machine", lambda off=off: datetime.now(UTC) + off)
        assert abs(utcnow() - datetime.now(UTC)) < timedelta(seconds=1)


async def test_we_never_run_ahead_of_the_database(world: World) -> None:
    for _ in range(20):
        await started(world)
        ours = utcnow()
        assert ours <= await world.one("SELECT clock_timestamp()")


async def test_a_price_that_is_over_is_over_and_one_that_stands_is_taken(world: World, wrong: timedelta) -> None:
    await started(world)
    who = await world.someone(USDT=100_000_000)
    over = await world.offer(who, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(Refusal) as told:
        await world.request(who, over)
    assert told.value.kind is Kind.QUOTE_EXPIRED
    assert (await world.request(who, await world.offer(who))).status == 201


async def test_a_code_is_used_once(world: World, wrong: timedelta) -> None:
    await started(world)
    who = await world.someone(USDT=100_000_000)
    one, other = await world.asked(who), await world.asked(who)
    code = await world._fresh_code(who, utcnow())
    await world.verify(who, one, code)
    with pytest.raises(Refusal) as told:
        await world.verify(who, other, code)
    assert told.value.kind is Kind.CODE_ALREADY_USED


async def test_a_lease_that_is_held_is_not_taken_over_early(world: World, wrong: timedelta) -> None:
    await started(world)
    await world.stock(USDT=100_000_000, ETH=10**18)
    payout = await world.verified(await world.someone(USDT=100_000_000))
    await world.until(payout, "signing")
    await world.soon()
    (job,) = await spend.claim(world.db, [Purpose.PAYOUT], Stage.SIGNING)
    await started(world)
    assert await spend.claim(world.db, [Purpose.PAYOUT], Stage.SIGNING) == []
    assert abs(job.lease.until - datetime.now(UTC) - timedelta(seconds=30)) < timedelta(seconds=5)
    assert await payouts.sign_step(world.office, world.spender) == 0


def test_nobody_but_the_clock_asks_the_machine() -> None:
    asking = {
        str(path.relative_to(BACKEND))
        for path in BACKEND.rglob("*.py")
        if "datetime.now(" in path.read_text() and "sandbox" not in path.parts
    }
    assert asking == OWN_CLOCK


def test_a_connection_that_would_not_wait_for_the_standby_is_not_used() -> None:
    now = datetime.now(UTC)
    for setting in ("on", "remote_apply"):
        commits.first(now, setting)
    for setting in ("off", "local", "remote_write"):
        with pytest.raises(commits.NotDurable):
            commits.first(now, setting)
