"""What the wallets room adds to the identity ledger = chain."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.wallets import deposit_store, rules, store


async def terms(session: AsyncSession) -> dict[tuple[str, str], int]:
    """By (network, asset): deposits in a block and not booked, less those booked and no longer in a block."""
    return await deposit_store.not_booked(session)


async def owed(session: AsyncSession) -> dict[str, int]:
    """By asset: what customers owe after reorgs; equals the ledger's `receivable`."""
    return await deposit_store.receivables(session)


async def addresses(session: AsyncSession, *, network: str) -> Sequence[str]:
    """Every deposit address ever handed out whose coins may stand on this network: its own and its family's."""
    families = {network, rules.family("", "0x")}
    found = [await store.all_addresses(session, family=family) for family in sorted(families)]
    return [address for some in found for address in some]


async def heights(session: AsyncSession) -> dict[str, int | None]:
    """By network: the height the last scan was made at."""
    return {name: scan.height for name, scan in (await store.scans(session)).items()}
