"""The ledger against one on a page: whatever comes in whatever order, same verdicts, same balances, same statements.

A Hypothesis state machine. Each run has owners of its own in one database; TIDEGATE_LEDGER_RUNS says how many runs.
"""

import asyncio
import os
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, ClassVar, TypeVar

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.conftest import on_database
from tests.ledger.plain import Leg, Line, Move, Page, Poison, Sent
from tidegate.database import Database, Rider, Write
from tidegate.idempotency import Keyed, Stored
from tidegate.ledger import lane as lanes
from tidegate.ledger import proof, store
from tidegate.ledger.balances import balance, balances_of, trial_balance
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import HOUSE, AccountRef, Posting, Side, Transfer, Verdict, customer, house, transfers
from tidegate.ledger.wire import Unknown, Wire
from tidegate.outbox.events import changed

RUNS = int(os.environ.get("TIDEGATE_LEDGER_RUNS", "40"))
STEPS = 8
T = TypeVar("T")

ASSETS = ("BTC", "USDT")
NAMES = (
    ("ana", "available", ""),
    ("ana", "held", ""),
    ("bob", "available", ""),
    ("bob", "held", ""),
    ("house", "wallet:hot", "bitcoin"),
    ("house", "venue", "binance"),
    ("house", "capital", ""),
    ("house", "liquidity", ""),
    ("house", "cost:network", ""),
)
PLACES = [(owner, name, asset, place) for asset in ASSETS for owner, name, place in NAMES]
PAIRS = [(d, c) for d, c in permutations(range(len(PLACES)), 2) if PLACES[d][2] == PLACES[c][2]]
# Money that comes in, and what customers do with it: more often than the rest, so that most runs have something to lose.
LIKELY = [
    (at + d, at + c) for at in (0, len(NAMES)) for d, c in ((4, 0), (4, 2), (5, 6), (0, 1), (1, 4), (0, 2), (1, 7))
]
# Two of the last are more than an account may hold: the whole call is refused, and in the lane its sender alone.
UNITS = st.sampled_from([1, 1, 2, 3, 5, 8, 13, 40, 10**30, 6 * 10**59])
MOVES = st.builds(lambda pair, units: Move(pair[0], pair[1], units), st.sampled_from([*PAIRS, *LIKELY * 8]), UNITS)
# Any two numbers, of accounts there are and there are not.
ANY_MOVES = st.builds(
    lambda debit, hop, units: Move(debit, (debit + hop) % (len(PLACES) + 2), units),
    st.integers(0, len(PLACES) + 1),
    st.integers(1, len(PLACES) + 1),
    UNITS,
)
KEYS = st.integers(0, 9)
# Overlapping pairs: one that misses its second claim leaves its first to a neighbour, which then has to hit after all.
CLAIMS = st.sampled_from([(), (), *((n,) for n in range(6)), *((n, (n + 1) % 6) for n in range(6))])
SUBMISSIONS = st.tuples(
    KEYS,
    st.sampled_from([0, 0, 1, 1, 2, 4]).flatmap(lambda n: st.lists(MOVES, min_size=n, max_size=n)).map(tuple),
    CLAIMS,
    st.booleans(),
    st.sampled_from([*[""] * 14, "poison", "unknown"]),
)
BATCHES = st.lists(SUBMISSIONS, min_size=1, max_size=7)
CALLS = st.lists(st.tuples(st.integers(0, 20), KEYS, st.lists(ANY_MOVES, min_size=1, max_size=4)), min_size=1)

POISON = Rider("poison", Write("SELECT ARRAY[1/0] FROM jsonb_array_length($1::jsonb)"), values={"a": 1})
GUARD = Write(
    "SELECT array_agg(r.i) FROM jsonb_to_recordset($1::jsonb) AS r(i int, owner uuid, key text)"
    " JOIN idempotency_keys k ON k.user_id = r.owner AND k.key = r.key"
)


class Forgetful(Wire):
    """Loses answers: what it ran is done, and nobody is told."""

    lost = 0

    async def run(self, batch: store.Batch) -> Sequence[Verdict]:
        verdicts = await super().run(batch)
        if self.lost:
            self.lost -= 1
            raise Unknown("the answer was lost")
        return verdicts


class Hurried:
    """asyncio for the lane alone, without its pauses."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, _seconds: float) -> None:
        await asyncio.sleep(0)


@dataclass
class Desk:
    """One database, its lane, and a loop that state machines can wait on."""

    wait: Callable[[Awaitable[Any]], Any]
    db: Database
    lane: Lane
    wire: Forgetful
    connection: "asyncpg.Connection[Any]"


class Books(RuleBasedStateMachine):
    """The page and the ledger, told the same things."""

    desk: ClassVar[Desk]

    def __init__(self) -> None:
        super().__init__()
        self.run = uuid.uuid4().hex
        # The house is one for all runs, so the assets are each run's own.
        self.owners = {"ana": uuid.uuid4(), "bob": uuid.uuid4(), "house": HOUSE}
        self.assets = [f"{asset} {self.run}" for asset in ASSETS]
        self.refs = [
            AccountRef(self.owners[owner], name, f"{asset} {self.run}", place) for owner, name, asset, place in PLACES
        ]
        self.claimant = uuid.uuid4()
        self.page = Page([Line(ref) for ref in self.refs])
        self.numbers: list[int] = []
        self.called: list[Sent] = []

    def wait(self, work: Awaitable[T]) -> T:
        found: T = self.desk.wait(work)
        return found

    # --- what is done to both ---------------------------------------------------------------------------------

    @initialize(units=st.sampled_from([5, 30, 200]))
    def somebody_has_something(self, units: int) -> None:
        hot, ana = 4, 0
        deposits = [
            Sent(uuid.uuid4(), f"{self.run}:deposit {n}", (Move(hot + n, ana + n, units),)) for n in (0, len(NAMES))
        ]
        assert self.wait(self.told(deposits)) == self.page.submit(deposits) == ["posted", "posted"]

    @rule(batch=BATCHES, lost=st.sampled_from([0, 0, 0, 1, 2]))
    def come_together(self, batch: list[tuple[int, tuple[Move, ...], tuple[int, ...], bool, str]], lost: int) -> None:
        sent = [self.sent(*one) for one in batch]
        self.desk.wire.lost = lost
        verdicts = self.wait(self.told(sent))
        assert verdicts == self.page.submit(sent, answers_lost=lost)
        self.desk.wire.lost = 0

    @rule(one=SUBMISSIONS, guard=st.integers(0, 5))
    def come_with_a_guard(self, one: tuple[int, tuple[Move, ...], tuple[int, ...], bool, str], guard: int) -> None:
        """It hits where the claim was made before."""
        sent = self.sent(*one)
        rider = Rider("guard", GUARD, values={"owner": self.claimant, "key": f"claim {guard}"})
        assert self.wait(self.told([sent], rider)) == [self.expected_guarded(sent, guard)]

    @rule(batch=BATCHES)
    def post_in_one_call(self, batch: list[tuple[int, tuple[Move, ...], tuple[int, ...], bool, str]]) -> None:
        """Without riders, and without the lane: one that cannot be done at all takes the call with it."""
        sent = [one for one in (self.sent(*words) for words in batch) if one.moves and not one.unknown]
        if sent:
            work = store.post(self.desk.connection, [self.posting(one) for one in sent])
            self.same_call(sent, work)

    @rule(batch=CALLS)
    def call_the_function_with_any_numbers(self, batch: list[tuple[int, int, list[Move]]]) -> None:
        """Accounts that are not there, two assets in one transfer, and calls that were made before."""
        sent = []
        for again, key, moves in batch:
            if again < len(self.called):
                if self.called[again] not in sent:
                    sent.append(self.called[again])
            else:
                sent.append(Sent(uuid.uuid4(), f"{self.run}:{key}", tuple(moves)))
        self.called += [one for one in sent if one not in self.called]
        self.same_call(sent, self.call(sent))

    @rule(at=st.integers(0, len(PLACES) - 1))
    def close_or_open(self, at: int) -> None:
        line = self.page.lines[at]
        line.closed = not line.closed
        self.wait(self.forced(self.all_numbers()[at], closed=line.closed))

    @rule(at=st.integers(0, len(PLACES) - 1))
    def read(self, at: int) -> None:
        self.wait(self.balances_agree(self.page.lines[at]))

    def teardown(self) -> None:
        self.wait(self.everything_agrees())

    async def forced(self, account: int, *, closed: bool) -> None:
        """Past the guards, by which only an empty account is closed, and for good."""
        async with self.desk.connection.transaction():
            await self.desk.connection.execute("SET LOCAL session_replication_role = replica")
            await self.desk.connection.execute(
                f"UPDATE ledger_accounts SET closed_at = {'now()' if closed else 'NULL'} WHERE id = $1", account
            )

    # --- how ---------------------------------------------------------------------------------------------------

    def sent(self, key: int, moves: tuple[Move, ...], claims: tuple[int, ...], bell: bool, side: str) -> Sent:
        return Sent(
            uuid.uuid4(),
            f"{self.run}:{key}" if moves else "",
            moves,
            claims,
            bell,
            poison=side == "poison",
            unknown=side == "unknown" and bool(moves),
        )

    def posting(self, sent: Sent) -> Posting:
        rows = [Transfer(self.refs[debit], self.refs[credit], units, "model") for debit, credit, units in sent.moves]
        if sent.unknown:
            nowhere = AccountRef(self.owners["house"], "petty cash", rows[-1].debit.asset)
            rows[-1] = Transfer(rows[-1].debit, nowhere, 1, "model")
        return Posting(sent.key, tuple(rows), "model", sent.id)

    def riders(self, sent: Sent) -> list[Rider]:
        bell = [changed(self.owners["ana"], "account", sent.id, 1)] if sent.bell else []
        claims = [
            rider
            for claim in sent.claims
            for rider in Keyed(f"claim {claim}", "").rider(
                user_id=self.claimant, operation="model", answer=Stored.of(200, {})
            )
        ]
        return [*bell, *claims, *([POISON] if sent.poison else [])]

    async def told(self, batch: Sequence[Sent], *first: Rider) -> list[str]:
        """What each caller hears when all of them come at once."""

        def submit(sent: Sent) -> Awaitable[Verdict]:
            riders = [*first, *self.riders(sent)]
            return self.desk.lane.submit(self.posting(sent), riders) if sent.moves else self.desk.lane.write(riders)

        answers = await asyncio.gather(*(submit(sent) for sent in batch), return_exceptions=True)
        return [self.word(answer) for answer in answers]

    def word(self, answer: Verdict | BaseException) -> str:
        if isinstance(answer, Verdict):
            assert answer.rider in (None, "idempotency", "guard")
            return answer.outcome.value
        if isinstance(answer, asyncpg.DivisionByZeroError | asyncpg.CheckViolationError):
            return "error"
        raise answer

    def expected_guarded(self, sent: Sent, guard: int) -> str:
        if sent.unknown:
            return "unknown_account"
        try:
            verdict = self.page.post([sent], keep=False)[0] if sent.moves else "posted"
        except Poison:
            return "error"
        if verdict != "posted" or guard in self.page.claimed:
            return self.page.submit([sent])[0]
        return "conflict"

    def same_call(self, sent: Sequence[Sent], work: Awaitable[Sequence[str]]) -> None:
        try:
            expected = self.page.post(sent)
        except Poison:
            with pytest.raises(asyncpg.CheckViolationError):
                self.wait(work)
        else:
            assert list(self.wait(work)) == expected

    async def call(self, batch: Sequence[Sent]) -> Sequence[str]:
        """`ledger_post` itself: what it is given no transfer of ours could say."""
        rows = [(of, n, sent, move) for of, sent in enumerate(batch, 1) for n, move in enumerate(sent.moves)]
        numbers = [*await self._all_numbers(), -1, None]
        answer: list[str] = await self.desk.connection.fetchval(
            "SELECT ledger_post($1::text[], $2::uuid[], $3::int[], $4::text[], $5::bigint[], $6::bigint[], $7::numeric[])",
            [sent.key for sent in batch],
            [uuid.uuid4() if n else sent.id for _, n, sent, _ in rows],
            [of for of, _, _, _ in rows],
            ["model"] * len(rows),
            [numbers[move.debit] for _, _, _, move in rows],
            [numbers[move.credit] for _, _, _, move in rows],
            [move.units for _, _, _, move in rows],
        )
        return answer

    def all_numbers(self) -> list[int]:
        return self.wait(self._all_numbers())

    async def _all_numbers(self) -> list[int]:
        """Opens what is not open yet."""
        if not self.numbers:
            self.numbers = await self.desk.connection.fetchval(
                "SELECT ledger_open($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[])",
                [ref.owner for ref in self.refs],
                [ref.name for ref in self.refs],
                [ref.asset for ref in self.refs],
                [ref.place for ref in self.refs],
                [ref.kind.side.value for ref in self.refs],
                [ref.kind.overdraft for ref in self.refs],
            )
        return self.numbers

    # --- whether they are the same ------------------------------------------------------------------------------

    async def balances_agree(self, one: Line) -> None:
        async with self.desk.db.reading() as session:
            assert await balance(session, one.ref) == one.balance
            for owner in ("ana", "bob"):
                found = await balances_of(session, self.owners[owner])
                for line in self.page.lines:
                    if line.ref.owner == self.owners[owner] and line.ref.asset in found:
                        assert getattr(found[line.ref.asset], line.ref.name) == line.balance

    async def everything_agrees(self) -> None:
        accounts = await self.desk.connection.fetch(
            "SELECT id, owner, name, asset, place, balance::numeric, sequence, closed_at IS NOT NULL AS closed"
            " FROM ledger_accounts WHERE asset = ANY ($1)",
            self.assets,
        )
        legs = await self.desk.connection.fetch(
            "SELECT a.account, l.sequence, l.key, l.n, l.side, l.units::numeric, l.balance::numeric"
            " FROM unnest($1::bigint[]) a(account) CROSS JOIN LATERAL ("
            "  SELECT debit_sequence, key, n, 'debit', units, debit_balance FROM ledger_transfers"
            "  WHERE debit_account = a.account UNION ALL"
            "  SELECT credit_sequence, key, n, 'credit', units, credit_balance FROM ledger_transfers"
            "  WHERE credit_account = a.account) l(sequence, key, n, side, units, balance) ORDER BY 1, 2",
            [row["id"] for row in accounts],
        )
        shown: dict[int, list[Leg]] = {}
        for account, sequence, key, n, side, units, left in legs:
            shown.setdefault(account, []).append(Leg(sequence, key, n, Side(side), int(units), int(left)))
        found = {
            AccountRef(row["owner"], row["name"], row["asset"], row["place"]): (
                int(row["balance"]),
                row["sequence"],
                row["closed"],
                shown.get(row["id"], []),
            )
            for row in accounts
        }
        for line in self.page.lines:
            wanted = (line.balance, len(line.shown), line.closed, line.shown)
            assert found.get(line.ref, (0, 0, False, [])) == wanted, line.ref
        bells = await self.desk.connection.fetch(
            "SELECT sequence FROM events WHERE user_id = $1 ORDER BY 1", self.owners["ana"]
        )
        assert [row["sequence"] for row in bells] == list(range(1, self.page.bells + 1))
        claims = await self.desk.connection.fetch("SELECT key FROM idempotency_keys WHERE user_id = $1", self.claimant)
        assert {row["key"] for row in claims} == {f"claim {claim}" for claim in self.page.claimed}


@pytest.mark.timeout(3600)
def test_whatever_comes_ends_as_it_would_on_a_page(
    admin_url: str, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "asyncio", Hurried())
    name = f"t_{uuid.uuid4().hex}"
    with asyncio.Runner() as runner:

        async def opened() -> Desk:
            connection = await asyncpg.connect(on_database(admin_url, "postgres"))
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            await connection.close()
            url = on_database(admin_url, name)
            db = Database(url.replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=2)
            lane, wire = Lane(db), Forgetful(db)
            lane._wire = wire
            return Desk(wait, db, lane, wire, await asyncpg.connect(url))

        def wait(work: Awaitable[Any]) -> Any:
            async def waited() -> Any:
                return await work

            return runner.run(waited())

        async def closed(desk: Desk) -> None:
            await desk.lane.close()
            await desk.connection.close()
            await desk.db.close()
            connection = await asyncpg.connect(on_database(admin_url, "postgres"))
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            await connection.close()

        async def proved(desk: Desk) -> list[proof.Finding]:
            async with desk.db.reading() as session:
                return [found async for _, wrong in proof.prove(session) for found in wrong]

        desk = Books.desk = wait(opened())
        try:
            run_state_machine_as_test(  # type: ignore[no-untyped-call]  # this version says no types
                Books,
                settings=settings(
                    max_examples=RUNS,
                    stateful_step_count=STEPS,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
            assert wait(proved(desk)) == []
        finally:
            wait(closed(desk))


async def test_the_trial_balance_adds_owners_up_and_its_sides_agree(db: Database, lane: Lane) -> None:
    hot, users = house("wallet:hot", "BTC", "bitcoin"), (uuid.UUID(int=1), uuid.UUID(int=2))
    for n, user in enumerate(users):
        group = transfers(
            (hot, customer(user, "available", "BTC"), 7, "deposit"), (hot, house("capital", "BTC"), 0, "none")
        )
        assert (await lane.submit(Posting(f"deposit {n}", group, "test", user))).posted
    async with db.reading() as session:
        assert await trial_balance(session) == [
            ("BTC", "available", "", "credit", 14),
            ("BTC", "wallet:hot", "bitcoin", "debit", 14),
        ]
        assert (await balances_of(session, users[0]))["BTC"].available == 7
        assert await balances_of(session, uuid.uuid4()) == {}
