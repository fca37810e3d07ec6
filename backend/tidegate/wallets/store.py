"""All SQL of the wallets room, deposits apart (see deposit_store)."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import ARRAY, ColumnElement, Text, bindparam, func, select, text, true, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.database import Rider, Write, updating
from tidegate.wallets import rules
from tidegate.wallets.rules import BeneficiaryState, Known
from tidegate.wallets.tables import (
    AddressHandout,
    AddressIndex,
    BeneficiaryRow,
    DepositAddress,
    DepositRow,
    ScanCursor,
    SentTo,
)

Before = tuple[datetime, uuid.UUID] | None


# --- deposit addresses ---------------------------------------------------------------------------------------------


async def lock_index(session: AsyncSession, *, family: str) -> AddressIndex | None:
    """The family's sequence, ours until commit."""
    return await session.scalar(select(AddressIndex).where(AddressIndex.family == family).with_for_update())


async def index_of(session: AsyncSession, *, family: str) -> AddressIndex | None:
    return await session.get(AddressIndex, family)


async def raise_watched(session: AsyncSession, *, family: str, upto: int) -> None:
    """Record that a node watches every index below `upto`; never lowers it."""
    row = insert(AddressIndex).values(family=family, next_index=0, watched_upto=upto)
    await session.execute(
        row.on_conflict_do_update(
            index_elements=["family"], set_={"watched_upto": func.greatest(AddressIndex.watched_upto, upto)}
        )
    )


async def take_index(session: AsyncSession, *, family: str) -> int | None:
    """The next index of the family, or None when no node watches it yet."""
    taken: int | None = await session.scalar(
        update(AddressIndex)
        .where(AddressIndex.family == family, AddressIndex.next_index < AddressIndex.watched_upto)
        .values(next_index=AddressIndex.next_index + 1)
        .returning(AddressIndex.next_index)
    )
    return None if taken is None else taken - 1


async def newest_address(session: AsyncSession, *, user_id: uuid.UUID, network: str) -> DepositAddress | None:
    return await session.scalar(
        select(DepositAddress)
        .where(DepositAddress.user_id == user_id, DepositAddress.network == network)
        .order_by(DepositAddress.index.desc())
        .limit(1)
    )


async def handed_out_for(session: AsyncSession, *, address_id: uuid.UUID) -> set[str]:
    """The assets this address was given out for."""
    return set(await session.scalars(select(AddressHandout.asset).where(AddressHandout.address_id == address_id)))


async def insert_address(session: AsyncSession, *, row: dict[str, Any]) -> None:
    await session.execute(insert(DepositAddress).values(**row))


async def insert_handout(session: AsyncSession, *, row: dict[str, Any]) -> None:
    await session.execute(insert(AddressHandout).values(**row))


async def unused(session: AsyncSession, *, user_id: uuid.UUID, network: str, most: int) -> int:
    """How many of the user's addresses nothing has come to, counted up to `most`."""
    rows = (
        select(DepositAddress.id)
        .where(
            DepositAddress.user_id == user_id,
            DepositAddress.network == network,
            ~select(DepositRow.id).where(DepositRow.address_id == DepositAddress.id).exists(),
        )
        .limit(most)
        .subquery()
    )
    return await session.scalar(select(func.count()).select_from(rows)) or 0


_CAME = (
    select(
        func.count().label("deposits"),
        func.min(DepositRow.detected_at).label("first_at"),
        func.max(DepositRow.detected_at).label("last_at"),
    )
    .where(DepositRow.address_id == AddressHandout.address_id, DepositRow.asset == AddressHandout.asset)
    .lateral("came")
)
"""What has come to an address in the asset it was given out for."""


async def page_of_handouts(
    session: AsyncSession,
    *,
    user_id: uuid.UUID,
    asset: str | None,
    network: str | None,
    used: bool | None,
    before: Before,
    limit: int,
) -> Sequence[Any]:
    """Rows of (handout, address, deposits, first, last)."""
    query = (
        select(AddressHandout, DepositAddress, _CAME.c.deposits, _CAME.c.first_at, _CAME.c.last_at)
        .join(DepositAddress, DepositAddress.id == AddressHandout.address_id)
        .join(_CAME, true())
        .where(AddressHandout.user_id == user_id)
        .order_by(AddressHandout.created_at.desc(), AddressHandout.id.desc())
        .limit(limit)
    )
    if asset is not None:
        query = query.where(AddressHandout.asset == asset)
    if network is not None:
        query = query.where(DepositAddress.network == network)
    if used is not None:
        query = query.where(_CAME.c.deposits > 0 if used else _CAME.c.deposits == 0)
    if before is not None:
        query = query.where(tuple_(AddressHandout.created_at, AddressHandout.id) < before)
    return (await session.execute(query)).all()


async def all_addresses(session: AsyncSession, *, family: str, start: int = 0) -> list[str]:
    """Addresses handed out, by index, from index `start` on."""
    query = (
        select(DepositAddress.address)
        .where(DepositAddress.family == family, DepositAddress.index >= start)
        .order_by(DepositAddress.index)
    )
    return list(await session.scalars(query))


async def some_addresses(session: AsyncSession, *, family: str, start: int, many: int) -> list[tuple[int, str]]:
    """(index, address) of those handed out, from index `start` on, at most so many."""
    rows = await session.execute(
        select(DepositAddress.index, DepositAddress.address)
        .where(DepositAddress.family == family, DepositAddress.index >= start)
        .order_by(DepositAddress.index)
        .limit(many)
    )
    return [(row[0], row[1]) for row in rows]


_OWNERS = """
    SELECT asked.network, a.address, a.user_id
    FROM unnest($1::text[], $2::text[], $3::text[]) asked(network, family, address)
    JOIN deposit_addresses a USING (family, address)
"""


async def owners(
    connection: "asyncpg.Connection[Any]", keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], uuid.UUID]:
    """Whose the addresses are, by (network, canonical spelling), for all who ask at once; handed out to nobody: absent."""
    families = [rules.family(network, address) for network, address in keys]
    rows = await connection.fetch(_OWNERS, [network for network, _ in keys], families, [address for _, address in keys])
    return {(row["network"], row["address"]): row["user_id"] for row in rows}


async def owner_of(session: AsyncSession, *, network: str, address: str) -> uuid.UUID | None:
    """Whose it is on this network: an address of an EVM network is its owner's on all of them."""
    return await session.scalar(
        select(DepositAddress.user_id).where(
            DepositAddress.family == rules.family(network, address), DepositAddress.address == address
        )
    )


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose an address is, and the network it was given out for."""

    user_id: uuid.UUID
    address_id: uuid.UUID
    network: str
    index: int


async def owners_of(session: AsyncSession, *, family: str, addresses: Sequence[str]) -> dict[str, Owner]:
    """By address; addresses never handed out are absent."""
    a = DepositAddress
    rows = await session.execute(
        select(a.address, a.user_id, a.id, a.network, a.index).where(
            a.family == family, a.address == func.any(bindparam("addresses", list(addresses), ARRAY(Text)))
        )
    )
    return {row[0]: Owner(row[1], row[2], row[3], row[4]) for row in rows}


# --- what a user saved or paid -------------------------------------------------------------------------------------


_KNOWN = text(
    """
    SELECT network, address, 'saved' AS source, label, created_at AS at FROM beneficiaries
    WHERE user_id = :user_id AND network = ANY (:networks) AND state <> 'archived'
    UNION ALL
    SELECT network, address, 'paid', NULL, last_at FROM sent_to
    WHERE user_id = :user_id AND network = ANY (:networks)
    UNION ALL
    (SELECT network, address, 'own', NULL, created_at FROM deposit_addresses
     WHERE user_id = :user_id AND network = ANY (:networks) ORDER BY index DESC LIMIT 200)
    """
)


async def known_addresses(session: AsyncSession, *, user_id: uuid.UUID, networks: Sequence[str]) -> list[Known]:
    """The addresses a user may mean: saved, paid, his own; in this order. Those that paid him are not among them."""
    rows = await session.execute(_KNOWN, {"user_id": user_id, "networks": list(networks)})
    return [Known(*row) for row in rows]


async def payable_since(
    session: AsyncSession, *, user_id: uuid.UUID, network: str, asset: str, address: str
) -> tuple[datetime | None, datetime | None]:
    """(from when the confirmed saved entry of this address may be paid, when it was first paid); None: there is none."""
    saved = await session.scalar(
        select(func.coalesce(BeneficiaryRow.available_at, BeneficiaryRow.since)).where(
            BeneficiaryRow.user_id == user_id,
            BeneficiaryRow.network == network,
            BeneficiaryRow.asset == asset,
            BeneficiaryRow.address == address,
            BeneficiaryRow.state.in_((BeneficiaryState.COOLING_DOWN, BeneficiaryState.ACTIVE)),
        )
    )
    return saved, await session.scalar(select(SentTo.first_at).where(*_paid(user_id, network, address)))


def _paid(user_id: uuid.UUID, network: str, address: str) -> tuple[ColumnElement[bool], ...]:
    return SentTo.user_id == user_id, SentTo.network == network, SentTo.address == address


_SENT = Write(
    """
    WITH r AS (
        SELECT * FROM jsonb_to_recordset($1::jsonb) AS rows(i int, user_id uuid, network text, address text, at timestamptz)
    ), done AS (
        INSERT INTO sent_to AS s (user_id, network, address, times, first_at, last_at)
        SELECT user_id, network, address, count(*), min(at), max(at) FROM r GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ON CONFLICT (user_id, network, address)
        DO UPDATE SET times = s.times + excluded.times, last_at = excluded.last_at
    )
    SELECT array_agg(i) FROM r
    """
)


def sent(*, user_id: uuid.UUID, network: str, address: str, at: datetime) -> Rider:
    """Count a payment to an address; never misses."""
    return Rider("sent_to", _SENT, {"user_id": user_id, "network": network, "address": address, "at": at})


async def insert_beneficiary(session: AsyncSession, *, row: dict[str, Any]) -> bool:
    """False when the user has this destination already."""
    statement = (
        insert(BeneficiaryRow)
        .values(**row)
        .on_conflict_do_nothing(
            index_elements=["user_id", "network", "asset", "address"],
            index_where=BeneficiaryRow.state != BeneficiaryState.ARCHIVED.value,
        )
        .returning(BeneficiaryRow.id)
    )
    return await session.scalar(statement) is not None


async def beneficiary(session: AsyncSession, *, user_id: uuid.UUID, beneficiary_id: uuid.UUID) -> BeneficiaryRow | None:
    return await session.scalar(
        select(BeneficiaryRow).where(BeneficiaryRow.id == beneficiary_id, BeneficiaryRow.user_id == user_id)
    )


async def count_beneficiaries(session: AsyncSession, *, user_id: uuid.UUID) -> int:
    found = await session.scalar(
        select(func.count())
        .select_from(BeneficiaryRow)
        .where(BeneficiaryRow.user_id == user_id, BeneficiaryRow.state != BeneficiaryState.ARCHIVED)
    )
    return found or 0


async def page_of_beneficiaries(
    session: AsyncSession, *, user_id: uuid.UUID, asset: str | None, network: str | None, before: Before, limit: int
) -> Sequence[BeneficiaryRow]:
    query = (
        select(BeneficiaryRow)
        .where(BeneficiaryRow.user_id == user_id, BeneficiaryRow.state != BeneficiaryState.ARCHIVED)
        .order_by(BeneficiaryRow.created_at.desc(), BeneficiaryRow.id.desc())
        .limit(limit)
    )
    if asset is not None:
        query = query.where(BeneficiaryRow.asset == asset)
    if network is not None:
        query = query.where(BeneficiaryRow.network == network)
    if before is not None:
        query = query.where(tuple_(BeneficiaryRow.created_at, BeneficiaryRow.id) < before)
    return (await session.scalars(query)).all()


async def last_paid(
    session: AsyncSession, *, user_id: uuid.UUID, network: str, addresses: Sequence[str]
) -> dict[str, datetime]:
    """When this user last paid each; one never paid is absent."""
    rows = await session.execute(
        select(SentTo.address, SentTo.last_at).where(
            SentTo.user_id == user_id, SentTo.network == network, SentTo.address.in_(addresses)
        )
    )
    return {row[0]: row[1] for row in rows}


def rename_beneficiary(*, beneficiary_id: uuid.UUID, user_id: uuid.UUID, version: int, label: str) -> Rider:
    """Another label, if nobody moved it since it was read; named "beneficiary"."""
    was = {"was_id": beneficiary_id, "was_user_id": user_id, "was_version": version}
    guards = ("id", "user_id", "version")
    write = updating(BeneficiaryRow.__table__, guards=guards, columns=("label",), counted="version")
    return Rider("beneficiary", write, was | {"label": label})


def move_beneficiary(
    *,
    beneficiary_id: uuid.UUID,
    user_id: uuid.UUID,
    version: int,
    state: BeneficiaryState,
    at: datetime,
    available_at: datetime | None,
) -> Rider:
    """To another state, if nobody moved it since it was read; named "beneficiary"."""
    was = {"was_id": beneficiary_id, "was_user_id": user_id, "was_version": version}
    values = {"state": state, "since": at, "available_at": available_at}
    guards = ("id", "user_id", "version")
    write = updating(BeneficiaryRow.__table__, guards=guards, columns=tuple(values), counted="version")
    return Rider("beneficiary", write, was | values)


# --- scans ---------------------------------------------------------------------------------------------------------


async def scan_of(session: AsyncSession, *, network: str) -> ScanCursor | None:
    return await session.get(ScanCursor, network)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the books of a network stand: a name for its cursor, and how many addresses may yet be handed out."""

    cursor: str
    ahead: int


_STANDING = """
    SELECT asked.network, asked.family, md5(coalesce(c.cursor, '')) AS cursor, i.watched_upto - i.next_index AS ahead
    FROM unnest($1::text[], $2::text[]) asked(network, family)
    JOIN scan_cursors c ON c.network = asked.network AND c.fit AND c.scanned_height >= c.height
    JOIN address_index i ON i.family = asked.family
"""


async def standing(
    connection: "asyncpg.Connection[Any]", keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Standing]:
    """By (network, family), for all who ask at once; absent where blocks are unread or the node was not fit."""
    rows = await connection.fetch(_STANDING, [network for network, _ in keys], [family for _, family in keys])
    return {(row["network"], row["family"]): Standing(row["cursor"], row["ahead"]) for row in rows}


async def begun(session: AsyncSession, *, network: str) -> bool:
    """Whether it is written down where the next scan goes on."""
    found = select(ScanCursor.network).where(ScanCursor.network == network, ScanCursor.cursor.is_not(None))
    return await session.scalar(found) is not None


async def scans(session: AsyncSession) -> dict[str, ScanCursor]:
    return {row.network: row for row in await session.scalars(select(ScanCursor))}


async def lock_scan(session: AsyncSession, *, network: str, now: datetime) -> ScanCursor:
    """The network's cursor row, ours until commit; made when missing."""
    row = insert(ScanCursor).values(
        network=network, cursor=None, fit=False, reason="not asked yet", asked_at=now, version=0
    )
    await session.execute(row.on_conflict_do_nothing(index_elements=["network"]))
    return await session.scalar(  # type: ignore[return-value]  # inserted just above
        select(ScanCursor)
        .where(ScanCursor.network == network)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def save_scan(session: AsyncSession, *, network: str, values: dict[str, Any]) -> None:
    await session.execute(update(ScanCursor).where(ScanCursor.network == network).values(**values))
