"""The ledger proves itself: every account re-added from its transfers. Findings are sentences; none means exact."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.ledger import guards


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not add up."""

    check: str
    detail: str


@dataclass(frozen=True, slots=True)
class Check:
    """A named statement that answers with one row for each thing that is wrong."""

    name: str
    sql: str
    scans: bool = True
    """Reads every transfer: left out where it runs every few seconds."""


# One leg a row: the account, its number there, the signed change in the account's own direction, the balance it left.
_LEGS = """
    legs AS (
        SELECT debit_account AS account, debit_sequence AS sequence, debit_balance AS balance, units,
               'debit' AS side, id FROM ledger_transfers
        UNION ALL
        SELECT credit_account, credit_sequence, credit_balance, units, 'credit', id FROM ledger_transfers
    )
"""

CHECKS = (
    Check(
        "assets_balance",
        """
        SELECT asset || ': debit side ' || coalesce(sum(balance) FILTER (WHERE side = 'debit'), 0)
               || ', credit side ' || coalesce(sum(balance) FILTER (WHERE side = 'credit'), 0)
        FROM ledger_accounts GROUP BY asset
        HAVING coalesce(sum(balance) FILTER (WHERE side = 'debit'), 0)
            <> coalesce(sum(balance) FILTER (WHERE side = 'credit'), 0)
        """,
        scans=False,
    ),
    Check(
        "balances_equal_transfers",
        f"""
        WITH {_LEGS}, sums AS (
            SELECT l.account, sum(CASE WHEN l.side = a.side THEN l.units ELSE -l.units END) AS total, count(*) AS n
            FROM legs l JOIN ledger_accounts a ON a.id = l.account GROUP BY l.account
        )
        SELECT a.asset || ' ' || a.name || ' ' || a.place || ' of ' || a.owner || ': balance ' || a.balance
               || ', transfers say ' || coalesce(s.total, 0)
        FROM ledger_accounts a LEFT JOIN sums s ON s.account = a.id
        WHERE a.balance <> coalesce(s.total, 0) OR a.sequence <> coalesce(s.n, 0)
        """,
    ),
    Check(
        "numbers_have_no_gaps",
        f"""
        WITH {_LEGS}
        SELECT a.asset || ' ' || a.name || ' of ' || a.owner || ': ' || count(DISTINCT l.sequence) || ' numbers up to '
               || max(l.sequence)
        FROM legs l JOIN ledger_accounts a ON a.id = l.account
        GROUP BY a.id HAVING count(DISTINCT l.sequence) <> count(*) OR max(l.sequence) <> count(*) OR min(l.sequence) <> 1
        """,
    ),
    Check(
        "running_balances_hold",
        f"""
        WITH {_LEGS}, running AS (
            SELECT l.account, l.sequence, l.balance, l.id,
                   sum(CASE WHEN l.side = a.side THEN l.units ELSE -l.units END)
                       OVER (PARTITION BY l.account ORDER BY l.sequence) AS total
            FROM legs l JOIN ledger_accounts a ON a.id = l.account
        )
        SELECT 'transfer ' || id || ' left account ' || account || ' at ' || balance || ', re-adding says ' || total
        FROM running WHERE balance <> total LIMIT 20
        """,
    ),
    Check(
        "transfers_have_one_asset",
        """
        SELECT 'transfer ' || t.id || ' moves ' || d.asset || ' against ' || c.asset
        FROM ledger_transfers t JOIN ledger_accounts d ON d.id = t.debit_account
        JOIN ledger_accounts c ON c.id = t.credit_account WHERE d.asset <> c.asset LIMIT 20
        """,
    ),
    Check(
        "nothing_is_overdrawn",
        """
        SELECT asset || ' ' || name || ' of ' || owner || ' stands at ' || balance
        FROM ledger_accounts WHERE balance < 0 AND NOT overdraft LIMIT 20
        """,
        scans=False,
    ),
)


async def prove(session: AsyncSession, *, whole: bool = True) -> AsyncIterator[tuple[str, list[Finding]]]:
    """Each check by name with its findings, in the caller's (repeatable read) transaction.

    Without `whole`, those that read every transfer are left out.
    """
    for check in CHECKS:
        if check.scans and not whole:
            continue
        rows = await session.execute(text(check.sql))
        yield check.name, [Finding(check.name, str(row[0])) for row in rows]
    async for name, found in guards.look(session, whole=whole):
        yield name, [Finding(name, detail) for detail in found]


async def held_by(session: AsyncSession) -> dict[tuple[str, str], int]:
    """(owner, asset) → what stands in customers' `held` accounts; zero balances left out."""
    rows = await session.execute(
        text("SELECT owner::text, asset, balance FROM ledger_accounts WHERE name = 'held' AND balance <> 0")
    )
    return {(row[0], row[1]): int(row[2]) for row in rows}
