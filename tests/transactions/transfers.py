"""What the tests of internal transfers share: two people, prices, and the verbs as a customer would call them."""

import dataclasses
import uuid
from fractions import Fraction
from typing import Any

from tests.transactions.world import Someone, World
from tidegate.auth import accounts
from tidegate.database import utcnow
from tidegate.idempotency import Keyed, Stored
from tidegate.markets.books import Mid
from tidegate.transactions import transfer
from tidegate.transactions.transfer import Asked


def priced(world: World) -> None:
    """Everything is worth a dollar."""

    async def mid(*_: Any, **__: Any) -> Mid:
        return Mid(Fraction(1), utcnow(), True, ())

    world.office.desk.markets.mid = mid  # type: ignore[method-assign]


async def person(world: World, **holds: int) -> Someone:
    """A customer who knows their own e-mail address."""
    who = await world.someone(enrolled=True, **holds)
    async with world.db.reading() as session:
        account = await accounts.user_by_id(session, who.id)
    assert account is not None
    who.subject = dataclasses.replace(who.subject, email=account.email)
    return who


async def create(
    world: World,
    who: Someone,
    to: Someone | str,
    amount: str = "25",
    asset: str = "USDT",
    *,
    by_address: bool = False,
    reference: str | None = None,
    key: str | None = None,
    digest: str = "body",
) -> Stored:
    to = to if isinstance(to, str) else to.subject.email
    asked = Asked(asset, amount, None if by_address else to, to if by_address else None, reference)
    return await transfer.create(world.office, who.subject, asked, Keyed(key or uuid.uuid4().hex, digest), utcnow())


async def waiting(world: World, who: Someone, to: Someone, amount: str = "25") -> uuid.UUID:
    return uuid.UUID((await create(world, who, to, amount)).body["id"])


async def verify(
    world: World, who: Someone, transfer_id: uuid.UUID, *, code: str | None = None, key: str | None = None
) -> Stored:
    now = utcnow()
    code = who.code(now) if code is None else code
    return await transfer.verify(world.office, who.subject, transfer_id, code, Keyed(key, "d"), now)


async def address_of(world: World, who: Someone, network: str = "ethereum") -> str:
    found = await world.one(
        "SELECT address FROM deposit_addresses WHERE user_id = :user AND network = :network",
        user=who.id,
        network=network,
    )
    assert isinstance(found, str)
    return found
