"""Booking deposits: each decision of `rules.step` is one posting, once, with the guarded change of its row."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog

from tidegate.compliance import pause
from tidegate.config import Settings
from tidegate.database import Database, Rider, utcnow
from tidegate.ledger.balances import balance
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Outcome, Posting, Verdict, customer
from tidegate.money import UnknownAsset
from tidegate.money import asset as asset_of
from tidegate.outbox.events import changed
from tidegate.refusal import Kind, Refusal
from tidegate.wallets import deposit_store, rules
from tidegate.wallets.overview import minimum_units
from tidegate.wallets.rules import Booked, Deposit, DepositState, Move, Step, Terms

log = structlog.get_logger(__name__)

_TRIES = 5
"""A balance or a debt read before the commit may have moved; then it is read again."""


async def settle(db: Database, lane: Lane, *, network: str, settings: Settings, now: datetime) -> bool:
    """Make the books of every watched deposit right; undone ones first. True when anything was booked."""
    async with db.reading() as session:
        rows = await deposit_store.unsettled(session, network=network)
        stopped = {row.asset: await pause.paused(session, row.asset) is not None for row in rows}
    any_booked = False
    for row in rows:
        terms = _terms(settings, row.asset, row.confirmations_required, paused=stopped[row.asset])
        deposit = deposit_store.of(row)
        step = rules.step(deposit, terms)
        if step is not None:
            any_booked |= await _take(db, lane, deposit, step, now)
    return any_booked


def _terms(settings: Settings, code: str, required: int, *, paused: bool) -> Terms:
    try:
        asset = asset_of(code)
    except UnknownAsset:
        return Terms(required, 0, listed=False, paused=paused)
    return Terms(required, minimum_units(settings.minimum_deposit, asset), asset.listed, paused)


async def _take(db: Database, lane: Lane, deposit: Deposit, step: Step, now: datetime) -> bool:
    """One step for one deposit. False when it could not be made now; the next scan finds it again."""
    for _ in range(_TRIES):
        verdict = await _try(db, lane, deposit, step, now)
        if verdict.posted:
            log.info(
                "deposit_booked", deposit=str(deposit.id), move=step.move, asset=deposit.asset, units=deposit.units
            )
            return True
        if verdict.rider == "receivable" or verdict.outcome is Outcome.INSUFFICIENT:
            continue
        break
    # "deposit": another worker changed the row, which is how it should be. All else wants a look.
    if verdict.rider != "deposit":
        log.error(
            "deposit_not_booked", deposit=str(deposit.id), move=step.move, outcome=verdict.outcome, rider=verdict.rider
        )
    return False


async def _try(db: Database, lane: Lane, deposit: Deposit, step: Step, now: datetime) -> Verdict:
    told = changed(deposit.user_id, "deposit", deposit.id, deposit.version + 1)
    values: dict[str, Any] = {"state": step.state, "sub_status": step.sub_status, "since": now}
    if step.move is Move.WAIT:
        return await lane.write([deposit_store.book(deposit, values=values), told])
    if step.move is Move.SUSPEND:
        values |= {"booked": Booked.SUSPENSE}
        return await lane.submit(rules.suspend(deposit), [deposit_store.book(deposit, values=values), told])
    if step.move is Move.CREDIT:
        values |= {"booked": Booked.CUSTOMER, "credited_at": now}
        posting, riders = await _repaying(db, deposit, rules.credit)
        return await lane.submit(posting, [deposit_store.book(deposit, values=values), *riders, told])
    async with db.reading() as session:
        available = await balance(session, customer(deposit.user_id, "available", deposit.asset))
    posting, owed = rules.undo(deposit, available)
    values |= {"booked": None, "credited_at": None, "epoch": deposit.epoch + 1}
    riders = [deposit_store.owe(user_id=deposit.user_id, asset=deposit.asset, units=owed)] if owed else []
    return await lane.submit(posting, [deposit_store.book(deposit, values=values), *riders, told])


async def _repaying(db: Database, deposit: Deposit, make: Any) -> tuple[Posting, Sequence[Rider]]:
    """A posting that first repays what this customer owes, and the rider that lowers the debt with it."""
    async with db.reading() as session:
        owed = await deposit_store.owed(session, user_id=deposit.user_id, asset=deposit.asset)
    posting: Posting = make(deposit, owed)
    repaid = min(owed, deposit.units)
    if not repaid:
        return posting, ()
    lower = deposit_store.repay(user_id=deposit.user_id, asset=deposit.asset, before=owed, units=repaid)
    return posting, (lower,)


async def explain(db: Database, lane: Lane, *, deposit_id: uuid.UUID, by: str) -> None:
    """An operator's word that a deposit in suspense is the customer's: below the minimum, held, or unknown then.

    Refuses NOT_FOUND, and CONFLICT when it is not in suspense (any more).
    """
    async with db.reading() as session:
        row = await deposit_store.one(session, deposit_id=deposit_id)
    if row is None:
        raise Refusal(Kind.NOT_FOUND, "There is no such deposit.")
    deposit = deposit_store.of(row)
    if deposit.booked is not Booked.SUSPENSE or deposit.sub_status == rules.REORGED:
        raise Refusal(Kind.CONFLICT, "This deposit is not in suspense.")
    now = utcnow()
    values = {
        "state": DepositState.CREDITED,
        "sub_status": None,
        "booked": Booked.CUSTOMER,
        "explained": True,
        "credited_at": now,
        "since": now,
    }
    posting, riders = await _repaying(db, deposit, rules.explain)
    told = changed(deposit.user_id, "deposit", deposit.id, deposit.version + 1)
    verdict = await lane.submit(posting, [deposit_store.book(deposit, values=values), *riders, told])
    if not verdict.posted:
        raise Refusal(Kind.CONFLICT, "It changed meanwhile; look again.")
    log.warning("deposit_explained", deposit=str(deposit.id), by=by, asset=deposit.asset, units=deposit.units)
