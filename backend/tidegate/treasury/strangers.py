"""What left our wallets and no book of ours knows: somebody else has our keys, or these books are not the newest."""

from dataclasses import asdict, dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.chains.families import keeps_accounts, keeps_coins
from tidegate.chains.port import Chain
from tidegate.database import Database
from tidegate.treasury import underway


@dataclass(frozen=True, slots=True)
class Orphan:
    """`name` is a transaction's id, or a payment's; `what` says what is wrong with it."""

    network: str
    name: str
    what: str

    def to_json(self) -> dict[str, str]:
        return asdict(self)


async def look(db: Database, chain: Chain) -> list[Orphan]:
    """On one chain. It is asked before the books are read: what is sent is in them beforehand. Raises NodeUnavailable."""
    if keeps_coins(chain):
        async with db.reading() as session:
            began = await underway.began(session)
        # As with accounts, what a wallet did before these books had anybody is its history and not a theft.
        spent = await chain.spends(began) if began is not None else []
        async with db.reading() as session:
            known = await underway.stored(session, chain.network, spent)
        what = "a transaction that spends our coins is not ours"
        return [Orphan(chain.network, txid, what) for txid in sorted(set(spent) - known)]
    assert keeps_accounts(chain)
    used = await chain.next_nonce(chain.hot_address)
    async with db.reading() as session:
        return await _beyond(session, chain.network, chain.hot_address, used)


async def _beyond(session: AsyncSession, network: str, address: str, used: int) -> list[Orphan]:
    ours = await underway.counted(session, network)
    # An address that was never used by us may have a history: spending goes on where the chain stands.
    if not ours or used <= ours:
        return []
    what = f"the chain counts {used} transactions of the hot address, we made {ours}"
    return [Orphan(network, f"nonce {ours} of {address}", what)]
