"""Booking deposits: each decision of `rules.step` is one posting, once, with the guarded change of its row."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.compliance import pause
from tidegate.config import Settings
from tidegate.database import Database, Rider, utcnow
from tidegate.ledger.balances import balance
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Outcome, Posting, Verdict, customer, house
from tidegate.money import UnknownAsset
from tidegate.money import asset as asset_of
from tidegate.outbox.events import changed
from tidegate.refusal import Kind, Refusal
from tidegate.wallets import deposit_store, rules
from tidegate.wallets.overview import minimum_units
from tidegate.wallets.rules import Booked, Deposit, DepositState, Move, Reason, Step, Terms

log = structlog.get_logger(__name__)

WORKER = "tidegate"
_AT_ONCE = 1024
"""Bookings that wait together: the lane makes a few commits of them."""
_TRIES = 5
"""A balance or a debt read before the commit may have moved; then it is read again."""


async def settle(db: Database, lane: Lane, *, network: str, settings: Settings, now: datetime) -> bool:
    """Make the books of every watched deposit right; undone ones first. True when anything was booked.

    What is undone is undone one after the other, since it may be one customer's; what is credited travels together.
    """
    async with db.reading() as session:
        found = await deposit_store.unsettled(session, network=network)
        steps, debts = await _decided(session, settings, found)
    any_booked, stuck = False, set()
    for deposit, step in steps:
        if step.move is Move.UNDO:
            done = await _take(db, lane, deposit, step, 0, now)
            any_booked |= done
            log.info("deposit_undone", deposit=str(deposit.id), asset=deposit.asset, units=deposit.units, done=done)
            if not done:
                stuck.add(deposit.txid)
    # What a transaction pays to one customer is not booked while it is still booked to another.
    rest = [(d, step) for d, step in steps if step.move is not Move.UNDO and d.txid not in stuck]
    for start in range(0, len(rest), _AT_ONCE):
        some = rest[start : start + _AT_ONCE]
        booked = await asyncio.gather(
            *(_take(db, lane, d, step, debts.get((d.user_id, d.asset), 0), now) for d, step in some)
        )
        any_booked |= any(booked)
        log.info("deposits_booked", network=network, booked=sum(booked), of=len(some))
    return any_booked


async def book_new(
    db: Database,
    lane: Lane,
    *,
    network: str,
    settings: Settings,
    rows: Sequence[dict[str, Any]],
    version: int,
    now: datetime,
) -> None:
    """Store and book payments that are deep enough when they are seen for the first time, each with its row.

    As good as storing them and then booking them, and half the work. Nothing is done for those of a scan that is not
    the newest any more (`version`), nor where a person or another row has a say.
    """
    deposits = [deposit_store.of_new(row) for row in rows]
    async with db.reading() as session:
        steps, debts = await _decided(session, settings, deposits)
    row_of = {row["id"]: row for row in rows}
    at_once = [(d, step) for d, step in steps if step.move in (Move.CREDIT, Move.SUSPEND)]
    fresh = deposit_store.unchanged(network=network, version=version)
    for start in range(0, len(at_once), _AT_ONCE):
        some = at_once[start : start + _AT_ONCE]
        verdicts = await asyncio.gather(
            *(_first(lane, row_of[d.id], d, step, debts.get((d.user_id, d.asset), 0), fresh, now) for d, step in some)
        )
        booked = sum(verdict.posted for verdict in verdicts)
        log.info("deposits_booked", network=network, booked=booked, of=len(some))


async def _first(
    lane: Lane, row: dict[str, Any], deposit: Deposit, step: Step, owed: int, fresh: Rider, now: datetime
) -> Verdict:
    # A row that is stored and then booked has version 2: nobody can tell the two ways apart.
    told = changed(deposit.user_id, "deposit", deposit.id, 2)
    values = row | {"state": step.state, "sub_status": step.sub_status, "version": 2}
    if step.move is Move.SUSPEND:
        stored = deposit_store.insert_rider(values | {"booked": Booked.SUSPENSE})
        return await lane.submit(rules.suspend(deposit), [fresh, stored, told])
    posting, riders = _repaying(deposit, owed, rules.credit)
    stored = deposit_store.insert_rider(values | {"booked": Booked.CUSTOMER, "credited_at": now})
    return await lane.submit(posting, [fresh, stored, *riders, told])


async def _decided(
    session: AsyncSession, settings: Settings, deposits: Sequence[Deposit]
) -> tuple[list[tuple[Deposit, Step]], dict[tuple[uuid.UUID, str], int]]:
    """What has to be booked, in this order, and what the customers owe by (user, asset)."""
    stopped = {code: await pause.paused(session, code) is not None for code in {d.asset for d in deposits}}
    debts = await deposit_store.debts(session, user_ids={d.user_id for d in deposits}) if deposits else {}
    terms = {code: _terms(settings, code, paused=paused) for code, paused in stopped.items()}
    decided = [(deposit, rules.step(deposit, terms[deposit.asset])) for deposit in deposits]
    return [(deposit, step) for deposit, step in decided if step is not None], debts


def _terms(settings: Settings, code: str, *, paused: bool) -> Terms:
    try:
        asset = asset_of(code)
    except UnknownAsset:
        return Terms(0, listed=False, paused=paused)
    return Terms(minimum_units(settings.minimum_deposit, asset), asset.listed, paused)


def _is_listed(code: str) -> bool:
    try:
        return asset_of(code).listed
    except UnknownAsset:
        return False


async def _take(db: Database, lane: Lane, deposit: Deposit, step: Step, owed: int, now: datetime) -> bool:
    """One step for one deposit. False when it could not be made now; the next scan finds it again."""
    verdict = None
    for again in range(_TRIES):
        if again and step.move is Move.CREDIT:
            async with db.reading() as session:
                owed = await deposit_store.owed(session, user_id=deposit.user_id, asset=deposit.asset)
        verdict = await _try(db, lane, deposit, step, owed, now)
        if verdict.posted:
            return True
        if verdict.rider != "receivable" and verdict.outcome is not Outcome.INSUFFICIENT:
            break
    # "deposit": another worker changed the row, which is how it should be. All else wants a look.
    if verdict is not None and verdict.rider != "deposit":
        log.error(
            "deposit_not_booked", deposit=str(deposit.id), move=step.move, outcome=verdict.outcome, rider=verdict.rider
        )
    return False


async def _try(db: Database, lane: Lane, deposit: Deposit, step: Step, owed: int, now: datetime) -> Verdict:
    told = changed(deposit.user_id, "deposit", deposit.id, deposit.version + 1)
    values: dict[str, Any] = {"state": step.state, "sub_status": step.sub_status, "since": now}
    if step.move is Move.WAIT:
        return await lane.write([deposit_store.book(deposit, values=values), told])
    if step.move is Move.NOTE:
        return await lane.write([deposit_store.book(deposit, values=values | {"final_at": now}), told])
    if step.move is Move.SUSPEND:
        # Ether that no block shows was read at a block that cannot be taken away: nothing is left to watch.
        values |= {"booked": Booked.SUSPENSE, "final_at": now if deposit.reason is Reason.UNATTRIBUTED else None}
        return await lane.submit(rules.suspend(deposit), [deposit_store.book(deposit, values=values), told])
    if step.move is Move.CREDIT:
        values |= {"booked": Booked.CUSTOMER, "credited_at": now}
        posting, riders = _repaying(deposit, owed, rules.credit)
        return await lane.submit(posting, [deposit_store.book(deposit, values=values), *riders, told])
    return await _undo(db, lane, deposit, values, told)


async def _undo(db: Database, lane: Lane, deposit: Deposit, values: dict[str, Any], told: Rider) -> Verdict:
    async with db.reading() as session:
        undone = rules.undo(
            deposit,
            await balance(session, customer(deposit.user_id, "available", deposit.asset)),
            await balance(session, house("wallet:deposit", deposit.asset, deposit.network)),
            await balance(session, house("wallet:hot", deposit.asset, deposit.network)),
        )
    values |= {"booked": None, "credited_at": None, "epoch": deposit.epoch + 1}
    owe = deposit_store.owe(user_id=deposit.user_id, asset=deposit.asset, units=undone.owed)
    riders = [deposit_store.book(deposit, values=values), *([owe] if undone.owed else []), told]
    verdict = await lane.submit(undone.posting, riders)
    if verdict.posted and undone.spent:
        # The payout that spent its coin is gone from the chain too, and our books call it done.
        log.error("deposit_undone_after_its_coin_was_spent", deposit=str(deposit.id), txid=deposit.txid)
        reason = (
            f"A deposit left the chain after its coin was spent ({deposit.txid}): look at the payouts made with it."
        )
        await pause.pause(db, asset=deposit.asset, by=WORKER, reason=reason)
    return verdict


def _repaying(deposit: Deposit, owed: int, make: Callable[[Deposit, int], Posting]) -> tuple[Posting, Sequence[Rider]]:
    """A posting that first repays what this customer owes, and the rider that lowers the debt with it."""
    repaid = min(owed, deposit.units)
    if not repaid:
        return make(deposit, owed), ()
    lower = deposit_store.repay(user_id=deposit.user_id, asset=deposit.asset, before=owed, units=repaid)
    return make(deposit, owed), (lower,)


async def explain(db: Database, lane: Lane, *, deposit_id: uuid.UUID, by: str) -> None:
    """An operator's word that a deposit in suspense is the customer's: below the minimum, held, or unknown then.

    Refuses NOT_FOUND, and CONFLICT when it is not in suspense (any more) or no customer can hold its asset.
    """
    async with db.reading() as session:
        row = await deposit_store.one(session, deposit_id=deposit_id)
    if row is None:
        raise Refusal(Kind.NOT_FOUND, "There is no such deposit.")
    deposit = deposit_store.of(row)
    if deposit.booked is not Booked.SUSPENSE or deposit.sub_status == rules.REORGED:
        raise Refusal(Kind.CONFLICT, "This deposit is not in suspense.")
    if not _is_listed(deposit.asset):
        raise Refusal(Kind.CONFLICT, f"No customer can hold {deposit.asset} here.")
    now = utcnow()
    values = {
        "state": DepositState.CREDITED,
        "sub_status": None,
        "booked": Booked.CUSTOMER,
        "explained": True,
        "explained_by": by,
        "credited_at": now,
        "since": now,
    }
    async with db.reading() as session:
        owed = await deposit_store.owed(session, user_id=deposit.user_id, asset=deposit.asset)
    posting, riders = _repaying(deposit, owed, rules.explain)
    told = changed(deposit.user_id, "deposit", deposit.id, deposit.version + 1)
    verdict = await lane.submit(posting, [deposit_store.book(deposit, values=values), *riders, told])
    if not verdict.posted:
        raise Refusal(Kind.CONFLICT, "It changed meanwhile; look again.")
    log.warning("deposit_explained", deposit=str(deposit.id), by=by, asset=deposit.asset, units=deposit.units)
