"""Reconciliation: books against chains and exchanges, again and again. Each run is stored; what differs and goes on
differing freezes its asset, and stays frozen until a person releases it."""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import cast

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.compliance import freeze
from tidegate.compliance.freeze import Freeze
from tidegate.compliance.rules import Cause
from tidegate.config import Settings
from tidegate.database import utcnow
from tidegate.refusal import Kind, Refusal
from tidegate.transactions import audit, store
from tidegate.transactions.office import Office
from tidegate.transactions.reconcile_rules import Accepted, acceptance, still, tolerances_of, wishes
from tidegate.transactions.schemas import CheckOut, FreezeOut, Verdict
from tidegate.treasury import underway
from tidegate.wire import Page, next_cursor

log = structlog.get_logger(__name__)

NEWEST = 100
WHOLE_EVERY_SECONDS = 300.0
WHOLE_SHARE = 20
"""A whole look that took long is not repeated before so many times its own length has passed."""


def assets_of(settings: Settings) -> Mapping[str, Sequence[str]]:
    """What each network carries: all of it stops when something left it that we do not know."""
    return {name: [one.gas_asset, *one.tokens] for name, one in settings.networks.items()}


class Checker:
    """The worker's step: balances and the world at every look, every single transfer now and then."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._whole_at: float | None = None
        self._pause = WHOLE_EVERY_SECONDS

    async def step(self) -> int:
        """Check, store, freeze what differed at the run before already, complain aloud."""
        began = time.monotonic()
        whole = self._whole_at is None or began - self._whole_at > self._pause
        report = await audit.run(self._office, now=utcnow(), whole=whole)
        took = time.monotonic() - began
        if whole:
            # What only a whole look finds must not be covered up by a lesser one a few seconds later.
            self._whole_at = time.monotonic() if not report.findings else None
            self._pause = max(WHOLE_EVERY_SECONDS, WHOLE_SHARE * took)
        await store_run(self._office, report, milliseconds=round(1000 * took))
        return 0


async def store_run(office: Office, report: audit.Report, *, milliseconds: int) -> None:
    """One run into the record, and what follows from it and the one before, in one commit.

    The run before may be another worker's: nothing is kept in memory that payouts depend on.
    """
    settings, body = office.settings, report.to_json()
    async with office.db.transaction() as session:
        last = await store.last_check(session)
        wanted = wishes(
            last.report if last else None,
            body,
            tolerances=tolerances_of(settings.reconciliation.tolerance),
            assets_of=assets_of(settings),
            accepted=Accepted.of([one.found["accepted"] for one in await freeze.forced(session)]),
        )
        await store.save_check(session, at=report.at, verdict=report.verdict, report=body, milliseconds=milliseconds)
        # After a restore everything stands already, and what differs speaks against its release.
        for one in [] if await freeze.restored(session) is not None else wanted:
            await freeze.freeze(
                session, one.cause, one.asset, place=one.place, reason=one.reason[:1000], found={"at": body["at"]}
            )
    if report.verdict == "differs":
        log.error(
            "books_differ",
            findings=[one.detail for one in report.findings],
            orphans=body["orphans"],
            lines=[line for line in body["lines"] if line["difference"].strip("-0.")],
        )


async def release(office: Office, *, asset: str, by: str, reason: str, force: bool) -> list[Freeze]:
    """End every freeze of this asset, for ever recorded by whom and why. What is forced is gone on with as it is now:
    the same difference freezes nothing again, any other one does.

    Refuses CONFLICT, unless forced, while the newest check of the books is older than the freeze, differs there or could
    not be made, or while something that was signed since the backup is not in the books. NOT_FOUND: none stands.
    """
    async with office.db.transaction() as session:
        found = [one for one in await freeze.standing(session) if one.asset == asset]
        return await _release(session, office.settings, found, by=by, reason=reason, force=force)


async def release_one(office: Office, *, freeze_id: uuid.UUID, by: str, reason: str, force: bool) -> FreezeOut:
    """The same for one freeze by its id."""
    async with office.db.transaction() as session:
        found = [one for one in await freeze.standing(session) if one.id == freeze_id]
        (released,) = await _release(session, office.settings, found, by=by, reason=reason, force=force)
    return _shown(released)


async def _release(
    session: AsyncSession, settings: Settings, freezes: Sequence[Freeze], *, by: str, reason: str, force: bool
) -> list[Freeze]:
    if not freezes:
        raise Refusal(Kind.NOT_FOUND, "No such freeze stands.")
    last = await store.last_check(session)
    why_not = [sentence for one in freezes for sentence in _open(one)]
    if last is None or last.at <= max(one.at for one in freezes):
        why_not.append("the books were not checked since")
    else:
        tolerances = tolerances_of(settings.reconciliation.tolerance)
        why_not += still(last.report, freezes[0].asset, tolerances=tolerances, assets_of=assets_of(settings))
    if why_not and not force:
        raise Refusal(Kind.CONFLICT, f"Not yet: {'; '.join(why_not)}"[:1000])
    if why_not:
        for one in freezes:
            kept = acceptance(last.report, one.asset) if last else {"lines": [], "names": []}
            await freeze.note(session, one.id, found={**one.found, "accepted": kept}, now=utcnow())
            for network, used in one.found.get("nonces", {}).items():
                await underway.catch_up(session, network, used)
    return [await freeze.release(session, one.id, by=by, reason=reason, forced=bool(why_not)) for one in freezes]


def _open(one: Freeze) -> list[str]:
    """What still speaks against going on after a restore."""
    if one.cause is not Cause.RESTORED:
        return []
    if one.looked_at is None:
        return ["what the signer signed since the backup was not compared yet"]
    return [str(sentence) for sentence in one.found.get("open", ())]


async def frozen(office: Office) -> Sequence[Freeze]:
    """Every freeze that stands."""
    async with office.db.reading() as session:
        return await freeze.standing(session)


async def freezes(office: Office) -> Page[FreezeOut]:
    """The newest, released ones too."""
    async with office.db.reading() as session:
        return Page(items=[_shown(one) for one in await freeze.newest(session, limit=NEWEST)])


async def page(
    office: Office, *, verdict: str | None, limit: int, before: tuple[datetime, uuid.UUID] | None
) -> Page[CheckOut]:
    """Runs, newest first."""
    async with office.db.reading() as session:
        rows = await store.page_of_checks(session, verdict=verdict, before=before, limit=limit)
    items = [
        CheckOut(
            id=row.id,
            checked_at=row.at,
            verdict=cast(Verdict, row.verdict),
            milliseconds=row.milliseconds,
            report=row.report,
        )
        for row in rows
    ]
    return Page(items=items, next_cursor=next_cursor([(row.at, row.id) for row in rows], limit))


def _shown(one: Freeze) -> FreezeOut:
    return FreezeOut.model_validate(asdict(one))
