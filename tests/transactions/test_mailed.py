"""What a withdrawal's owner is told by mail, and what the links in it do: cancel, freeze, follow."""

import base64
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.auth.people import ORIGIN, build_app, problem
from tests.notices.mailbox import Mailbox, body, link, mailbox
from tests.transactions.test_request import refused
from tests.transactions.world import STRANGER, Someone, World
from tidegate.auth import accounts, freezing, links
from tidegate.auth.rules import Purpose
from tidegate.database import utcnow
from tidegate.idempotency import Keyed
from tidegate.refusal import Kind
from tidegate.transactions import by_link, link_routes, tracking
from tidegate.wallets import beneficiaries

WHOLE = "0x 7099 7970 C518 12dc"


@pytest.fixture
async def box(world: World, tmp_path: Path) -> AsyncIterator[Mailbox]:
    async with mailbox(world.db, world.settings, tmp_path) as found:
        world.furnish(found.post.settings)
        object.__setattr__(world.gate, "settings", found.post.settings)
        yield found


@pytest.fixture
async def http(world: World, box: Mailbox) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without an account, at the public doors."""
    app = build_app(world.gate, link_routes.router)
    app.state.transactions = world.office
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=f"{ORIGIN}/api/v1") as client:
        yield client


async def paid(world: World, **more: object) -> tuple[Someone, uuid.UUID]:
    who = await world.someone(USDT=100_000_000)
    await world.stock(USDT=100_000_000, ETH=10**18)
    return who, await world.verified(who)


async def test_a_request_is_mailed_with_the_whole_address_and_every_cost(world: World, box: Mailbox) -> None:
    who = await world.someone(USDT=100_000_000)
    await world.asked(who)
    (one,) = await box.carried()
    said = body(one)
    assert one["Subject"] == "25.000000 USDT are to leave your account"
    assert WHOLE in said
    assert "".join(said.split("address:")[1].split("They get")[0].split()) == STRANGER
    for figure in ("They get        25.000000 USDT", "Network fee     1.000000 USDT", "You pay         26.000000 USDT"):
        assert " ".join(figure.split()) in " ".join(said.split())


async def test_a_refused_request_is_not_mailed(world: World, box: Mailbox) -> None:
    who = await world.someone(USDT=1)
    await refused(Kind.INSUFFICIENT_FUNDS, world.asked(who))
    assert await box.carried() == []


async def test_arrival_is_mailed_once_with_its_transaction(world: World, box: Mailbox) -> None:
    _, asked = await paid(world)
    await world.until(asked, "completed")
    _, arrived = await box.carried()
    assert arrived["Subject"] == "25.000000 USDT have arrived"
    assert await world.one("SELECT txid FROM attempts") in body(arrived)


async def test_what_is_not_sent_is_mailed_with_what_came_back(world: World, box: Mailbox) -> None:
    who = await world.someone(USDT=100_000_000)
    asked = await world.asked(who)
    await world.cancel(who, asked)
    _, returned = await box.carried()
    assert returned["Subject"] == "Not sent: 26.000000 USDT are back in your balance"


async def test_the_link_in_the_mail_shows_and_cancels_and_looking_changes_nothing(
    world: World, box: Mailbox, http: httpx.AsyncClient
) -> None:
    _, asked = await paid(world)
    (mail,) = await box.carried()
    token = link(mail, "cancel")
    shown = await http.post("/transactions/links/cancel/look", json={"token": token})
    assert (shown.status_code, shown.json()["state"], shown.json()["can_cancel"]) == (200, "pending_screening", True)
    assert shown.json()["address"] == STRANGER
    assert await world.standing(asked) == ("pending_screening", None)
    for method, path in (("GET", "/transactions/links/cancel"), ("HEAD", "/transactions/links/cancel")):
        assert (await http.request(method, path, params={"token": token})).status_code == 405
    assert await world.standing(asked) == ("pending_screening", None)
    for _ in range(2):
        done = await http.post("/transactions/links/cancel", json={"token": token})
        assert (done.status_code, done.json()["state"], done.json()["can_cancel"]) == (200, "cancelled", False)
    await world.exact()


async def test_a_payment_that_is_being_sent_is_not_cancelled_by_its_link(world: World, box: Mailbox) -> None:
    _, asked = await paid(world)
    (mail,) = await box.carried()
    await world.until(asked, "confirming")
    await refused(Kind.CANNOT_CANCEL, by_link.cancel(world.office, link(mail, "cancel"), utcnow()))


async def test_a_link_that_is_bent_cut_old_or_for_something_else_leads_nowhere(world: World, box: Mailbox) -> None:
    await paid(world)
    (mail,) = await box.carried()
    token, freeze = link(mail, "cancel"), link(mail, "freeze")
    now = utcnow()
    assert (await by_link.look(world.office, token, now)).can_cancel
    raw = base64.urlsafe_b64decode(token + "=")
    bent = [
        base64.urlsafe_b64encode(bytes([*raw[:at], raw[at] ^ 1, *raw[at + 1 :]])).decode().rstrip("=")
        for at in range(len(raw))
    ]
    # The last character has bits that say nothing: it has one spelling all the same.
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    others = [token[:-1] + sign for sign in last if sign != token[-1]]
    for wrong in [*bent, *others, token[:-1], token + "A", token + "=", "", "é" * len(token), freeze]:
        await refused(Kind.NOT_FOUND, by_link.look(world.office, wrong, now))
    await refused(Kind.NOT_FOUND, by_link.look(world.office, token, now + timedelta(days=3)))
    await refused(Kind.NOT_FOUND, by_link.cancel(world.office, token, now + timedelta(days=3)))
    await refused(Kind.NOT_FOUND, freezing.look(world.gate, token, now=now))
    await refused(Kind.NOT_FOUND, tracking.follow(world.office, token, now))


async def test_a_freeze_link_stops_what_is_not_signed_once_and_its_owner_lets_go_with_a_code(
    world: World, box: Mailbox
) -> None:
    who, asked = await paid(world)
    (mail,) = await box.carried()
    token, now = link(mail, "freeze"), utcnow()
    assert (await freezing.look(world.gate, token, now=now)).frozen_at is None
    frozen = await freezing.freeze(world.gate, token, now=now)
    assert frozen.frozen_at is not None
    assert frozen.used
    assert (await freezing.freeze(world.gate, token, now=now)).frozen_at == frozen.frozen_at
    for _ in range(4):
        await world.turn()
    assert (await world.standing(asked))[1] == "frozen"
    await refused(Kind.INVALID_CODE, freezing.lift(world.gate, who.subject, code="000000", now=now))
    await freezing.lift(world.gate, who.subject, code=await world._fresh_code(who, utcnow()), now=utcnow())
    await refused(Kind.CONFLICT, freezing.freeze(world.gate, token, now=now))
    await world.until(asked, "completed")
    subjects = [str(one["Subject"]) for one in await box.carried()]
    assert "Your account is frozen" in subjects
    assert "Your account is not frozen any more" in subjects


async def test_what_an_operator_froze_no_code_lifts_and_no_link_takes_over(world: World, box: Mailbox) -> None:
    who, _ = await paid(world)
    (mail,) = await box.carried()
    async with world.db.transaction() as session:
        await accounts.set_frozen(session, user_id=who.id, frozen=True)
    await freezing.freeze(world.gate, link(mail, "freeze"), now=utcnow())
    code = await world._fresh_code(who, utcnow())
    await refused(Kind.POLICY_BLOCKED, freezing.lift(world.gate, who.subject, code=code, now=utcnow()))


# --- following ------------------------------------------------------------------------------------------------------


async def tracked(world: World, who: Someone, asked: uuid.UUID, key: str | None = None) -> str:
    made = await tracking.create(world.office, user_id=who.id, withdrawal_id=asked, keyed=Keyed(key, "d"), now=utcnow())
    return str(made.body["url"])


async def test_a_recipient_follows_a_payment_and_sees_nothing_of_the_account(
    world: World, http: httpx.AsyncClient
) -> None:
    who, asked = await paid(world)
    url = await tracked(world, who, asked)
    assert url.startswith(f"{ORIGIN}/track#")
    token = url.partition("#")[2]
    seen = []
    for state in ("pending_screening", "confirming", "completed"):
        await world.until(asked, state)
        answer = await http.post("/transactions/links/track", json={"token": token})
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        seen.append(answer.json())
    assert [one["stage"] for one in seen] == ["preparing", "confirming", "arrived"]
    assert [one["confirmations"] for one in seen][-1] == 3
    assert seen[0]["txid"] is None
    assert seen[-1]["txid"] == await world.one("SELECT txid FROM attempts")
    assert seen[0]["deliver"] == {"asset": "USDT", "amount": "25.000000"}
    assert set(seen[0]) == {
        "stage",
        "deliver",
        "network",
        "network_name",
        "confirmations",
        "confirmations_required",
        "txid",
        "explorer_url",
        "expected_by",
        "arrived_at",
        "link_expires_at",
    }
    for private in (STRANGER, str(who.id), str(asked), "26.000000", "1.000000"):
        assert private not in answer.text


async def test_a_link_is_made_once_shown_again_and_leads_nowhere_once_revoked(world: World, box: Mailbox) -> None:
    who, asked = await paid(world)
    url = await tracked(world, who, asked, key="k")
    assert await tracked(world, who, asked, key="k") == url == await tracked(world, who, asked)
    now, token = utcnow(), url.partition("#")[2]
    shown = await tracking.get(world.office, user_id=who.id, withdrawal_id=asked, now=now)
    assert shown.url == url
    await tracking.revoke(world.office, user_id=who.id, withdrawal_id=asked, now=now)
    await refused(Kind.NOT_FOUND, tracking.follow(world.office, token, now))
    assert (await tracking.get(world.office, user_id=who.id, withdrawal_id=asked, now=now)).url is None
    other = await tracked(world, who, asked)
    assert other != url
    assert (await tracking.follow(world.office, other.partition("#")[2], now)).stage == "preparing"


async def test_a_link_expires(world: World, box: Mailbox) -> None:
    who, asked = await paid(world)
    token, later = (await tracked(world, who, asked)).partition("#")[2], utcnow() + tracking.LIVES
    await refused(Kind.NOT_FOUND, tracking.follow(world.office, token, later))
    assert (await tracking.get(world.office, user_id=who.id, withdrawal_id=asked, now=later)).url is None


async def test_only_the_owner_of_a_confirmed_payment_makes_sees_and_revokes_a_link(world: World, box: Mailbox) -> None:
    who, asked = await paid(world)
    other, now = await world.someone(USDT=100_000_000), utcnow()
    await tracked(world, who, asked)
    mine = {"user_id": other.id, "withdrawal_id": asked, "now": now}
    await refused(Kind.NOT_FOUND, tracking.create(world.office, keyed=Keyed(None, ""), **mine))  # type: ignore[arg-type]  # named above
    await refused(Kind.NOT_FOUND, tracking.get(world.office, **mine))  # type: ignore[arg-type]  # named above
    await refused(Kind.NOT_FOUND, tracking.revoke(world.office, **mine))  # type: ignore[arg-type]  # named above
    unconfirmed = await world.asked(other)
    await refused(Kind.CONFLICT, tracked(world, other, unconfirmed))


async def test_no_link_is_stored_in_any_table(world: World, box: Mailbox) -> None:
    who, asked = await paid(world)
    (mail,) = await box.carried()
    tokens = [link(mail, "cancel"), link(mail, "freeze"), (await tracked(world, who, asked, key="k")).partition("#")[2]]
    tables = [name for (name,) in await world.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    for table in tables:
        async with world.superuser_db.reading() as session:
            rows = await session.connection()
            for token in tokens:
                found = await rows.exec_driver_sql(
                    f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE $1', (f"%{token}%",)
                )
                assert found.scalar_one() == 0, table


async def test_looks_at_links_are_counted_by_network(world: World, http: httpx.AsyncClient) -> None:
    token = links.token(world.gate.keys, Purpose.TRACK, uuid.uuid4(), utcnow() + timedelta(days=1))
    answer = await http.post("/transactions/links/track", json={"token": token})
    assert problem(answer) == (404, "not_found")
    await world.sql("UPDATE rate_counters SET spent_until = now() + interval '1 hour' WHERE key LIKE 'links_network:%'")
    answer = await http.post("/transactions/links/track", json={"token": token})
    assert problem(answer) == (429, "rate_limited")


async def test_a_tracking_link_is_not_bent_by_sql(
    world: World, box: Mailbox, superuser: "asyncpg.Connection[Any]"
) -> None:
    who, asked = await paid(world)
    await tracked(world, who, asked)
    with pytest.raises(asyncpg.RestrictViolationError):
        await superuser.execute("UPDATE tracking_links SET expires_at = expires_at + interval '1 year'")
    with pytest.raises(asyncpg.UniqueViolationError):
        await superuser.execute(
            "INSERT INTO tracking_links SELECT gen_random_uuid(), withdrawal_id, user_id, created_at, expires_at, NULL "
            "FROM tracking_links"
        )
    await superuser.execute("UPDATE tracking_links SET revoked_at = now()")
    with pytest.raises(asyncpg.RestrictViolationError):
        await superuser.execute("UPDATE tracking_links SET revoked_at = NULL")


async def test_a_new_saved_address_is_mailed_whole_with_a_link_that_freezes(world: World, box: Mailbox) -> None:
    who = await world.someone()
    await beneficiaries.create(
        world.office.cashier,
        user_id=who.id,
        label="Anna",
        asset="USDT",
        network="ethereum",
        address=STRANGER,
        keyed=Keyed("k", "d"),
    )
    (mail,) = await box.carried()
    assert mail["Subject"] == "A new saved address: Anna"
    assert WHOLE in body(mail)
    assert (await freezing.look(world.gate, link(mail, "freeze"), now=utcnow())).frozen_at is None
