"""The walk along every account: each transfer looked at from both sides, in order, in bounded memory.

Accounts are taken in the order of their numbers, so many at a time that a stretch has some ten thousand legs; an account
with more than that is taken alone, in pages. Stretches lie side by side over all numbers there can be, so that a leg of
an account that is not there is met too. Nothing is kept but what is wrong.

Along an account three things make a proof by induction: the numbers go up by one from 1, each balance is the one before
it and the change, and the last balance is the account's own. Time never falls.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

STRETCH = 50_000
"""Legs of one statement: a few MB of the server's memory."""
ACCOUNTS_AT_ONCE = 10_000
TOLD = 20
"""Findings of one check that are told; the rest is counted."""
LAST = 2**63 - 1

# What keeps a statement small and its plan the same: no page of the heap is read that no index named.
_SETTINGS = {
    "work_mem": "32MB",
    "enable_seqscan": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "plan_cache_mode": "force_custom_plan",
}

BALANCES = "balances_equal_transfers"
NUMBERS = "numbers_have_no_gaps"
RUNNING = "running_balances_hold"
ASSETS = "transfers_have_one_asset"
TIME = "time_follows_numbers"
BELOW = "nothing_was_overdrawn"
CHECKS = (BALANCES, NUMBERS, RUNNING, ASSETS, TIME, BELOW)

# One leg a row: the account, its number there, the balance it left, the other side. `:at` null is now.
_LEGS = """
    SELECT debit_account AS account, debit_sequence AS sequence, debit_balance AS balance, units, true AS debit,
           credit_account AS other, posted_at
    FROM ledger_transfers WHERE debit_account BETWEEN :low AND :high AND debit_sequence >= :start {until}
    UNION ALL
    SELECT credit_account, credit_sequence, credit_balance, units, false, debit_account, posted_at
    FROM ledger_transfers WHERE credit_account BETWEEN :low AND :high AND credit_sequence >= :start {until}
"""

# The legs of a page after the first begin with the last one of the page before, to be compared with and not counted.
_STRETCH = """
    WITH legs AS MATERIALIZED ({legs} {page}), chained AS (
        SELECT l.account, l.sequence, l.balance, l.posted_at,
               CAST(:after AS bigint) = 0 OR lag(l.sequence) OVER w IS NOT NULL AS counted,
               CASE WHEN l.debit = (a.side = 'debit') THEN l.units ELSE -l.units END AS change,
               lag(l.sequence, 1, :after) OVER w AS number_before, lag(l.balance, 1, 0) OVER w AS balance_before,
               lag(l.posted_at) OVER w AS time_before,
               a.id IS NULL OR (l.debit AND o.asset IS DISTINCT FROM a.asset) AS mixed,
               l.balance < 0 AND NOT a.overdraft AS below
        FROM legs l LEFT JOIN ledger_accounts a ON a.id = l.account
        LEFT JOIN ledger_accounts o ON o.id = l.other AND l.debit
        WINDOW w AS (PARTITION BY l.account ORDER BY l.sequence)
    )
    SELECT account, count(*) AS legs, max(sequence) AS last, sum(change) AS total, max(posted_at) AS moved,
           min(sequence) FILTER (WHERE sequence <> number_before + 1) AS gap,
           min(sequence) FILTER (WHERE balance <> balance_before + change) AS break,
           min(sequence) FILTER (WHERE posted_at < time_before) AS late,
           min(sequence) FILTER (WHERE mixed) AS mixed,
           min(sequence) FILTER (WHERE below) AS below
    FROM chained WHERE counted GROUP BY account
"""

# Whole accounts are compared by the server, and only what is wrong comes back.
_WRONG = """
    SELECT coalesce(r.account, a.id) AS account, r.gap, r.break, r.late, r.mixed, r.below, r.moved, r.last,
           coalesce(r.legs, 0) AS legs, coalesce(r.total, 0) AS total, a.id IS NOT NULL AS known,
           {own}
    FROM ({stretch}) r FULL JOIN (SELECT * FROM ledger_accounts WHERE id BETWEEN :low AND :high) a ON a.id = r.account
    {at}
"""
_NOW = "a.balance::numeric AS balance, a.sequence, a.moved_at"
_THEN = "b.balance, b.sequence, NULL::timestamptz AS moved_at"
_FILTER = """
    SELECT w.*, (SELECT sum(legs) FROM w) AS seen FROM w WHERE gap IS NOT NULL OR break IS NOT NULL OR late IS NOT NULL
    OR mixed IS NOT NULL OR below IS NOT NULL OR NOT known OR balance <> total OR sequence <> legs
    OR (moved_at <> moved AND moved_at <> '-infinity')
    UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, true, 0, 0, NULL, coalesce(sum(legs), 0) FROM w
"""

Progress = Callable[[int, int], None]
"""Legs walked, of how many."""


@dataclass(slots=True)
class Wrong:
    """Sentences by check, the first few of each; how many more there were."""

    told: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in CHECKS})
    more: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CHECKS, 0))

    def add(self, check: str, sentence: str) -> None:
        if len(self.told[check]) < TOLD:
            self.told[check].append(sentence)
        else:
            self.more[check] += 1

    def full(self, check: str) -> bool:
        return len(self.told[check]) >= TOLD

    def sentences(self, check: str) -> list[str]:
        rest = self.more[check]
        return [*self.told[check], *([f"and {rest} more accounts"] if rest else [])]


@dataclass(slots=True)
class _Account:
    """What a walk along one account found, added up over its pages."""

    account: int
    legs: int = 0
    last: int = 0
    total: int = 0
    moved: datetime | None = None
    first: dict[str, int] = field(default_factory=dict)

    def page(self, row: Any) -> None:
        self.legs += row.legs
        self.last = row.last
        self.total += int(row.total or 0)
        self.moved = row.moved if self.moved is None else max(self.moved, row.moved)
        for what in ("gap", "break", "late", "mixed", "below"):
            number = getattr(row, what)
            if number is not None:
                self.first.setdefault(what, number)


class Walk:
    """One walk in the caller's (repeatable read) transaction: as the books are, or as they were at a moment."""

    def __init__(
        self, session: AsyncSession, *, at: datetime | None, progress: Progress, stretch: int = STRETCH
    ) -> None:
        # Two legs may falsely have one number: only a page of three is sure to go on.
        assert stretch >= 3
        self._session = session
        self._at = at
        self._progress = progress
        self._stretch = stretch
        self.wrong = Wrong()
        self._done = 0
        self._total = 0

    async def run(self) -> Wrong:
        for name, value in _SETTINGS.items():
            await self._session.execute(text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value})
        found = await self._session.execute(text("SELECT coalesce(sum(sequence), 0) FROM ledger_accounts"))
        self._total = int(found.scalar_one())
        self._progress(0, self._total)
        low, many, cursor = 0, 0, -1
        while True:
            rows = await self._session.execute(
                text("SELECT id, sequence FROM ledger_accounts WHERE id > :cursor ORDER BY id LIMIT :many"),
                {"cursor": cursor, "many": ACCOUNTS_AT_ONCE},
            )
            accounts = rows.all()
            for account, sequence in accounts:
                cursor = account
                if many + sequence > self._stretch and low < account:
                    await self._several(low, account - 1)
                    low, many = account, 0
                if sequence > self._stretch:
                    await self._alone(account)
                    low, many = account + 1, 0
                else:
                    many += sequence
            if len(accounts) < ACCOUNTS_AT_ONCE:
                break
        await self._several(low, LAST)
        return self.wrong

    def _statement(self, *, page: str = "") -> str:
        until = "" if self._at is None else "AND posted_at <= :at"
        return _STRETCH.format(legs=_LEGS.format(until=until), page=page)

    def _values(self, low: int, high: int) -> dict[str, Any]:
        values: dict[str, Any] = {"low": low, "high": high, "start": 0, "after": 0}
        return values if self._at is None else {**values, "at": self._at}

    async def _several(self, low: int, high: int) -> None:
        """Every account from `low` to `high`, whole."""
        stretch = self._statement()
        if self._at is None:
            wrong = _WRONG.format(stretch=stretch, own=_NOW, at="")
        else:
            lateral = "LEFT JOIN LATERAL ledger_leg_at(a.id, :at) b ON a.id IS NOT NULL"
            wrong = _WRONG.format(stretch=stretch, own=_THEN, at=lateral)
        rows = await self._session.execute(text(f"WITH w AS MATERIALIZED ({wrong}) {_FILTER}"), self._values(low, high))
        for row in rows.all():
            if row.account is None:
                self._advance(int(row.seen))
                continue
            one = _Account(row.account)
            if row.legs:
                one.page(row)
            await self._judge(one, row)

    async def _alone(self, account: int) -> None:
        """One account with very many legs, a page at a time: each begins where the last one ended."""
        one = _Account(account)
        statement = text(self._statement(page="ORDER BY sequence LIMIT :most"))
        values = self._values(account, account)
        while True:
            rows = await self._session.execute(statement, {**values, "most": self._stretch})
            row = rows.one_or_none()
            if row is None:
                break
            one.page(row)
            self._advance(row.legs)
            if row.legs + (values["after"] > 0) < self._stretch:
                break
            values |= {"start": row.last, "after": row.last}
        own = _NOW if self._at is None else _THEN
        lateral = "" if self._at is None else "CROSS JOIN LATERAL ledger_leg_at(a.id, :at) b"
        rows = await self._session.execute(
            text(f"SELECT {own}, true AS known FROM ledger_accounts a {lateral} WHERE a.id = :low"),
            {key: value for key, value in values.items() if key in ("low", "at")},
        )
        await self._judge(one, rows.one())

    def _advance(self, legs: int) -> None:
        self._done += legs
        self._progress(self._done, max(self._total, self._done))

    # --- sentences ----------------------------------------------------------------------------------------------------

    async def _judge(self, one: _Account, own: Any) -> None:
        """What is wrong with one account, in words."""
        stale = None not in (own.moved_at, one.moved) and own.moved_at != one.moved and not _never(own.moved_at)
        if own.known and not one.first and not stale and (own.balance, own.sequence) == (one.total, one.legs):
            return
        name = await self._name(one.account)
        if not own.known:
            self.wrong.add(BALANCES, f"{name}: {one.legs} transfers name it, and it is not there")
            return
        if own.balance != one.total or own.sequence != one.legs:
            self.wrong.add(
                BALANCES,
                f"{name}: balance {own.balance:f} after {own.sequence} transfers, "
                f"transfers say {one.total} after {one.legs}",
            )
        if "gap" in one.first:
            self.wrong.add(NUMBERS, f"{name}: {one.legs} numbers up to {one.last}; {one.first['gap']} follows no other")
        if "break" in one.first and not self.wrong.full(RUNNING):
            self.wrong.add(RUNNING, f"{name}: {await self._broken(one.account, one.first['break'])}")
        elif "break" in one.first:
            self.wrong.add(RUNNING, "")
        if "late" in one.first:
            self.wrong.add(TIME, f"{name}: number {one.first['late']} is earlier than the one before it")
        elif stale:
            self.wrong.add(TIME, f"{name}: last moved at {own.moved_at}, its last transfer is of {one.moved}")
        if "mixed" in one.first:
            self.wrong.add(ASSETS, await self._mixed(one.account, one.first["mixed"]))
        if "below" in one.first:
            self.wrong.add(BELOW, f"{name}: number {one.first['below']} left it below zero")

    async def _name(self, account: int) -> str:
        rows = await self._session.execute(
            text("SELECT asset, name, place, owner FROM ledger_accounts WHERE id = :id"), {"id": account}
        )
        row = rows.one_or_none()
        if row is None:
            return f"account {account}"
        return " ".join(filter(None, (row.asset, row.name, row.place, f"of {row.owner}")))

    async def _leg(self, account: int, number: int) -> list[Any]:
        """The leg of that number and the one before it, newest first."""
        rows = await self._session.execute(text(_ONE_LEG), {"account": account, "number": number})
        return list(rows.all())

    async def _broken(self, account: int, number: int) -> str:
        leg, *before = await self._leg(account, number)
        says = leg.change + (before[0].balance if before else 0)
        return f"transfer {leg.key} ({leg.n}) left it at {leg.balance:f}, re-adding says {says:f}"

    async def _mixed(self, account: int, number: int) -> str:
        leg = (await self._leg(account, number))[0]
        return f"transfer {leg.key} ({leg.n}) moves {leg.asset} against {leg.other_asset}"


_ONE_LEG = """
    SELECT l.key, l.n, l.balance::numeric AS balance, a.asset, o.asset AS other_asset,
           CASE WHEN l.debit = (a.side = 'debit') THEN l.units::numeric ELSE -l.units END AS change
    FROM ((SELECT key, n, debit_sequence AS sequence, debit_balance AS balance, units, true AS debit,
                  debit_account AS account, credit_account AS other
           FROM ledger_transfers WHERE debit_account = :account AND debit_sequence <= :number
           ORDER BY debit_sequence DESC LIMIT 2)
          UNION ALL
          (SELECT key, n, credit_sequence, credit_balance, units, false, credit_account, debit_account
           FROM ledger_transfers WHERE credit_account = :account AND credit_sequence <= :number
           ORDER BY credit_sequence DESC LIMIT 2)) l
    LEFT JOIN ledger_accounts a ON a.id = l.account LEFT JOIN ledger_accounts o ON o.id = l.other
    ORDER BY l.sequence DESC LIMIT 2
"""


def _never(moved_at: datetime) -> bool:
    """`-infinity`: an account of before the ledger kept this time, not moved since."""
    return moved_at.year == 1
