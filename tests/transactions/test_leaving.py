"""Taking everything along, and closing an account: only when nothing is left in it, and for good."""

import dataclasses
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.notices.mailbox import mailbox
from tests.transactions.test_request import refused
from tests.transactions.transfers import create, person, priced, verify, waiting
from tests.transactions.world import Someone, World
from tidegate.auth import accounts
from tidegate.auth.gate import gate_of
from tidegate.database import utcnow
from tidegate.refusal import Kind
from tidegate.transactions import leaving
from tidegate.webhooks.courier import Courier

PASSWORD = "a lamp in the fog"


@pytest.fixture
async def ana(world: World) -> Someone:
    priced(world)
    return await person(world, USDT=100_000_000)


@pytest.fixture
async def ben(world: World) -> Someone:
    return await person(world)


async def gate(world: World) -> Any:
    async with world.db.reading() as session:
        return gate_of(session)


async def close(world: World, who: Someone, *, password: str = PASSWORD) -> None:
    now = utcnow()
    await leaving.close(await gate(world), world.office, who.subject, password=password, code=who.code(now), now=now)


async def everything(world: World, who: Someone) -> tuple[list[bytes], Any]:
    found = await gate(world)
    rooms = leaving.Rooms(found, world.office, Courier(world.db, found.settings, found.keys))
    parts = [part async for part in leaving.everything(rooms, who.subject, now=utcnow())]
    return parts, json.loads(b"".join(parts))


async def test_an_empty_account_closes_nobody_signs_in_and_the_books_stay(
    world: World, ben: Someone, tmp_path: Path
) -> None:
    before = await world.one("SELECT count(*) FROM ledger_transfers")
    async with mailbox(world.db, world.settings, tmp_path) as box:
        object.__setattr__(world.gate, "settings", box.post.settings)
        await close(world, ben)
        (told,) = await box.carried()
    assert (told["To"], told["Subject"]) == (ben.subject.email, "Your account is closed")
    assert await world.one("SELECT closed_at IS NOT NULL FROM users WHERE id = :id", id=ben.id)
    assert await world.one("SELECT count(*) FROM sessions WHERE user_id = :id AND revoked_at IS NULL", id=ben.id) == 0
    assert await world.one("SELECT count(*) FROM ledger_transfers") == before
    async with world.db.reading() as session:
        assert await accounts.user_by_email(session, ben.subject.email) is None


async def test_what_is_still_there_is_said_and_nothing_is_closed(world: World, ana: Someone, ben: Someone) -> None:
    await create(world, ana, ben)
    told = await refused(Kind.CONFLICT, close(world, ana))
    assert told.fields["reasons"] == ["balance:USDT", "transfers:1"]
    assert await world.one("SELECT closed_at FROM users WHERE id = :id", id=ana.id) is None


async def test_a_wrong_password_closes_nothing(world: World, ben: Someone) -> None:
    await refused(Kind.INVALID_CREDENTIALS, close(world, ben, password="another one altogether"))


async def test_a_closed_account_is_paid_by_nobody(world: World, ana: Someone, ben: Someone) -> None:
    made = await waiting(world, ana, ben)
    await close(world, ben)
    await refused(Kind.NOT_FOUND, create(world, ana, ben))
    await refused(Kind.POLICY_BLOCKED, verify(world, ana, made))
    assert await world.available(ben.id, "USDT") == (0, 0)


async def test_after_a_change_of_address_nothing_new_leaves_and_what_was_begun_is_not_confirmed(
    world: World, ana: Someone, ben: Someone
) -> None:
    made = await waiting(world, ana, ben)
    until = utcnow() + timedelta(hours=72)
    async with world.db.transaction() as session:
        await session.execute(
            text("UPDATE users SET held_since = now(), held_until = :until WHERE id = :id"),
            {"until": until, "id": ana.id},
        )
    # The request was let in a moment before: the commit itself says no.
    await refused(Kind.POLICY_BLOCKED, verify(world, ana, made))
    assert await world.available(ben.id, "USDT") == (0, 0)
    ana.subject = dataclasses.replace(ana.subject, held_until=until)
    told = await refused(Kind.POLICY_BLOCKED, create(world, ana, ben, key="another"))
    assert told.fields["available_at"]


async def test_everything_is_one_object_in_pieces_with_no_secret_in_it_and_nothing_of_others(
    world: World, ana: Someone, ben: Someone
) -> None:
    made = await waiting(world, ana, ben)
    await verify(world, ana, made)
    parts, told = await everything(world, ana)
    assert len(parts) > 10, "written while it is sent"
    assert told["account"]["email"] == ana.subject.email
    assert {one["asset"]: one["total"] for one in told["balances"]}["USDT"] == "75.000000"
    assert [row["kind"] for row in told["transactions"]] == ["transfer"]
    assert told["statement_USDT"]
    text_of_it = json.dumps(told)
    for secret in ("argon2", "password_hash", "token_digest", ana.seed):
        assert secret not in text_of_it
    _, other = await everything(world, ben)
    assert ana.id.hex not in json.dumps(other).replace("-", "")
