"""Riders of one kind that travel together: exact to the last bit, and as if they had come one after the other."""

import asyncio
import random
import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    func,
    select,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB

from tests.conftest import SERVING
from tidegate.database import Database, Rider, Units, adding, inserting, ride, updating
from tidegate.ledger.lane import Lane, in_order
from tidegate.ledger.rules import Outcome, Verdict

TABLES = MetaData()
THINGS = Table(
    "things",
    TABLES,
    Column("id", Uuid, primary_key=True),
    Column("label", Text, unique=True),
    Column("note", Text),
    Column("units", Units),
    Column("price", Numeric),
    Column("big", BigInteger),
    Column("flag", Boolean),
    Column("raw", LargeBinary),
    Column("at", DateTime(timezone=True)),
    Column("day", Date),
    Column("doc", JSONB),
    Column("version", BigInteger),
)
PARTS = Table(
    "parts",
    TABLES,
    Column("id", Uuid, primary_key=True),
    Column("thing", Uuid, ForeignKey("things.id"), nullable=False),
)
COUNTERS = Table("counters", TABLES, Column("key", Text, primary_key=True), Column("units", Units, nullable=False))
EXACT: dict[str, Any] = {
    "units": 10**59 + 1,
    "price": Decimal("0.1000000000000000055511151231257827021181583404541015625"),
    "big": 2**63 - 1,
    "flag": True,
    "raw": bytes(range(256)),
    "at": datetime(2026, 11, 28, 1, 2, 3, 4, timezone(timedelta(hours=5, minutes=45))),
    "day": date(2028, 2, 29),
    "doc": {'a"\\': [None, True, 2**70, "\\u0000", {"": []}]},
    "version": 2**53 + 1,
}


@pytest.fixture
async def db(db: Database, superuser_db: Database) -> Database:
    async with superuser_db.engine.begin() as connection:
        await connection.run_sync(TABLES.create_all)
        await connection.execute(sql(f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {SERVING}"))
    return db


def thing(id_: uuid.UUID | None = None, **values: Any) -> Rider:
    return Rider("thing", inserting(THINGS, key=("id",)), {"id": id_ or uuid.uuid4()} | values)


def part(of: object) -> Rider:
    return Rider("part", inserting(PARTS, key=("id",)), {"id": uuid.uuid4(), "thing": of})


def relabel(id_: object, version: int | None, label: str) -> Rider:
    write = updating(THINGS, guards=("id", "version"), columns=("label",), counted="version")
    return Rider("relabel", write, {"was_id": id_, "was_version": version, "label": label})


def add(key: str, units: int, cap: int | None = None, *, name: str = "counter") -> Rider:
    values = {"key": key, "units": units} | ({} if cap is None else {"cap": cap})
    return Rider(name, adding(COUNTERS, key=("key",), column="units", capped=cap is not None), values)


async def together(lane: Lane, *submissions: Sequence[Rider]) -> list[Verdict]:
    return list(await asyncio.gather(*(lane.write(riders) for riders in submissions)))


async def stored(db: Database, table: Table) -> list[dict[str, Any]]:
    async with db.reading() as session:
        return [dict(row) for row in (await session.execute(select(table))).mappings()]


async def counters(db: Database) -> dict[str, int]:
    return {row["key"]: row["units"] for row in await stored(db, COUNTERS)}


def missed(verdicts: Sequence[Verdict], name: str) -> list[bool]:
    """Which of them missed; each is either posted or told exactly this."""
    assert all(one.posted or one == Verdict(Outcome.CONFLICT, name) for one in verdicts)
    return [not one.posted for one in verdicts]


# --- what goes in comes out ----------------------------------------------------------------------------------------


async def test_every_kind_of_value_comes_back_exactly(db: Database, lane: Lane) -> None:
    assert (await lane.write([thing(**EXACT)])).posted
    (found,) = await stored(db, THINGS)
    assert {name: found[name] for name in EXACT} == EXACT


async def test_numbers_are_never_rounded(db: Database, lane: Lane) -> None:
    units = [2**53 + 1, -(10**59), 10**59 + 7, 0]
    prices = [Decimal(text) for text in ("1E-30", "1E+30", "-0.10", "123456789012345678901234567890.123456789")]
    riders = [thing(units=one) for one in units] + [thing(price=one) for one in prices]
    assert (await lane.write(riders)).posted
    found = await stored(db, THINGS)
    assert sorted(row["units"] for row in found if row["units"] is not None) == sorted(units)
    assert sorted(row["price"] for row in found if row["price"] is not None) == sorted(prices)


async def test_nothing_is_null_also_in_a_column_of_documents(db: Database, lane: Lane) -> None:
    assert (await lane.write([thing(**dict.fromkeys(EXACT))])).posted
    async with db.reading() as session:
        nulls = [getattr(THINGS.c, name).is_(None) for name in EXACT]
        assert await session.scalar(select(func.count()).select_from(THINGS).where(*nulls)) == 1


async def test_text_of_any_characters_comes_back(db: Database, lane: Lane) -> None:
    texts = [
        "",
        "'\"\\",
        "\\u0000",
        "\\\\u0000",
        "$1 %s {} --",
        '":"',
        "\x01\x7f\u2028\u202e",
        "e\u0301\ufeff",
        "👩‍👩‍👧",
    ]
    texts.append("".join(chr(c) for c in range(1, 0x110000, 17) if not 0xD800 <= c < 0xE000))
    assert missed(await together(lane, *([thing(note=text)] for text in texts)), "-") == [False] * len(texts)
    assert {row["note"] for row in await stored(db, THINGS)} == set(texts)


async def test_text_that_no_database_holds_fails_alone(db: Database, lane: Lane) -> None:
    texts = ["fine", "a\x00b", "too", "\ud800", "\udfff\ud800", "as well"]
    found = await asyncio.gather(*(lane.write([thing(note=text)]) for text in texts), return_exceptions=True)
    refused = [isinstance(one, asyncpg.DataError | UnicodeError) for one in found]
    assert refused == [False, True, False, True, True, False]
    assert {row["note"] for row in await stored(db, THINGS)} == {"fine", "too", "as well"}


NOT_EXACT = [1.5, float("nan"), Decimal("NaN"), Decimal("Infinity"), datetime(2026, 1, 1), object()]  # noqa: DTZ001  on purpose


async def test_what_would_not_come_back_exactly_is_refused_before_it_travels(db: Database, lane: Lane) -> None:
    for value in NOT_EXACT:
        with pytest.raises((TypeError, ValueError)):
            await lane.write([thing(doc=value)])
    assert (await lane.write([thing()])).posted


# --- one target, several riders ------------------------------------------------------------------------------------


async def test_of_rows_with_one_key_one_is_written_whole_and_the_others_miss(db: Database, lane: Lane) -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    rows = [(one, 1), (other, 2), (one, 3), (one, 4), (other, 5)]
    verdicts = await together(lane, *([thing(id_, units=n, label=str(n))] for id_, n in rows))
    assert sum(missed(verdicts, "thing")) == 3
    posted = {(id_, n) for (id_, n), verdict in zip(rows, verdicts, strict=True) if verdict.posted}
    assert {(row["id"], row["units"]) for row in await stored(db, THINGS)} == posted
    assert {id_ for id_, _ in posted} == {one, other}


async def test_any_unique_index_tells_rows_apart_and_nulls_are_never_the_same(db: Database, lane: Lane) -> None:
    labels = ["a", None, "b", "a", None, "a"]
    verdicts = await together(lane, *([thing(label=label)] for label in labels))
    assert sum(missed(verdicts, "thing")) == 2
    assert sorted(str(row["label"]) for row in await stored(db, THINGS)) == ["None", "None", "a", "b"]


async def test_a_row_that_may_come_again_is_written_once_and_never_misses(db: Database, lane: Lane) -> None:
    again = inserting(THINGS, key=("id",), again=True)
    rows = [{"id": uuid.uuid4(), "label": label} for label in ("a", "b", "a")]
    verdicts = await together(lane, *([Rider("thing", again, row)] for row in [*rows, rows[0]]))
    assert all(one.posted for one in verdicts)
    assert sorted(row["label"] for row in await stored(db, THINGS)) == ["a", "b"]


async def test_of_changes_to_one_version_exactly_one_is_made(db: Database, lane: Lane) -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    await together(lane, [thing(one, version=7)], [thing(other, version=1)])
    changes = [(one, 7), (other, 1), (one, 7), (one, 8), (uuid.uuid4(), 1)]
    verdicts = await together(lane, *([relabel(*change, f"to {n}")] for n, change in enumerate(changes)))
    assert sum(missed(verdicts[:3], "relabel")) == 1
    # Whoever read version 8 too early may come after the one that made it.
    made = 1 + verdicts[3].posted
    assert missed(verdicts[4:], "relabel") == [True]
    assert {row["id"]: row["version"] for row in await stored(db, THINGS)} == {one: 7 + made, other: 2}


async def test_a_change_that_breaks_a_unique_index_fails_alone(db: Database, lane: Lane) -> None:
    one = uuid.uuid4()
    await together(lane, [thing(one, version=1, label="a")], [thing(label="b")])
    asked = [[thing()], [relabel(one, 1, "b")], [thing()], [thing()]]
    found = await asyncio.gather(*(lane.write(riders) for riders in asked), return_exceptions=True)
    assert [isinstance(verdict, Verdict) and verdict.posted for verdict in found] == [True, False, True, True]
    assert isinstance(found[1], asyncpg.UniqueViolationError)


async def test_a_guard_that_is_null_finds_nothing(db: Database, lane: Lane) -> None:
    one = uuid.uuid4()
    assert (await lane.write([thing(one)])).posted
    assert missed(await together(lane, [relabel(one, None, "x")]), "relabel") == [True]


async def test_a_counter_counts_all_that_travel_together_in_one_commit(db: Database, lane: Lane) -> None:
    verdicts = await together(lane, *([add(key, 10**40 + n)] for n, key in enumerate("abcab" * 20)))
    assert missed(verdicts, "-") == [False] * 100
    async with db.reading() as session:
        assert await session.scalar(sql("SELECT count(DISTINCT xmin::text) FROM counters")) == 1
    assert await counters(db) == {key: sum(10**40 + n for n, k in enumerate("abcab" * 20) if k == key) for key in "abc"}


async def test_a_cap_is_reached_exactly_and_never_passed(db: Database, lane: Lane) -> None:
    verdicts = await together(lane, *([add("a", 3, 10)] for _ in range(6)), [add("b", 11, 10)], [add("b", 10, 10)])
    assert missed(verdicts, "counter") == [False, False, False, True, True, True, True, False]
    assert await counters(db) == {"a": 9, "b": 10}


async def test_each_is_held_to_its_own_cap(db: Database, lane: Lane) -> None:
    verdicts = await together(lane, [add("a", 5, 100)], [add("a", 4, 3)], [add("a", 5, 100)])
    assert missed(verdicts, "counter") == [False, True, False]
    assert await counters(db) == {"a": 10}


async def test_the_rider_that_missed_is_named_though_another_of_its_submission_is_of_its_kind(
    db: Database, lane: Lane
) -> None:
    own, house = add("user", 1, 10, name="own"), add("house", 1, 0, name="house")
    free = add("other", 1, 10, name="own")
    verdicts = await together(lane, [own, house], [free], [house, own])
    assert [verdict.rider for verdict in verdicts] == ["house", None, "house"]
    assert await counters(db) == {"other": 1}


@pytest.mark.parametrize("seed", range(3))
async def test_whoever_is_told_a_miss_would_miss_alone_and_all_others_are_counted(
    db: Database, lane: Lane, seed: int
) -> None:
    chance = random.Random(seed)
    ids = [uuid.uuid4() for _ in range(8)]

    def anything() -> list[Rider]:
        units, key = chance.randrange(1, 9), chance.choice("ab")
        some = [
            add(key, units, 40),
            thing(chance.choice(ids), version=1, units=units),
            add(f"free {key}", units),
        ]
        return chance.sample(some, chance.randrange(1, 4))

    asked = [anything() for _ in range(40)]
    verdicts = await together(lane, *asked)
    counted: dict[str, int] = {}
    for riders, verdict in zip(asked, verdicts, strict=True):
        for rider in riders if verdict.posted else ():
            if rider.name == "counter":
                counted[rider.values["key"]] = counted.get(rider.values["key"], 0) + rider.values["units"]
    assert await counters(db) == counted
    written = sorted(
        rider.values["units"]
        for riders, verdict in zip(asked, verdicts, strict=True)
        for rider in riders
        if verdict.posted and rider.name == "thing"
    )
    assert sorted(row["units"] for row in await stored(db, THINGS)) == written
    again = await together(
        lane, *(riders for riders, verdict in zip(asked, verdicts, strict=True) if not verdict.posted)
    )
    assert not any(verdict.posted for verdict in again)


# --- their order ---------------------------------------------------------------------------------------------------


async def test_each_submission_keeps_its_own_order_though_they_disagree(db: Database, lane: Lane) -> None:
    old, new, newer = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    assert (await lane.write([thing(old, version=1)])).posted
    verdicts = await together(
        lane,
        [thing(new, version=1), part(new), relabel(new, 1, "new")],
        [part(old), thing(newer, version=1), part(newer)],
        [relabel(old, 1, "old"), part(old), relabel(old, 2, "older")],
    )
    assert missed(verdicts, "-") == [False] * 3
    assert len(await stored(db, PARTS)) == 4
    assert {row["label"] for row in await stored(db, THINGS)} == {"new", "older", None}


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=6).map(tuple), max_size=8))
def test_every_shape_finds_its_statements_in_its_order(shapes: list[tuple[str, ...]]) -> None:
    steps = in_order(shapes)
    for shape in shapes:
        place = 0
        for statement in shape:
            place = steps.index(statement, place)
    assert set(steps) == {statement for shape in shapes for statement in shape}


@given(st.lists(st.sets(st.sampled_from("abcdef")).map(lambda few: tuple(sorted(few))), max_size=8))
def test_shapes_that_are_part_of_the_longest_need_no_statement_twice(shapes: list[tuple[str, ...]]) -> None:
    assert in_order([*shapes, tuple("abcdef")]) == list("abcdef")


# --- in a transaction of somebody's own ------------------------------------------------------------------------------


async def test_riders_of_a_verbs_own_transaction_stop_at_the_first_that_misses(db: Database) -> None:
    one = uuid.uuid4()
    async with db.transaction() as session:
        assert await ride(session, [thing(one, version=1), relabel(one, 1, "x"), add("a", 2, 2)]) is None
        miss = await ride(session, [relabel(one, 1, "y"), add("a", 1)])
        assert miss is not None
        assert miss.name == "relabel"
    assert await counters(db) == {"a": 2}
