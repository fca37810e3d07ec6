"""All SQL of the ledger. Writing goes through the database function `ledger_post` and nothing else."""

import json
import uuid
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.database import new_id
from tidegate.ledger.rules import AccountRef, Outcome, Posting
from tidegate.ledger.tables import Account

_POST = text("SELECT ledger_post(CAST(:posting AS jsonb))")


async def post(session: AsyncSession, posting: Posting) -> Outcome:
    """Post one linked group in the caller's transaction. Anything but POSTED wrote nothing."""
    body = {
        "id": str(new_id()),
        "key": posting.key,
        "kind": posting.kind,
        "object_id": str(posting.object_id),
        "transfers": [
            {
                "id": str(new_id()),
                "event": transfer.event,
                "units": str(transfer.units),
                "debit": _account(transfer.debit),
                "credit": _account(transfer.credit),
            }
            for transfer in posting.transfers
        ],
    }
    verdict: str = (await session.execute(_POST, {"posting": json.dumps(body)})).scalar_one()
    return Outcome(verdict)


def _account(ref: AccountRef) -> dict[str, str | bool]:
    kind = ref.kind
    return {
        "owner": str(ref.owner),
        "name": ref.name,
        "asset": ref.asset,
        "place": ref.place,
        "side": kind.side.value,
        "overdraft": kind.overdraft,
    }


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


async def totals(session: AsyncSession) -> list[tuple[str, str, str, str, int]]:
    """(asset, name, place, side, sum of balances) over all owners: the trial balance."""
    rows = await session.execute(
        text(
            "SELECT asset, name, place, side, sum(balance) FROM ledger_accounts "
            "GROUP BY asset, name, place, side ORDER BY asset, name, place"
        )
    )
    return [(r[0], r[1], r[2], r[3], int(r[4])) for r in rows]
