"""All SQL of the ledger. Writing goes through the database functions `ledger_open` and `ledger_post` and nothing else."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import delete, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from tidegate.database import new_id
from tidegate.ledger.rules import CHART, AccountRef, Outcome, Posting, Verdict
from tidegate.ledger.tables import Account, LaneReceipt, TransferRow

_OPEN = "SELECT ledger_open($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[])"
# Arrays with an element for each transfer go as PostgreSQL's own text for them: the driver would look at every element.
_POST = """SELECT ledger_post($1::text::text[], $2::text::uuid[], $3::text::int[], $4::text::text[], $5::text::bigint[],
                              $6::text::bigint[], $7::text::numeric[])"""
_RUN = """SELECT lane_run($1::text::uuid[], $2::text::text[], $3::text::uuid[], $4::text::int[], $5::text::text[],
                          $6::text::bigint[], $7::text::bigint[], $8::text::numeric[], $9::text::int[], $10::text[],
                          $11::jsonb[], $12::uuid[])"""

REPLAYED = "replayed"
"""The function's word for: this very submission was committed before."""
MISSED = "TG001"


class Missed(Exception):
    """Some riders missed, and the whole batch was taken back: by submission (0-based), the first rider that did."""

    def __init__(self, riders: dict[int, str]) -> None:
        super().__init__(str(riders))
        self.riders = riders


@dataclass(frozen=True, slots=True)
class Batch:
    """Submissions for one commit. `rows[k]` is a JSON array for `statements[k]`; `names[k]` says whose each row is and
    what it is called."""

    submissions: Sequence[uuid.UUID]
    postings: Sequence[Posting | None]
    statements: Sequence[str]
    rows: Sequence[str]
    names: Sequence[Sequence[tuple[int, str]]]
    fences: Sequence[uuid.UUID]


def on_the_chart(posting: Posting) -> bool:
    """Does the chart of accounts know every line that this posting names?"""
    return all(t.debit.name in CHART and t.credit.name in CHART for t in posting.transfers)


async def run(connection: "asyncpg.Connection[Any]", known: dict[AccountRef, int], batch: Batch) -> list[Verdict]:
    """The batch in one round trip (two when accounts are new). Raises Missed; anything of asyncpg's."""
    numbers = await _numbers(connection, known, batch.postings)
    posting_of = [n for n, posting in enumerate(batch.postings, 1) if posting is not None and posting.transfers]
    arrays = _arrays([(batch.submissions[n - 1], batch.postings[n - 1]) for n in posting_of], numbers)
    receipts = [
        identity
        for identity, posting in zip(batch.submissions, batch.postings, strict=True)
        if posting is None or not posting.transfers
    ]
    try:
        answer: list[str] = await connection.fetchval(
            _RUN,
            _plain(batch.submissions),
            *arrays,
            _plain(posting_of),
            batch.statements,
            batch.rows,
            [*receipts, *batch.fences],
        )
    except asyncpg.PostgresError as error:
        if error.sqlstate != MISSED:
            raise
        missed: dict[int, str] = {}
        for step, i in json.loads(getattr(error, "detail", "[]")):
            missed.setdefault(*batch.names[step - 1][i])
        raise Missed(missed) from None
    return [Verdict(Outcome.POSTED if word == REPLAYED else Outcome(word)) for word in answer]


async def post(connection: "asyncpg.Connection[Any]", postings: Sequence[Posting]) -> list[Outcome]:
    """Post a batch by itself, in the connection's transaction or its own: one outcome for each posting, in order."""
    numbers = await _numbers(connection, {}, postings)
    words: list[str] = await connection.fetchval(_POST, *_arrays([(new_id(), p) for p in postings], numbers))
    return [Outcome.POSTED if word == REPLAYED else Outcome(word) for word in words]


async def _numbers(
    connection: "asyncpg.Connection[Any]", known: dict[AccountRef, int], postings: Sequence[Posting | None]
) -> dict[AccountRef, int]:
    new: dict[AccountRef, None] = {}
    for posting in postings:
        if posting is not None:
            for transfer in posting.transfers:
                if transfer.debit not in known:
                    new[transfer.debit] = None
                if transfer.credit not in known:
                    new[transfer.credit] = None
    if new:
        refs = list(new)
        kinds = [ref.kind for ref in refs]
        found: list[int] = await connection.fetchval(
            _OPEN,
            [ref.owner for ref in refs],
            [ref.name for ref in refs],
            [ref.asset for ref in refs],
            [ref.place for ref in refs],
            [kind.side.value for kind in kinds],
            [kind.overdraft for kind in kinds],
        )
        known.update(zip(refs, found, strict=True))
    return known


def _arrays(postings: Sequence[tuple[uuid.UUID, Posting | None]], numbers: dict[AccountRef, int]) -> tuple[str, ...]:
    """keys, ids, of, events, debits, credits, units as `ledger_post` takes them, each as the text of an array."""
    keys: list[str] = []
    ids: list[uuid.UUID] = []
    of: list[int] = []
    events: list[str] = []
    debits: list[int] = []
    credited: list[int] = []
    units: list[int] = []
    for identity, posting in postings:
        assert posting is not None
        keys.append(posting.key)
        for place, transfer in enumerate(posting.transfers):
            # The first transfer carries the submission's id: by it an earlier attempt is known.
            ids.append(new_id() if place else identity)
            of.append(len(keys))
            events.append(transfer.event)
            debits.append(numbers[transfer.debit])
            credited.append(numbers[transfer.credit])
            units.append(transfer.units)
    return _quoted(keys), _plain(ids), _plain(of), _quoted(events), _plain(debits), _plain(credited), _plain(units)


def _plain(values: Sequence[uuid.UUID] | Sequence[int]) -> str:
    """The text of an array of what needs no quotes."""
    return "{" + ",".join(map(str, values)) + "}"


def _quoted(values: Sequence[str]) -> str:
    """The text of an array of text."""
    return "{" + ",".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values) + "}"


async def forget_receipts(session: AsyncSession, *, before: datetime) -> None:
    await session.execute(delete(LaneReceipt).where(LaneReceipt.at < before))


@dataclass(frozen=True, slots=True)
class Standing:
    """An account and its balance now, in its own direction."""

    ref: AccountRef
    side: str
    balance: int


async def balance(session: AsyncSession, ref: AccountRef) -> int:
    """The account's balance; 0 when nothing was ever booked on it."""
    found = await session.scalar(
        select(Account.balance).where(
            Account.owner == ref.owner, Account.name == ref.name, Account.asset == ref.asset, Account.place == ref.place
        )
    )
    return found or 0


async def of_owner(session: AsyncSession, owner: uuid.UUID) -> list[Standing]:
    rows = await session.scalars(select(Account).where(Account.owner == owner).order_by(Account.id))
    return [Standing(AccountRef(r.owner, r.name, r.asset, r.place), r.side, r.balance) for r in rows]


_HOLDINGS = """
    SELECT owner, asset, sum(balance) AS units FROM ledger_accounts
    WHERE owner = ANY ($1) AND name IN ('available', 'held') AND place = '' GROUP BY owner, asset
"""


async def holdings(
    connection: "asyncpg.Connection[Any]", owners: Sequence[uuid.UUID]
) -> dict[uuid.UUID, dict[str, int]]:
    found: dict[uuid.UUID, dict[str, int]] = {}
    for row in await connection.fetch(_HOLDINGS, owners):
        found.setdefault(row["owner"], {})[row["asset"]] = int(row["units"])
    return found


async def totals(session: AsyncSession, at: datetime | None = None) -> list[tuple[str, str, str, str, int]]:
    """(asset, name, place, side, sum of balances) over all owners: the trial balance, now or at a past moment."""
    balances = "" if at is None else "CROSS JOIN LATERAL ledger_leg_at(a.id, :at) b"
    balance = "a.balance" if at is None else "b.balance"
    rows = await session.execute(
        text(
            f"SELECT a.asset, a.name, a.place, a.side, sum({balance}) FROM ledger_accounts a {balances} "  # noqa: S608  constants of this function
            "GROUP BY a.asset, a.name, a.place, a.side ORDER BY a.asset, a.name, a.place"
        ),
        {} if at is None else {"at": at},
    )
    return [(r[0], r[1], r[2], r[3], int(r[4])) for r in rows]


async def balance_at(session: AsyncSession, ref: AccountRef, at: datetime) -> int:
    """What the account stood at when everything posted up to and including that moment was booked."""
    found = await session.scalar(
        select(func.ledger_balance_at(Account.id, at)).where(
            Account.owner == ref.owner, Account.name == ref.name, Account.asset == ref.asset, Account.place == ref.place
        )
    )
    return int(found or 0)


async def posted_by(session: AsyncSession, keys: Sequence[str], at: datetime) -> set[str]:
    """Those of these postings that were in the books at that moment."""
    found = await session.scalars(
        select(TransferRow.key).where(TransferRow.key.in_(keys), TransferRow.n == 1, TransferRow.posted_at <= at)
    )
    return set(found)


async def transfers_of(
    session: AsyncSession, *, owner: uuid.UUID, keys: Sequence[str]
) -> Sequence[tuple[str, str, str, int, str, str, datetime]]:
    """(key, event, asset, units, debited name, credited name, when) of these postings where an account is the owner's, or
    a house's account gives to one; oldest first."""
    debit, credit = aliased(Account), aliased(Account)
    rows = await session.execute(
        select(
            TransferRow.key,
            TransferRow.event,
            debit.asset,
            TransferRow.units,
            debit.name,
            credit.name,
            TransferRow.posted_at,
        )
        .join(debit, debit.id == TransferRow.debit_account)
        .join(credit, credit.id == TransferRow.credit_account)
        .where(TransferRow.key.in_(keys), or_(debit.owner == owner, credit.owner == owner))
        .order_by(TransferRow.posted_at, TransferRow.key, TransferRow.n)
    )
    return rows.all()


# --- statements -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Span:
    """Numbers of an account above `low`, up to `top`."""

    account: int
    low: int
    top: int

    def upto(self, top: int) -> "Span":
        return Span(self.account, self.low, min(self.top, top))


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a transfer, as its account sees it: `change` in the account's own direction, `balance` after it.

    `against` is what the account on the other side is called.
    """

    number: int
    counterpart: int
    against: str
    key: str
    n: int
    event: str
    change: int
    balance: int
    at: datetime


# Both accounts in one statement: one snapshot, so that a transfer between them is in both or in neither.
SPANS = """
    SELECT a.name, a.id,
           CASE WHEN CAST(:since AS timestamptz) IS NULL THEN 0
                ELSE (SELECT sequence FROM ledger_leg_at(a.id, CAST(:since AS timestamptz) - interval '1 microsecond'))
           END AS low,
           CASE WHEN CAST(:until AS timestamptz) IS NULL THEN a.sequence
                ELSE (SELECT sequence FROM ledger_leg_at(a.id, CAST(:until AS timestamptz) - interval '1 microsecond'))
           END AS top
    FROM ledger_accounts a WHERE a.owner = :owner AND a.name IN ('available', 'held') AND a.asset = :asset AND a.place = ''
"""

# Customers' accounts rise by credit. Each half walks its own unique index backwards and stops.
LEGS = """
    SELECT l.*, a.name AS against FROM (
        (SELECT debit_sequence AS number, credit_account AS counterpart, key, n, event, -units::numeric AS change,
                debit_balance::numeric AS balance, posted_at AS at
         FROM ledger_transfers WHERE debit_account = :account AND debit_sequence <= :top
         ORDER BY debit_sequence DESC LIMIT :many)
        UNION ALL
        (SELECT credit_sequence, debit_account, key, n, event, units::numeric, credit_balance::numeric, posted_at
         FROM ledger_transfers WHERE credit_account = :account AND credit_sequence <= :top
         ORDER BY credit_sequence DESC LIMIT :many)) l
    LEFT JOIN ledger_accounts a ON a.id = l.counterpart
    ORDER BY number DESC LIMIT :many
"""


async def spans(
    session: AsyncSession, *, owner: uuid.UUID, asset: str, since: datetime | None, until: datetime | None
) -> dict[str, Span]:
    """By name (`available`, `held`): what was posted at or after `since` and before `until`."""
    rows = await session.execute(text(SPANS), {"owner": owner, "asset": asset, "since": since, "until": until})
    return {row.name: Span(row.id, row.low, row.top) for row in rows}


async def legs(session: AsyncSession, span: Span, many: int) -> list[Leg]:
    """The newest `many` up to the span's top, also below its low end: what stood before is read off those."""
    rows = await session.execute(text(LEGS), {"account": span.account, "top": span.top, "many": many})
    return [
        Leg(r.number, r.counterpart, r.against, r.key, r.n, r.event, int(r.change), int(r.balance), r.at) for r in rows
    ]
