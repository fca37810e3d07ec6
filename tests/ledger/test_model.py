"""Postings against a ledger in plain Python: same verdicts, same balances, whatever comes in whatever order."""

import os
import uuid
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidegate.database import Database
from tidegate.ledger import proof
from tidegate.ledger.balances import balance, balances_of, trial_balance
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import CHART, AccountRef, Outcome, Posting, Side, Transfer, customer, house, transfers, venue

EXAMPLES = int(os.environ.get("TIDEGATE_EXAMPLES", "4"))
USERS = tuple(uuid.UUID(int=n + 1) for n in range(2))
ACCOUNTS = (
    *(customer(user, name, "BTC") for user in USERS for name in ("available", "held")),
    house("wallet:hot", "BTC", "bitcoin"),
    house("wallet:deposit", "BTC", "bitcoin"),
    house("capital", "BTC"),
    house("liquidity", "BTC"),
    house("charged:network", "BTC"),
    house("cost:network", "BTC"),
    venue("binance", "BTC"),
)
INDEXES = st.integers(0, len(ACCOUNTS) - 1)
UNITS = st.one_of(st.integers(1, 5), st.just(10**30), st.just(10**18))
TRANSFERS = st.tuples(INDEXES, INDEXES, UNITS).filter(lambda one: one[0] != one[1])
POSTINGS = st.lists(st.tuples(st.integers(0, 12), st.lists(TRANSFERS, min_size=1, max_size=4)), min_size=1, max_size=25)


@dataclass
class Plain:
    """A ledger as one would write it on a page."""

    balances: dict[AccountRef, int] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)

    def submit(self, posting: Posting) -> Outcome:
        if posting.key in self.keys:
            return Outcome.DUPLICATE
        after = dict(self.balances)
        for move in posting.transfers:
            for account, side in ((move.debit, Side.DEBIT), (move.credit, Side.CREDIT)):
                kind = CHART[account.name]
                after[account] = after.get(account, 0) + (move.units if kind.side is side else -move.units)
            if any(after[one] < 0 and not CHART[one.name].overdraft for one in (move.debit, move.credit)):
                return Outcome.INSUFFICIENT
        self.balances = after
        self.keys.add(posting.key)
        return Outcome.POSTED


def posting(key: int, moves: list[tuple[int, int, int]], prefix: str) -> Posting:
    rows = tuple(Transfer(ACCOUNTS[debit], ACCOUNTS[credit], units, "model") for debit, credit, units in moves)
    return Posting(f"{prefix}:{key}", rows, "model", uuid.UUID(int=key + 1))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(POSTINGS)
async def test_any_postings_end_as_they_would_on_a_page(
    db: Database, lane: Lane, wanted: list[tuple[int, list[tuple[int, int, int]]]]
) -> None:
    plain = await as_it_stands(db)
    prefix = uuid.uuid4().hex
    for key, moves in wanted:
        one = posting(key, moves, prefix)
        assert (await lane.submit(one)).outcome is plain.submit(one)
    assert (await as_it_stands(db)).balances == {ref: units for ref, units in plain.balances.items() if units}
    async with db.reading() as session:
        async for _, wrong in proof.prove(session):
            assert wrong == []


async def as_it_stands(db: Database) -> Plain:
    async with db.reading() as session:
        found = {ref: await balance(session, ref) for ref in ACCOUNTS}
    return Plain({ref: units for ref, units in found.items() if units})


async def test_the_trial_balance_adds_owners_up_and_its_sides_agree(db: Database, lane: Lane) -> None:
    hot = house("wallet:hot", "BTC", "bitcoin")
    for n, user in enumerate(USERS):
        group = transfers(
            (hot, customer(user, "available", "BTC"), 7, "deposit"), (hot, house("capital", "BTC"), 0, "none")
        )
        assert (await lane.submit(Posting(f"deposit {n}", group, "test", user))).posted
    async with db.reading() as session:
        assert await trial_balance(session) == [
            ("BTC", "available", "", "credit", 14),
            ("BTC", "wallet:hot", "bitcoin", "debit", 14),
        ]
        assert (await balances_of(session, USERS[0]))["BTC"].available == 7
        assert await balances_of(session, uuid.uuid4()) == {}
