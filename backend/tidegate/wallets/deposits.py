"""Reading deposits as their owner sees them."""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.config import Settings
from tidegate.database import utcnow
from tidegate.money import UnknownAsset, format_units
from tidegate.money import asset as asset_of
from tidegate.refusal import Kind, Refusal
from tidegate.wallets import deposit_store, lag, rules, store
from tidegate.wallets.cashier import Cashier
from tidegate.wallets.rules import DepositState
from tidegate.wallets.schemas import DepositOut
from tidegate.wallets.tables import DepositRow
from tidegate.wire import Cursor, Page, next_cursor


async def page(
    cashier: Cashier,
    *,
    user_id: uuid.UUID,
    asset: str | None,
    network: str | None,
    state: str | None,
    limit: int,
    before: Cursor | None,
) -> Page[DepositOut]:
    """The user's deposits, newest first."""
    async with cashier.db.reading() as session:
        rows = await deposit_store.page_of(
            session, user_id=user_id, asset=asset, network=network, state=state, before=before, limit=limit
        )
        unfit = await _unfit(session)
    now = utcnow()
    items = [shape(cashier.settings, row, unfit, now) for row in rows]
    return Page(items=items, next_cursor=next_cursor([(row.detected_at, row.id) for row in rows], limit))


async def get(cashier: Cashier, *, user_id: uuid.UUID, deposit_id: uuid.UUID) -> DepositOut:
    """One deposit. Refuses NOT_FOUND, also for another user's."""
    async with cashier.db.reading() as session:
        row = await deposit_store.one_of(session, user_id=user_id, deposit_id=deposit_id)
        unfit = await _unfit(session)
    if row is None:
        raise Refusal(Kind.NOT_FOUND, "There is no such deposit.")
    return shape(cashier.settings, row, unfit, utcnow())


async def _unfit(session: AsyncSession) -> set[str]:
    """Networks whose node could not be decided from when it was last asked, or that are read too slowly."""
    now = utcnow()
    return {name for name, scan in (await store.scans(session)).items() if not scan.fit or lag.why(scan, now)}


def shape(settings: Settings, row: DepositRow, unfit: set[str], now: datetime) -> DepositOut:
    """A row as its owner sees it."""
    network = settings.networks.get(row.network)
    on_bitcoin = network is not None and network.family == "bitcoin"
    state = DepositState(row.state)
    block_seconds = network.block_seconds if network is not None else 0
    blocks = max(row.confirmations_required, rules.FINALITY_BLOCKS.get(row.finality or "", 0))
    promise = rules.promised(row.detected_at, blocks, block_seconds)
    waits = rules.waits(state, row.sub_status, promise, node_fit=row.network not in unfit, now=now)
    has_transaction = row.index > rules.UNATTRIBUTED_INDEX
    explorer = network.explorer_tx_url if network is not None and has_transaction else None
    return DepositOut(
        id=row.id,
        asset=row.asset,
        network=row.network,
        address=row.address,
        amount=_amount(row),
        state=state.value,
        sub_status=waits.sub_status,
        waiting_for=waits.waiting_for,
        since=row.since,
        expected_by=waits.expected_by,
        can_cancel=None,
        txid=row.txid,
        vout=row.index if on_bitcoin else None,
        log_index=row.index if not on_bitcoin and row.index >= 0 else None,
        block_height=row.block_height,
        confirmations=max(row.confirmations, 0),
        confirmations_required=row.confirmations_required,
        finality=row.finality,
        reason=row.reason,
        contract=row.contract,
        explorer_url=explorer.replace("{txid}", row.txid) if explorer else None,
        detected_at=row.detected_at,
        credited_at=row.credited_at,
        version=row.version,
    )


def _amount(row: DepositRow) -> str:
    try:
        return format_units(row.units, asset_of(row.asset).decimals)
    except UnknownAsset:  # a token of ours that the house does not list: its decimals are not ours to say
        return str(row.units)
