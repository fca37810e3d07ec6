"""Deposit addresses: one sequence a family of keys, owned by the database, derived from public keys."""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.auth import rates
from tidegate.auth.rules import LIMITS
from tidegate.chains.port import Chain
from tidegate.config import NetworkSettings
from tidegate.database import new_id, utcnow
from tidegate.idempotency import Keyed, Stored
from tidegate.once import Done, once
from tidegate.outbox.events import changed
from tidegate.refusal import Kind, Refusal
from tidegate.wallets import rules, store, watch
from tidegate.wallets.cashier import Cashier
from tidegate.wallets.schemas import AddressOut
from tidegate.wallets.tables import AddressHandout, DepositAddress
from tidegate.wallets.uris import payment_uri
from tidegate.wire import Cursor, Page, next_cursor

LIMIT = "addresses"


async def hand_out(cashier: Cashier, *, user_id: uuid.UUID, asset: str, network: str, keyed: Keyed) -> Stored:
    """A deposit address for one more use.

    Where one address takes several assets (EVM), an asset it was not given out for yet gets the user's newest one;
    asking again for the same asset gives a fresh one. Refuses UNKNOWN_ASSET, UNKNOWN_NETWORK, LIMIT_EXCEEDED while
    enough addresses of the user are unused, RATE_LIMITED, and BUSY while no node watches the next address, or it is not
    written down where the scans of an EVM network begin.
    """
    cashier.pair(asset, network)
    chain, terms, now = cashier.chains[network], cashier.settings.networks[network], utcnow()
    most = rules.MOST_UNUSED * cashier.settings.auth.rate_limit_factor

    async def work(session: AsyncSession) -> Done:
        address, handout = await give(session, chain=chain, terms=terms, user_id=user_id, asset=asset, most_unused=most)
        body = _shape(cashier, handout, address, NOTHING_CAME).model_dump(mode="json")
        rate = rates.rider(cashier.settings, LIMIT, str(user_id), now=now)
        wait = int(LIMITS[LIMIT].times(cashier.settings.auth.rate_limit_factor).interval.total_seconds())
        slower = Refusal(Kind.RATE_LIMITED, "Too many new addresses; wait a little.", limit=LIMIT, retry_after=wait + 1)
        return Done(body, [rate, changed(user_id, "address", handout.id, 1)], status=201, misses={"rate": slower})

    return await once(cashier.db, keyed, user_id=user_id, operation="addresses_create", work=work)


async def give(
    session: AsyncSession,
    *,
    chain: Chain,
    terms: NetworkSettings,
    user_id: uuid.UUID,
    asset: str,
    most_unused: int | None = None,
) -> tuple[DepositAddress, AddressHandout]:
    """Take or share an address in the caller's transaction; see `hand_out`."""
    network, family = chain.network, watch.family(chain)
    if await store.lock_index(session, family=family) is None:
        raise _not_ready()
    if terms.family == "evm" and not await store.begun(session, network=network):
        # Where its scans begin is not written down yet, and could come to lie after what is paid to this address.
        raise _not_ready()
    address = None
    if terms.family == "evm":
        newest = await store.newest_address(session, user_id=user_id, network=network)
        if newest is not None and asset not in await store.handed_out_for(session, address_id=newest.id):
            address = newest
    now = utcnow()
    if address is None:
        # Under the lock of the sequence: two requests at once count one after the other.
        if most_unused is not None:
            await _not_too_many(session, user_id=user_id, network=network, most=most_unused)
        index = await store.take_index(session, family=family)
        if index is None:
            raise _not_ready()
        row = {
            "id": new_id(),
            "user_id": user_id,
            "network": network,
            "index": index,
            "address": chain.deposit_address(index),
            "created_at": now,
        }
        await store.insert_address(session, row=row)
        address = DepositAddress(**row)
    given = {"id": new_id(), "address_id": address.id, "user_id": user_id, "asset": asset, "created_at": now}
    await store.insert_handout(session, row=given)
    return address, AddressHandout(**given)


async def _not_too_many(session: AsyncSession, *, user_id: uuid.UUID, network: str, most: int) -> None:
    if await store.unused(session, user_id=user_id, network=network, most=most) >= most:
        detail = f"Nothing has come to {most} of your addresses yet. Use one of those."
        raise Refusal(Kind.LIMIT_EXCEEDED, detail, limit=str(most))


def _not_ready() -> Refusal:
    detail = "The next deposit addresses are being prepared; ask again in a moment."
    return Refusal(Kind.BUSY, detail, retry_after=2)


async def page(
    cashier: Cashier,
    *,
    user_id: uuid.UUID,
    asset: str | None,
    network: str | None,
    used: bool | None,
    limit: int,
    before: Cursor | None,
) -> Page[AddressOut]:
    """The user's deposit addresses with what came to them, newest first."""
    async with cashier.db.reading() as session:
        rows = await store.page_of_handouts(
            session, user_id=user_id, asset=asset, network=network, used=used, before=before, limit=limit
        )
    items = [_shape(cashier, row[0], row[1], (row[2], row[3], row[4])) for row in rows]
    return Page(items=items, next_cursor=next_cursor([(row[0].created_at, row[0].id) for row in rows], limit))


Came = tuple[int, datetime | None, datetime | None]
"""How many deposits, the first, the last."""
NOTHING_CAME: Came = (0, None, None)


def _shape(cashier: Cashier, handout: AddressHandout, address: DepositAddress, came: Came) -> AddressOut:
    terms = cashier.settings.networks.get(address.network)
    uri = payment_uri(terms, handout.asset, address.address) if terms is not None else address.address
    return AddressOut(
        id=handout.id,
        asset=handout.asset,
        network=address.network,
        address=address.address,
        uri=uri,
        created_at=handout.created_at,
        deposits=came[0],
        first_deposit_at=came[1],
        last_deposit_at=came[2],
    )
