"""Deposit addresses: one sequence a family of keys, owned by the database, derived from public keys."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.chains.port import Chain
from tidegate.config import NetworkSettings
from tidegate.database import new_id, utcnow
from tidegate.idempotency import Keyed, Stored
from tidegate.outbox.events import changed
from tidegate.refusal import Kind, Refusal
from tidegate.wallets import store, watch
from tidegate.wallets.cashier import Cashier
from tidegate.wallets.once import Done, once
from tidegate.wallets.schemas import AddressOut
from tidegate.wallets.tables import AddressHandout, DepositAddress
from tidegate.wallets.uris import payment_uri
from tidegate.wire import Cursor, Page, next_cursor


async def hand_out(cashier: Cashier, *, user_id: uuid.UUID, asset: str, network: str, keyed: Keyed) -> Stored:
    """A deposit address for one more use.

    Where one address takes several assets (EVM), an asset it was not given out for yet gets the user's newest one;
    asking again for the same asset gives a fresh one. Refuses UNKNOWN_ASSET, UNKNOWN_NETWORK, and BUSY while no
    node watches the next address.
    """
    cashier.pair(asset, network)
    chain, terms = cashier.chains[network], cashier.settings.networks[network]

    async def work(session: AsyncSession) -> Done:
        address, handout = await give(session, chain=chain, terms=terms, user_id=user_id, asset=asset)
        body = _shape(cashier, handout, address).model_dump(mode="json")
        return Done(body, [changed(user_id, "address", handout.id, 1)], status=201)

    return await once(cashier.db, keyed, user_id=user_id, operation="addresses_create", work=work)


async def give(
    session: AsyncSession, *, chain: Chain, terms: NetworkSettings, user_id: uuid.UUID, asset: str
) -> tuple[DepositAddress, AddressHandout]:
    """Take or share an address in the caller's transaction; see `hand_out`."""
    network, family = chain.network, watch.family(chain)
    if await store.lock_index(session, family=family) is None:
        raise _not_ready()
    address = None
    if terms.family == "evm":
        newest = await store.newest_address(session, user_id=user_id, network=network)
        if newest is not None and asset not in await store.handed_out_for(session, address_id=newest.id):
            address = newest
    now = utcnow()
    if address is None:
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


def _not_ready() -> Refusal:
    detail = "The next deposit addresses are being prepared; ask again in a moment."
    return Refusal(Kind.BUSY, detail, retry_after=2)


async def page(
    cashier: Cashier, *, user_id: uuid.UUID, asset: str | None, network: str | None, limit: int, before: Cursor | None
) -> Page[AddressOut]:
    """The user's deposit addresses, newest first."""
    async with cashier.db.reading() as session:
        rows = await store.page_of_handouts(
            session, user_id=user_id, asset=asset, network=network, before=before, limit=limit
        )
    items = [_shape(cashier, handout, address) for handout, address in rows]
    return Page(items=items, next_cursor=next_cursor([(row[0].created_at, row[0].id) for row in rows], limit))


def _shape(cashier: Cashier, handout: AddressHandout, address: DepositAddress) -> AddressOut:
    terms = cashier.settings.networks.get(address.network)
    uri = payment_uri(terms, handout.asset, address.address) if terms is not None else address.address
    return AddressOut(
        id=handout.id,
        asset=handout.asset,
        network=address.network,
        address=address.address,
        uri=uri,
        created_at=handout.created_at,
    )
