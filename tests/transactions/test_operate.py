"""The auditor's commands: exit codes that scripts can rely on, documents, and no progress where nobody watches."""

import uuid
from datetime import timedelta

import pytest
from pydantic import SecretStr

from tests.transactions.world import World
from tidegate import operate
from tidegate.config import Settings
from tidegate.database import utcnow
from tidegate.ledger.rules import Posting, Transfer, customer


async def test_the_books_of_a_past_moment_end_with_0_when_exact_and_1_when_not(
    world: World, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    who = await world.someone(USDT=1_000_000)
    before = utcnow()
    code, document = await operate.audit(settings, at=before, quiet=True)
    assert (code, document["verdict"], document["past"]) == (0, "exact", True)
    move = Transfer(customer(who.id, "available", "USDT"), customer(who.id, "held", "USDT"), 1, "stray")
    assert (await world.lane.submit(Posting("stray", (move,), "nothing", uuid.uuid4()))).posted
    assert (await operate.audit(settings, at=utcnow(), quiet=True))[0] == 1
    assert (await operate.audit(settings, at=before, quiet=True))[0] == 0
    assert capsys.readouterr() == ("", ""), "with --json the document is all there is"


async def test_without_a_terminal_there_is_the_report_and_no_progress(
    world: World, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.someone(USDT=1_000_000)
    assert (await operate.audit(settings, at=utcnow(), quiet=False))[0] == 0
    printed, progress = capsys.readouterr()
    assert progress == ""
    assert "left out: chains" in printed
    assert "Verdict: exact" in printed


async def test_a_database_that_does_not_answer_is_2(settings: Settings) -> None:
    database = settings.database.model_copy(update={"url": SecretStr("postgresql://nobody:x@127.0.0.1:1/nothing")})
    away = settings.model_copy(update={"database": database})
    for at in (None, utcnow() - timedelta(hours=1)):
        code, document = await operate.audit(away, at=at, quiet=True)
        assert (code, document["verdict"]) == (2, "unchecked")
    assert (await operate.trial_balance(away, at=None, quiet=True))[0] == 2


async def test_the_trial_balance_ends_with_0_when_it_balances_and_1_when_not(
    world: World, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.stock(USDT=1_000_000)
    code, document = await operate.trial_balance(settings, at=None, quiet=False)
    assert (code, document["balances"]) == (0, True)
    assert "USDT: debit 1.000000, credit 1.000000, difference 0.000000" in capsys.readouterr().out
    await world.by_force("UPDATE ledger_accounts SET balance = balance - 1 WHERE name = 'capital'")
    assert (await operate.trial_balance(settings, at=None, quiet=True))[0] == 1


@pytest.mark.parametrize(
    "text", ["2026-01-31T12:00:00", "yesterday", "", "0001-01-01T00:00:00+05:00", "9000-01-01T00:00:00Z"]
)
def test_a_moment_without_a_zone_or_still_to_come_is_refused_with_2(text: str) -> None:
    with pytest.raises(SystemExit) as left:
        operate.moment(text)
    assert left.value.code == 2


def test_a_moment_may_be_in_any_zone() -> None:
    assert operate.moment(None) is None
    assert operate.moment("2026-01-31T12:00:00+02:00") == operate.moment("2026-01-31T10:00:00Z")
