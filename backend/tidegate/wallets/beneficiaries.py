"""Saved destinations: saved, confirmed with the second factor, perhaps cooling down, then payable."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.auth.step_up import check_totp, reused
from tidegate.config import Settings
from tidegate.database import Rider, new_id, ride, utcnow
from tidegate.idempotency import Keyed, Stored
from tidegate.once import Done, once
from tidegate.outbox.events import changed
from tidegate.outbox.mails import MailKind, told
from tidegate.refusal import Kind, Refusal
from tidegate.wallets import destinations, rules, store
from tidegate.wallets.cashier import Cashier
from tidegate.wallets.rules import BeneficiaryState, Known
from tidegate.wallets.schemas import BeneficiaryOut
from tidegate.wallets.tables import BeneficiaryRow
from tidegate.wire import Cursor, Page, next_cursor

MOST = 500
"""Living destinations a user may have."""

_WAITING_FOR = {
    BeneficiaryState.PENDING_CONFIRMATION: "you",
    BeneficiaryState.COOLING_DOWN: "time",
    BeneficiaryState.SUSPENDED: "operator",
}


async def create(
    cashier: Cashier, *, user_id: uuid.UUID, label: str, asset: str, network: str, address: str, keyed: Keyed
) -> Stored:
    """Save a destination, unconfirmed. Refuses what `destinations.check` refuses, CONFLICT for one that is saved already,
    and LIMIT_EXCEEDED above MOST."""
    cashier.pair(asset, network)
    occupant = await destinations.look(cashier.chains[network], address)

    async def work(session: AsyncSession) -> Done:
        found = await destinations.check(
            session,
            chain=cashier.chains[network],
            settings=cashier.settings,
            user_id=user_id,
            network=network,
            asset=asset,
            address=address,
            occupant=occupant,
        )
        if await store.count_beneficiaries(session, user_id=user_id) >= MOST:
            raise Refusal(Kind.LIMIT_EXCEEDED, "Delete saved addresses that you no longer need.", limit=str(MOST))
        now, identity = utcnow(), new_id()
        row: dict[str, Any] = {
            "id": identity,
            "user_id": user_id,
            "label": label,
            "asset": asset,
            "network": network,
            "address": found.address,
            "kind": found.kind,
            "state": BeneficiaryState.PENDING_CONFIRMATION,
            "since": now,
            "available_at": None,
            "created_at": now,
            "version": 1,
        }
        if not await store.insert_beneficiary(session, row=row):
            raise Refusal(Kind.CONFLICT, "You have saved this address before.", field="address")
        paid = await store.last_paid(session, user_id=user_id, network=network, addresses=[found.address])
        body = _shape(BeneficiaryRow(**row), found.warnings, paid, now).model_dump(mode="json")
        riders = [changed(user_id, "beneficiary", identity, 1), *_mail(cashier.settings, row, now)]
        return Done(body, riders, status=201)

    return await once(cashier.db, keyed, user_id=user_id, operation="beneficiaries_create", work=work)


def _mail(settings: Settings, row: dict[str, Any], now: datetime) -> list[Rider]:
    waits = settings.compliance.new_address_cooldown_seconds
    facts = {name: row[name] for name in ("label", "asset", "network", "address")}
    facts["available_after"] = f"{-(-waits // 3600)} hours" if waits else None
    return told(settings, MailKind.BENEFICIARY_ADDED, user_id=row["user_id"], object_id=row["id"], facts=facts, now=now)


async def confirm(
    cashier: Cashier, *, user_id: uuid.UUID, beneficiary_id: uuid.UUID, code: str, keyed: Keyed
) -> Stored:
    """Confirm with a TOTP code: payable at once, or after the configured cool-down.

    Refuses NOT_FOUND, CONFLICT (confirmed before), and what the second factor refuses.
    """
    now = utcnow()
    cooldown = timedelta(seconds=cashier.settings.compliance.new_address_cooldown_seconds)

    async def work(session: AsyncSession) -> Done:
        row = await _living(session, user_id, beneficiary_id)
        if row.state != BeneficiaryState.PENDING_CONFIRMATION:
            raise Refusal(Kind.CONFLICT, "This address was confirmed before.")
        use = await check_totp(session, user_id=user_id, code=code, now=now)
        state = BeneficiaryState.COOLING_DOWN if cooldown else BeneficiaryState.ACTIVE
        available_at = now + cooldown if cooldown else None
        move = store.move_beneficiary(
            beneficiary_id=row.id,
            user_id=user_id,
            version=row.version,
            state=state,
            at=now,
            available_at=available_at,
        )
        told = changed(user_id, "beneficiary", row.id, row.version + 1)
        shown = await _shown(session, row, now)
        after = {
            "state": state.value,
            "waiting_for": _WAITING_FOR.get(state),
            "since": now,
            "expected_by": available_at,
            "available_at": available_at,
            "version": row.version + 1,
        }
        body = shown.model_copy(update=after).model_dump(mode="json")
        return Done(body, [use.rider, move, told], misses={"totp_step": reused(now)})

    return await once(cashier.db, keyed, user_id=user_id, operation="beneficiaries_confirm", work=work)


async def rename(
    cashier: Cashier, *, user_id: uuid.UUID, beneficiary_id: uuid.UUID, label: str, keyed: Keyed
) -> Stored:
    """Call it something else; address and state stay. Refuses NOT_FOUND, also for an archived one."""
    now = utcnow()

    async def work(session: AsyncSession) -> Done:
        row = await _living(session, user_id, beneficiary_id)
        move = store.rename_beneficiary(beneficiary_id=row.id, user_id=user_id, version=row.version, label=label)
        shown = await _shown(session, row, now)
        body = shown.model_copy(update={"label": label, "version": row.version + 1}).model_dump(mode="json")
        return Done(body, [move, changed(user_id, "beneficiary", row.id, row.version + 1)])

    return await once(cashier.db, keyed, user_id=user_id, operation="beneficiaries_rename", work=work)


async def archive(cashier: Cashier, *, user_id: uuid.UUID, beneficiary_id: uuid.UUID) -> None:
    """Never pay there again. Refuses NOT_FOUND; archiving twice is fine."""
    async with cashier.db.transaction() as session:
        row = await store.beneficiary(session, user_id=user_id, beneficiary_id=beneficiary_id)
        if row is None:
            raise Refusal(Kind.NOT_FOUND, "There is no such saved address.")
        if row.state == BeneficiaryState.ARCHIVED:
            return
        move = store.move_beneficiary(
            beneficiary_id=row.id,
            user_id=user_id,
            version=row.version,
            state=BeneficiaryState.ARCHIVED,
            at=utcnow(),
            available_at=row.available_at,
        )
        told = changed(user_id, "beneficiary", row.id, row.version + 1)
        if await ride(session, [move, told]) is not None:
            raise Refusal(Kind.CONFLICT, "It changed meanwhile; read it again.")


async def get(cashier: Cashier, *, user_id: uuid.UUID, beneficiary_id: uuid.UUID) -> BeneficiaryOut:
    """One saved destination, archived ones too. Refuses NOT_FOUND."""
    async with cashier.db.reading() as session:
        row = await store.beneficiary(session, user_id=user_id, beneficiary_id=beneficiary_id)
        if row is None:
            raise Refusal(Kind.NOT_FOUND, "There is no such saved address.")
        return await _shown(session, row, utcnow())


async def page(
    cashier: Cashier, *, user_id: uuid.UUID, asset: str | None, network: str | None, limit: int, before: Cursor | None
) -> Page[BeneficiaryOut]:
    """Living destinations, newest first."""
    known: dict[str, list[Known]] = {}
    paid: dict[str, dict[str, datetime]] = {}
    async with cashier.db.reading() as session:
        rows = await store.page_of_beneficiaries(
            session, user_id=user_id, asset=asset, network=network, before=before, limit=limit
        )
        for name in {row.network for row in rows}:
            addresses = [row.address for row in rows if row.network == name]
            known[name] = await store.known_addresses(session, user_id=user_id, networks=[name])
            paid[name] = await store.last_paid(session, user_id=user_id, network=name, addresses=addresses)
    now = utcnow()
    items = [_shape(row, _lookalike(row.address, known[row.network]), paid[row.network], now) for row in rows]
    return Page(items=items, next_cursor=next_cursor([(row.created_at, row.id) for row in rows], limit))


async def _living(session: AsyncSession, user_id: uuid.UUID, beneficiary_id: uuid.UUID) -> BeneficiaryRow:
    row = await store.beneficiary(session, user_id=user_id, beneficiary_id=beneficiary_id)
    if row is None or row.state == BeneficiaryState.ARCHIVED:
        raise Refusal(Kind.NOT_FOUND, "There is no such saved address.")
    return row


async def _shown(session: AsyncSession, row: BeneficiaryRow, now: datetime) -> BeneficiaryOut:
    known = await store.known_addresses(session, user_id=row.user_id, networks=[row.network])
    paid = await store.last_paid(session, user_id=row.user_id, network=row.network, addresses=[row.address])
    return _shape(row, _lookalike(row.address, known), paid, now)


def _lookalike(address: str, known: Sequence[Known]) -> tuple[str, ...]:
    return (destinations.LOOKALIKE,) if rules.lookalike(address, known) is not None else ()


def _shape(row: BeneficiaryRow, warnings: Sequence[str], paid: Mapping[str, datetime], now: datetime) -> BeneficiaryOut:
    state = rules.beneficiary_state(BeneficiaryState(row.state), row.available_at, now)
    return BeneficiaryOut(
        id=row.id,
        label=row.label,
        asset=row.asset,
        network=row.network,
        address=row.address,
        state=state.value,
        sub_status=None,
        waiting_for=_WAITING_FOR.get(state),
        since=row.since,
        expected_by=row.available_at if state is BeneficiaryState.COOLING_DOWN else None,
        can_cancel=None,
        available_at=row.available_at,
        warnings=list(warnings),
        last_paid_at=paid.get(row.address),
        created_at=row.created_at,
        version=row.version,
    )
