"""The auditor's commands: exit codes that scripts can rely on, documents, and no progress where nobody watches."""

import uuid
from datetime import timedelta

import pytest
from pydantic import SecretStr
from rich.console import Console

from tests.transactions.world import STRANGER, World
from tidegate import operate
from tidegate.config import Settings
from tidegate.database import utcnow
from tidegate.ledger.rules import Posting, Transfer, customer
from tidegate.transactions import audit


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


@pytest.mark.parametrize("width", [60, 80, 120, 200])
async def test_ids_and_addresses_in_the_list_are_whole_however_narrow_the_terminal_is(
    world: World,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    width: int,
) -> None:
    id_ = await world.asked(await world.someone(USDT=100_000_000))
    monkeypatch.setattr(operate, "out", Console(width=width))
    await operate.list_withdrawals(settings, [], 10)
    printed = capsys.readouterr().out
    assert "…" not in printed
    assert max(len(line) for line in printed.splitlines()) <= width
    if width >= 80:
        assert str(id_) in printed
        assert "pending_verification" in printed
        assert STRANGER[:36] in printed, "its end stands in the next line of the same cell"


async def test_no_figure_of_the_audit_is_cut_on_a_usual_terminal(
    world: World, settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.stock(ETH=123_456_789_012_345_678_901)
    monkeypatch.setattr(operate, "out", Console(width=80))
    report = await audit.run(world.office, now=utcnow())
    operate.show(report.to_json())
    printed = capsys.readouterr().out
    assert "123.456789012345678901" in printed
    assert "sent_not_settled" in printed
    assert "…" not in printed


async def test_what_cannot_be_is_refused_in_a_sentence_with_1(
    world: World, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.someone()
    with pytest.raises(SystemExit) as left:
        await operate.grant(settings, "nobody@example.com", "auditor")
    assert (left.value.code, capsys.readouterr().err) == (1, "There is no user nobody@example.com.\n")
    made = await operate.create_user(settings, "iris@example.com", "a lighthouse keeps no diary", ["auditor"])
    with pytest.raises(SystemExit) as left:
        await operate.create_user(settings, "iris@example.com", "a lighthouse keeps no diary", ["auditor"])
    assert (left.value.code, capsys.readouterr().err) == (1, "There is an account with this e-mail address.\n")
    with pytest.raises(SystemExit) as left:
        await operate.grant(settings, "iris@example.com", "boss")
    assert (left.value.code, capsys.readouterr().err) == (1, "There is no role 'boss'.\n")
    await operate.grant(settings, "iris@example.com", "treasurer")
    assert await world.one(f"SELECT count(*) FROM user_roles WHERE user_id = '{made}'") == 2
