"""What the house can pay with, and the operator's capital coming in."""

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.database import new_id
from tidegate.ledger.balances import balance
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import AccountRef, Posting, Transfer, Verdict, house
from tidegate.treasury import move_store, underway
from tidegate.wallets import sweepable


async def payable(session: AsyncSession, network: str, asset: str, *, bitcoin: bool) -> int:
    """Base units that can leave for payouts now: the hot wallet (Bitcoin: credited deposits' coins too) less what is
    under way."""
    units = await balance(session, house("wallet:hot", asset, network))
    if bitcoin:
        units += await balance(session, house("wallet:deposit", asset, network))
        units -= await sweepable.uncleared_units(session, network=network, asset=asset)
    units -= await move_store.promised(session, network, asset)
    return units - await underway.committed_units(session, network, asset)


async def fund(lane: Lane, account: AccountRef, units: int, *, key: str) -> Verdict:
    """The operator funds a wallet or a venue: the asset rises, capital rises. Once for ever by `key`."""
    object_id = new_id()
    move = Transfer(account, house("capital", account.asset), units, "operator funds")
    return await lane.submit(Posting(f"fund:{key}", (move,), "fund", object_id))
