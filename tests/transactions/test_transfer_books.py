"""Internal transfers against the ledger: what the database itself refuses, deaths between steps, any order of acts; and
how both sides find them in history and files."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.transactions.test_request import refused
from tests.transactions.transfers import create, person, priced, verify, waiting
from tests.transactions.world import Killed, Someone, World
from tidegate.database import utcnow
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Verdict
from tidegate.refusal import Kind
from tidegate.transactions import audit, history, transfer
from tidegate.transactions import transfer_rules as rules
from tidegate.wallets import statement
from tidegate.wire import decode_cursor

MANY = 100_000_000
ONE = 1_000_000


@pytest.fixture
async def ana(world: World) -> Someone:
    priced(world)
    return await person(world, USDT=MANY)


@pytest.fixture
async def ben(world: World) -> Someone:
    return await person(world, USDT=1)


COMPLETED = "state = 'completed', completed_at = now(), authorisation = '{}', version = version + 1"


RESTRICT, CHECK = "23001", "23514"
ATTACKS = (
    f"UPDATE internal_transfers SET {COMPLETED}",
    "UPDATE internal_transfers SET state = 'cancelled', version = version + 1",
    "UPDATE internal_transfers SET state = 'completed', version = version + 1",
    "UPDATE internal_transfers SET state = 'expired'",
    "UPDATE internal_transfers SET state = 'rejected', version = version + 1",
    f"UPDATE internal_transfers SET {COMPLETED}, units = 1",
    f"UPDATE internal_transfers SET {COMPLETED}, recipient_id = user_id",
    f"UPDATE internal_transfers SET {COMPLETED}, to_email = 'eve@example.com'",
    f"UPDATE internal_transfers SET {COMPLETED}, digest = 'other'",
    "UPDATE internal_transfers SET detail = 'x'",
    "DELETE FROM internal_transfers",
    "UPDATE internal_transfer_events SET by = 'eve'",
    "DELETE FROM internal_transfer_events",
    # A second one without money behind it, and ones that no verb would write.
    "INSERT INTO internal_transfers SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid()))).* "
    "FROM internal_transfers t",
    "INSERT INTO internal_transfers SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), "
    "'units', 0))).* FROM internal_transfers t",
    "INSERT INTO internal_transfers SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), "
    "'recipient_id', user_id))).* FROM internal_transfers t",
    "INSERT INTO internal_transfers SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), "
    "'state', 'completed', 'completed_at', now(), 'authorisation', '{}'::jsonb))).* FROM internal_transfers t",
)


async def test_the_database_itself_refuses(world: World, ana: Someone, ben: Someone) -> None:
    await create(world, ana, ben)
    for attack in ATTACKS:
        with pytest.raises(DBAPIError) as refusal:
            # As somebody whom no grant stops.
            async with world.superuser_db.transaction() as session:
                await session.execute(text(attack))
        assert getattr(refusal.value.orig, "sqlstate", None) in (RESTRICT, CHECK), attack
    assert await world.rows("SELECT state, version FROM internal_transfers") == [("pending_verification", 1)]
    await world.exact()


async def test_a_completed_transfer_stays_what_it_is(world: World, ana: Someone, ben: Someone) -> None:
    await verify(world, ana, await waiting(world, ana, ben))
    for attack in (
        "UPDATE internal_transfers SET state = 'pending_verification', completed_at = NULL, authorisation = NULL, "
        "version = version + 1",
        "UPDATE internal_transfers SET completed_at = now(), version = version + 1",
    ):
        with pytest.raises(DBAPIError):
            await world.sql(attack)
    await world.exact()


async def test_the_audit_names_a_hold_that_no_transfer_explains(world: World, ana: Someone, ben: Someone) -> None:
    await create(world, ana, ben)
    await world.by_force("DELETE FROM internal_transfer_events", "DELETE FROM internal_transfers")
    report = await world.books()
    assert report.verdict == "differs"
    assert [finding.check for finding in report.findings] == ["holds"]


async def test_the_books_of_a_past_moment_know_what_waited_then(world: World, ana: Someone, ben: Someone) -> None:
    waits = await waiting(world, ana, ben)
    while_waiting = await world.one("SELECT clock_timestamp()")
    await verify(world, ana, waits)
    for at in (while_waiting, utcnow()):
        report = await audit.run_at(world.db, at)
        assert report.verdict == "exact", report.to_json()


@pytest.mark.parametrize("died", ["before the commit", "after the commit"])
@pytest.mark.parametrize(
    "step", ["hold", "complete", *(pytest.param(step, marks=pytest.mark.slow) for step in ("cancel", "expire"))]
)
async def test_killed_at_any_step_nothing_is_lost_or_doubled(
    world: World, ana: Someone, ben: Someone, monkeypatch: pytest.MonkeyPatch, step: str, died: str
) -> None:
    waits = await waiting(world, ana, ben) if step != "hold" else uuid.UUID(int=0)
    code, late = ana.code(utcnow()), utcnow() + timedelta(hours=1)

    async def act() -> Any:
        if step == "hold":
            return await create(world, ana, ben, key="k")
        if step == "complete":
            return await verify(world, ana, waits, code=code, key="k")
        if step == "cancel":
            return await transfer.cancel(world.office, ana.subject, waits, utcnow())
        return await transfer.expire(world.office, late)

    submit = Lane.submit

    async def dying(self: Lane, *given: Any) -> Verdict:
        if died == "after the commit":
            assert (await submit(self, *given)).posted
        raise Killed

    with monkeypatch.context() as dead:
        dead.setattr(Lane, "submit", dying)
        with pytest.raises(Killed):
            await act()
    await world.exact()
    for _ in range(2):
        await act()
    await world.exact()
    sent = 25_000_000 if step == "complete" else 0
    held = 25_000_000 if step == "hold" else 0
    assert await world.available(ana.id, "USDT") == (MANY - sent - held, held)
    assert await world.available(ben.id, "USDT") == (1 + sent, 0)
    keys = "SELECT count(*), count(DISTINCT key) FROM ledger_transfers WHERE key LIKE 'transfer:%'"
    assert await world.rows(keys) == [(1 if step == "hold" else 2,) * 2]


ACTS = st.lists(
    st.tuples(st.sampled_from(["create", "verify", "cancel", "expire"]), st.integers(0, 2), st.integers(1, 60)),
    max_size=12,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_any_order_of_acts_keeps_every_unit_where_a_plain_model_has_it(acts: list[tuple[str, int, int]]) -> None:
    """The rules alone: balances as sums of the postings that the acts make."""
    people = [uuid.UUID(int=n + 1) for n in range(3)]
    available, held = dict.fromkeys(people, MANY), dict.fromkeys(people, 0)
    ledger = {(person, name): units for person in people for name, units in (("available", MANY), ("held", 0))}
    open_ones: list[tuple[uuid.UUID, uuid.UUID, int]] = []
    for act, n, units in acts:
        amount = units * ONE
        if act == "create":
            sender, recipient = people[n], people[(n + 1) % 3]
            if available[sender] < amount:
                continue
            moves = rules.hold(sender, "USDT", amount)
            available[sender] -= amount
            held[sender] += amount
            open_ones.append((sender, recipient, amount))
        elif open_ones:
            sender, recipient, amount = open_ones.pop(n % len(open_ones))
            held[sender] -= amount
            available[recipient if act == "verify" else sender] += amount
            moves = (
                rules.deliver(sender, recipient, "USDT", amount)
                if act == "verify"
                else rules.give_back(sender, "USDT", amount)
            )
        else:
            continue
        for move in moves:
            ledger[move.debit.owner, move.debit.name] -= move.units
            ledger[move.credit.owner, move.credit.name] += move.units
    assert ledger == {(p, "available"): available[p] for p in people} | {(p, "held"): held[p] for p in people}
    assert sum(ledger.values()) == 3 * MANY


async def test_both_sides_find_it_in_their_history_with_the_right_sign(
    world: World, ana: Someone, ben: Someone
) -> None:
    made = uuid.UUID((await create(world, ana, ben, reference="rent")).body["id"])
    asked: dict[str, Any] = {"limit": 10, "before": None, "kind": "transfer", "asset": None, "reference": None}
    assert (await history.page(world.office, user_id=ben.id, **asked)).items == []
    await verify(world, ana, made)
    (out,) = (await history.page(world.office, user_id=ana.id, **asked)).items
    (came,) = (await history.page(world.office, user_id=ben.id, **asked)).items
    assert out.debit is not None
    assert came.credit is not None
    assert (out.debit.amount, out.credit, out.counterpart) == ("25.000000", None, ben.subject.email)
    assert (came.debit, came.credit.amount, came.counterpart) == (None, "25.000000", ana.subject.email)
    assert (out.reference, came.reference) == ("rent", None)
    mine = await history.page(world.office, user_id=ben.id, **(asked | {"reference": "rent"}))
    assert mine.items == []


async def test_a_page_of_history_ends_where_the_next_begins_in_both_directions(
    world: World, ana: Someone, ben: Someone
) -> None:
    sent = [await waiting(world, ana, ben, str(n)) for n in (1, 2)]
    await verify(world, ana, sent[0])
    back = await waiting(world, ben, ana, "0.5")
    await verify(world, ben, back)
    found, before = [], None
    while True:
        page = await history.transfers(world.office, user_id=ana.id, limit=1, before=before, reference=None)
        found += [(one.direction, one.id) for one in page.items]
        before = decode_cursor(page.next_cursor)
        if before is None:
            break
    assert found == [("in", back), ("out", sent[1]), ("out", sent[0])]


async def test_files_and_statements_name_it_on_both_sides(world: World, ana: Someone, ben: Someone) -> None:
    made = await waiting(world, ana, ben)
    await verify(world, ana, made)
    for who, debit, credit, other in (
        (ana, "25.000000", None, ben.subject.email),
        (ben, None, "25.000000", ana.subject.email),
    ):
        everything = history.rows(world.office, user_id=who.id, kind="transfer", asset=None, since=None, until=None)
        ((line,),) = [part async for part in everything]
        row = dict(zip(history.COLUMNS, line, strict=True))
        assert (row["debit"], row["credit"], row["counterpart"]) == (debit, credit, other)
        wanted = statement.asked(user_id=who.id, asset="USDT", since=None, until=None)
        lines = (await statement.page(world.office.cashier, wanted, limit=10, cursor=None)).items
        newest = lines[0]
        assert (newest.event, newest.kind, newest.id) == ("internal transfer", "transfer", made)
        assert newest.amount == ("0.000000" if who is ana else "25.000000")
        assert newest.held_amount == ("-25.000000" if who is ana else "0.000000")


async def test_a_used_reference_is_refused_by_the_database_in_the_same_commit(
    world: World, ana: Someone, ben: Someone
) -> None:
    first = uuid.UUID((await create(world, ana, ben, reference="rent")).body["id"])
    await transfer.cancel(world.office, ana.subject, first, utcnow())
    await refused(Kind.CONFLICT, create(world, ana, ben, reference="rent"))
    assert await world.available(ana.id, "USDT") == (MANY, 0)
