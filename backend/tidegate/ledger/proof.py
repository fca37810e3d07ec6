"""The ledger proves itself: every account re-added from its transfers. Findings are sentences; none means exact."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.ledger import guards, walk


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not add up. `detail` begins with its asset, where it is about one."""

    check: str
    detail: str


@dataclass(frozen=True, slots=True)
class Check:
    """A named statement that answers with one row for each thing that is wrong."""

    name: str
    sql: str


# By the accounts alone: cheap enough for every few seconds.
QUICK = (
    Check(
        "assets_balance",
        """
        SELECT asset || ': debit side ' || coalesce(sum(balance) FILTER (WHERE side = 'debit'), 0)
               || ', credit side ' || coalesce(sum(balance) FILTER (WHERE side = 'credit'), 0)
        FROM ledger_accounts GROUP BY asset
        HAVING coalesce(sum(balance) FILTER (WHERE side = 'debit'), 0)
            <> coalesce(sum(balance) FILTER (WHERE side = 'credit'), 0)
        """,
    ),
    Check(
        "nothing_is_overdrawn",
        """
        SELECT asset || ' ' || name || ' of ' || owner || ' stands at ' || balance
        FROM ledger_accounts WHERE balance < 0 AND NOT overdraft LIMIT 20
        """,
    ),
)

_ASSETS_THEN = """
    SELECT a.asset, coalesce(sum(b.balance) FILTER (WHERE a.side = 'debit'), 0) AS debit,
           coalesce(sum(b.balance) FILTER (WHERE a.side = 'credit'), 0) AS credit
    FROM ledger_accounts a CROSS JOIN LATERAL ledger_leg_at(a.id, :at) b GROUP BY a.asset
    HAVING coalesce(sum(b.balance) FILTER (WHERE a.side = 'debit'), 0)
        <> coalesce(sum(b.balance) FILTER (WHERE a.side = 'credit'), 0)
"""

CHECKS = (*(check.name for check in QUICK), *walk.CHECKS)
"""What a whole proof of the present goes through, by name."""


def _silent(_done: int, _of: int) -> None:
    pass


async def prove(
    session: AsyncSession,
    *,
    whole: bool = True,
    at: datetime | None = None,
    progress: walk.Progress = _silent,
    stretch: int = walk.STRETCH,
) -> AsyncIterator[tuple[str, list[Finding]]]:
    """Each check by name with its findings, in the caller's (repeatable read) transaction.

    Without `whole`, the transfers are not walked through. `at`: the books as they were with everything posted up to and
    including that moment. `progress` is told how many legs (two a transfer) were walked, of how many.
    """
    if at is None:
        for check in QUICK:
            rows = await session.execute(text(check.sql))
            yield check.name, [Finding(check.name, str(row[0])) for row in rows]
        async for name, details in guards.look(session, whole=whole):
            yield name, [Finding(name, detail) for detail in details]
    else:
        rows = await session.execute(text(_ASSETS_THEN), {"at": at})
        off = [f"{row.asset}: debit side {row.debit:f}, credit side {row.credit:f}" for row in rows]
        yield "assets_balance", [Finding("assets_balance", sentence) for sentence in off]
    if not whole:
        return
    found = await walk.Walk(session, at=at, progress=progress, stretch=stretch).run()
    for name in walk.CHECKS:
        yield name, [Finding(name, sentence) for sentence in found.sentences(name)]


async def held_by(session: AsyncSession, at: datetime | None = None) -> dict[tuple[str, str], int]:
    """(owner, asset) → what stands (or stood, at that moment) in customers' `held` accounts; zero balances left out."""
    if at is None:
        sql = "SELECT owner::text, asset, balance FROM ledger_accounts WHERE name = 'held' AND balance <> 0"
        rows = await session.execute(text(sql))
    else:
        sql = """SELECT a.owner::text, a.asset, b.balance FROM ledger_accounts a
                 CROSS JOIN LATERAL ledger_leg_at(a.id, :at) b WHERE a.name = 'held' AND b.balance <> 0"""
        rows = await session.execute(text(sql), {"at": at})
    return {(row[0], row[1]): int(row[2]) for row in rows}
