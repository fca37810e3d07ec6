"""A link for the recipient: how far one payment is, and nothing else of whose it is. Made, shown and revoked by its owner."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.auth import links
from tidegate.auth.gate import gate_of
from tidegate.auth.rules import Purpose
from tidegate.database import fresh, new_id
from tidegate.idempotency import Keyed, Stored
from tidegate.once import Done, once
from tidegate.refusal import Kind, Refusal
from tidegate.transactions import link_store, store
from tidegate.transactions.office import Office
from tidegate.transactions.rules import State, stage_of
from tidegate.transactions.schemas import TrackedOut, TrackingOut
from tidegate.transactions.tables import TrackingLink, Withdrawal
from tidegate.transactions.view import attempt_out
from tidegate.treasury import attempts
from tidegate.treasury.attempts import Seen
from tidegate.wire import AmountOut

LIVES = timedelta(days=30)
_NONE = TrackingOut(url=None, created_at=None, expires_at=None)


async def create(
    office: Office, *, user_id: uuid.UUID, withdrawal_id: uuid.UUID, keyed: Keyed, now: datetime
) -> Stored:
    """A link, or the one there is while it works. Refuses NOT_FOUND, and CONFLICT for what was not confirmed."""

    async def work(session: AsyncSession) -> Done:
        row = await _own(session, user_id, withdrawal_id, locked=True)
        if row.verified_at is None:
            raise Refusal(Kind.CONFLICT, "Confirm it first: until then there is nothing to follow.")
        found = await link_store.live(session, withdrawal_id=row.id)
        if found is not None and found.expires_at > now:
            return Done(_told(found), status=201)
        if found is not None:
            await link_store.revoke(session, withdrawal_id=row.id, now=now)
        made = fresh(
            TrackingLink,
            id=new_id(),
            withdrawal_id=row.id,
            user_id=user_id,
            created_at=now,
            expires_at=(now + LIVES).replace(microsecond=0),
        )
        session.add(made)
        await session.flush()
        return Done(_told(made), status=201)

    stored = await once(office.db, keyed, user_id=user_id, operation="tracking_create", work=work)
    return await _with_url(office, stored)


def _told(link: TrackingLink) -> dict[str, str]:
    """What may be stored for repetitions: the id, and never what proves it."""
    return {"id": str(link.id)}


async def _with_url(office: Office, stored: Stored) -> Stored:
    async with office.db.reading() as session:
        found = await link_store.get(session, uuid.UUID(stored.body["id"]))
        body = _shown(office, session, found) if found is not None else _NONE
    return replace(stored, raw=json.dumps(body.model_dump(mode="json"), separators=(",", ":")).encode())


def _shown(office: Office, session: AsyncSession, link: TrackingLink) -> TrackingOut:
    if link.revoked_at is not None:
        return _NONE
    base = office.settings.api.public_url
    url = links.url(base, gate_of(session).keys, Purpose.TRACK, link.id, link.expires_at)
    return TrackingOut(url=url, created_at=link.created_at, expires_at=link.expires_at)


async def get(office: Office, *, user_id: uuid.UUID, withdrawal_id: uuid.UUID, now: datetime) -> TrackingOut:
    """The link that works, if there is one. Refuses NOT_FOUND for a withdrawal that is not theirs."""
    async with office.db.reading() as session:
        row = await _own(session, user_id, withdrawal_id)
        found = await link_store.live(session, withdrawal_id=row.id)
        return _shown(office, session, found) if found is not None and found.expires_at > now else _NONE


async def revoke(office: Office, *, user_id: uuid.UUID, withdrawal_id: uuid.UUID, now: datetime) -> None:
    """The link leads nowhere from now on; revoking what is not there is fine. Refuses NOT_FOUND."""
    async with office.db.transaction() as session:
        row = await _own(session, user_id, withdrawal_id)
        await link_store.revoke(session, withdrawal_id=row.id, now=now)


async def follow(office: Office, token: str, now: datetime) -> TrackedOut:
    """What a link shows, to whoever has it. Refuses NOT_FOUND: not ours, expired, revoked."""
    async with office.db.reading() as session:
        link = await link_store.get(session, links.read(gate_of(session).keys, Purpose.TRACK, token, now=now))
        if link is None or link.revoked_at is not None:
            raise Refusal(Kind.NOT_FOUND, "This link does not lead anywhere any more.")
        row = await store.get(session, link.withdrawal_id)
        assert row is not None
        seen = (await attempts.by_payout(session, [row.id])).get(row.id, [])
    return _tracked(office, row, seen, link.expires_at)


def _tracked(office: Office, row: Withdrawal, seen: Sequence[Seen], until: datetime) -> TrackedOut:
    settings = office.settings
    state = State(row.state)
    sent = [attempt_out(one, settings) for one in seen if one.sent_at is not None and one.state not in _DEAD]
    last = sent[-1] if sent and state in _SHOWN else None
    network = settings.networks[row.network]
    needed = last.confirmations_required if last else network.confirmations
    return TrackedOut(
        stage=stage_of(state),
        deliver=AmountOut.units(row.to_asset, row.deliver_units),
        network=row.network,
        network_name=network.name or row.network,
        confirmations=needed if state is State.COMPLETED else min(last.confirmations, needed) if last else 0,
        confirmations_required=needed,
        txid=last.txid if last else None,
        explorer_url=last.explorer_url if last else None,
        expected_by=row.expected_by if state not in _OVER else None,
        arrived_at=row.completed_at,
        link_expires_at=until,
    )


_DEAD = frozenset({"replaced", "dropped", "reverted"})
_SHOWN = frozenset({State.BROADCASTING, State.CONFIRMING, State.COMPLETED})
_OVER = frozenset({State.COMPLETED, State.CANCELLED, State.REJECTED, State.EXPIRED, State.FAILED})


async def _own(
    session: AsyncSession, user_id: uuid.UUID, withdrawal_id: uuid.UUID, *, locked: bool = False
) -> Withdrawal:
    if locked:
        await link_store.lock(session, withdrawal_id=withdrawal_id)
    row = await store.get_own(session, withdrawal_id, user_id)
    if row is None:
        raise Refusal(Kind.NOT_FOUND, "There is no such withdrawal.")
    return row
