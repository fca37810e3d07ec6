"""What the treasurer sees and says: balances by place, moves, proposals, money that came from outside."""

import uuid

from tidegate.config import Settings
from tidegate.database import Database, utcnow
from tidegate.ledger.balances import balance
from tidegate.ledger.rules import house
from tidegate.money import asset as asset_of
from tidegate.money import format_units, parse_units
from tidegate.refusal import Kind, Refusal
from tidegate.treasury import move_store, venue_store
from tidegate.treasury.inventory import payable
from tidegate.treasury.rules import Booked, ProposalState
from tidegate.treasury.schemas import MoveOut, ProposalOut, VenueMoveOut, WalletOut
from tidegate.treasury.tables import MoveRow, ProposalRow, VenueMoveRow
from tidegate.wire import Cursor, Page, next_cursor

ALL = [state.value for state in ProposalState]


async def proposals(db: Database, *, state: str | None, limit: int, before: Cursor | None) -> Page[ProposalOut]:
    """Newest first."""
    async with db.reading() as session:
        rows = await move_store.proposals(session, states=[state] if state else ALL, before=before, limit=limit)
    shown = [_proposal(row) for row in rows]
    return Page(items=shown, next_cursor=next_cursor([(row.created_at, row.id) for row in rows], limit))


def _proposal(row: ProposalRow) -> ProposalOut:
    return ProposalOut(
        id=row.id,
        kind=row.kind,
        venue=row.venue,
        network=row.network,
        asset=row.asset,
        amount=format_units(row.units, asset_of(row.asset).decimals),
        address=row.address,
        reason=row.reason,
        state=row.state,
        created_at=row.created_at,
        changed_at=row.changed_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
    )


async def dismiss(db: Database, *, proposal_id: uuid.UUID, by: str) -> ProposalOut:
    """A person does not want it. It is made again when more is needed, or after a day. Refuses NOT_FOUND, CONFLICT."""
    now = utcnow()
    async with db.transaction() as session:
        row = await move_store.proposal(session, proposal_id)
        if row is None:
            raise Refusal(Kind.NOT_FOUND, "There is no such proposal.")
        if row.state in (ProposalState.DONE.value, ProposalState.ACCEPTED.value):
            raise Refusal(Kind.CONFLICT, f"It is {row.state} already.")
        if row.state == ProposalState.OPEN.value:
            row.state, row.ended_at, row.changed_at, row.ended_by = ProposalState.DISMISSED.value, now, now, by
        return _proposal(row)


async def accept(db: Database, *, proposal_id: uuid.UUID, amount: str, by: str) -> ProposalOut:
    """A person wants it moved, exactly so much. The worker makes the move; accepting again changes nothing.

    Refuses NOT_FOUND, and CONFLICT what is no move between an exchange and the hot wallet, is over, or is another amount.
    """
    now = utcnow()
    async with db.transaction() as session:
        row = await move_store.proposal(session, proposal_id)
        if row is None:
            raise Refusal(Kind.NOT_FOUND, "There is no such proposal.")
        if not row.venue:
            raise Refusal(Kind.CONFLICT, "Only moves between an exchange and the hot wallet are made by the house.")
        if row.state in (ProposalState.DONE.value, ProposalState.DISMISSED.value):
            raise Refusal(Kind.CONFLICT, "It is over already.")
        shown = _proposal(row)
        if amount != shown.amount:
            raise Refusal(Kind.CONFLICT, f"It is {shown.amount} {row.asset} now: look again.")
        if row.state == ProposalState.OPEN.value:
            row.state, row.ended_at, row.changed_at, row.ended_by = ProposalState.ACCEPTED.value, now, now, by
        return _proposal(row)


async def venue_moves(db: Database, *, limit: int) -> list[VenueMoveOut]:
    """The newest ones."""
    async with db.reading() as session:
        rows = await venue_store.newest(session, limit)
    return [_venue_move(row) for row in rows]


def _venue_move(row: VenueMoveRow) -> VenueMoveOut:
    decimals = asset_of(row.asset).decimals
    return VenueMoveOut(
        id=row.id,
        venue=row.venue,
        network=row.network,
        asset=row.asset,
        direction=row.direction,
        amount=format_units(row.units, decimals),
        arrived=None if row.arrived_units is None else format_units(row.arrived_units, decimals),
        address=row.address,
        state=row.state,
        txid=row.txid,
        reason=row.reason,
        trouble=row.trouble,
        proposal_id=row.proposal_id,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


async def wallets(db: Database, settings: Settings) -> list[WalletOut]:
    """Every asset of every network."""
    found = []
    async with db.reading() as session:
        for name, network in settings.networks.items():
            bitcoin = network.kind == "bitcoin"
            for code in ("BTC" if bitcoin else "ETH", *network.tokens):
                decimals = asset_of(code).decimals
                there = {
                    place: format_units(await balance(session, house(place, code, name)), decimals)
                    for place in ("wallet:hot", "wallet:deposit", "wallet:cold")
                }
                free = await payable(session, name, code, bitcoin=bitcoin)
                cap, floor = network.hot_cap.get(code), network.hot_floor.get(code)
                found.append(
                    WalletOut(
                        network=name,
                        asset=code,
                        hot=there["wallet:hot"],
                        deposits=there["wallet:deposit"],
                        cold=there["wallet:cold"],
                        payable=format_units(free, decimals),
                        cap=None if cap is None else format_units(parse_units(cap, decimals), decimals),
                        floor=None if floor is None else format_units(parse_units(floor, decimals), decimals),
                    )
                )
    return found


async def moves(db: Database, *, limit: int) -> list[MoveOut]:
    """The newest ones."""
    async with db.reading() as session:
        rows = await move_store.newest(session, limit)
    return [_move(row) for row in rows]


def _move(row: MoveRow) -> MoveOut:
    ended = "arrived" if row.booked == Booked.ARRIVED.value else "failed"
    return MoveOut(
        id=row.set_id,
        purpose=row.purpose,
        network=row.network,
        asset=row.asset,
        amount=format_units(row.units, asset_of(row.asset).decimals),
        address=row.address,
        state="under_way" if row.ended_at is None else ended,
        reason=row.reason,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )
