"""Internal transfers: to whom, within which limits, one commit a step, and what each side sees."""

import asyncio
import dataclasses
import uuid
from datetime import timedelta

import pytest

from tests.transactions.test_request import kinds, refused, under
from tests.transactions.transfers import address_of, create, person, priced, verify, waiting
from tests.transactions.world import BITCOIN_STRANGER, STRANGER, Someone, World
from tidegate.auth import accounts
from tidegate.auth.rules import LIMITS, Limit
from tidegate.compliance import pause
from tidegate.database import utcnow
from tidegate.idempotency import Keyed
from tidegate.refusal import Kind
from tidegate.transactions import history, transfer

MANY = 100_000_000


@pytest.fixture
async def ana(world: World) -> Someone:
    priced(world)
    return await person(world, USDT=MANY)


@pytest.fixture
async def ben(world: World) -> Someone:
    return await person(world, USDT=1)


async def untouched(world: World, who: Someone) -> None:
    assert await world.available(who.id, "USDT") == (MANY, 0)
    for table in ("internal_transfers", "internal_transfer_events", "idempotency_keys"):
        assert await world.one(f"SELECT count(*) FROM {table}") == 0
    assert await world.one("SELECT count(*) FROM events WHERE kind = 'transfer'") == 0
    assert await world.rows("SELECT 1 FROM limit_counters WHERE usd_cents <> 0") == []


async def test_hold_transfer_key_counter_and_event_come_with_one_answer(
    world: World, ana: Someone, ben: Someone
) -> None:
    made = await create(world, ana, ben, key="k", reference="rent")
    assert made.status == 201
    body = made.body
    assert (body["state"], body["waiting_for"], body["can_cancel"]) == ("pending_verification", "you", True)
    assert (body["asset"], body["amount"], body["to_email"]) == ("USDT", "25.000000", ben.subject.email)
    assert body["challenge"]["intent"]["to"] == ben.subject.email
    assert await world.available(ana.id, "USDT") == (75_000_000, 25_000_000)
    assert await world.rows("SELECT key, status FROM idempotency_keys") == [("k", 201)]
    assert await world.rows("SELECT usd_cents FROM limit_counters") == [(2500,)]
    assert await world.rows("SELECT user_id FROM events WHERE kind = 'transfer'") == [(ana.id,)]
    await world.exact()


async def test_a_right_code_gives_the_money_to_the_recipient_at_once_and_tells_both(
    world: World, ana: Someone, ben: Someone
) -> None:
    told = await verify(world, ana, await waiting(world, ana, ben))
    assert (told.body["state"], told.body["challenge"], told.body["can_cancel"]) == ("completed", None, False)
    assert [event["state"] for event in told.body["events"]] == ["pending_verification", "completed"]
    assert await world.available(ana.id, "USDT") == (75_000_000, 0)
    assert await world.available(ben.id, "USDT") == (25_000_001, 0)
    rows = await world.rows("SELECT user_id, version FROM events WHERE kind = 'transfer' ORDER BY at, version")
    assert sorted(rows, key=str) == sorted([(ana.id, 1), (ana.id, 2), (ben.id, 2)], key=str)
    await world.exact()


async def test_a_deposit_address_here_is_paid_without_saying_whose_it_is(
    world: World, ana: Someone, ben: Someone
) -> None:
    address = await address_of(world, ben)
    made = (await create(world, ana, address.lower(), by_address=True)).body
    assert (made["to_address"], made["network"]) == (address, "ethereum")
    assert ben.subject.email not in str(made)
    assert str(ben.id) not in str(made)
    await verify(world, ana, uuid.UUID(made["id"]))
    seen = await history.transfer(world.office, user_id=ben.id, transfer_id=uuid.UUID(made["id"]))
    assert (seen.direction, seen.from_email, seen.to_address) == ("in", None, address)
    assert await world.available(ben.id, "USDT") == (25_000_001, 0)


async def test_nobody_a_frozen_and_an_unconfirmed_account_get_the_same_refusal(
    world: World, ana: Someone, ben: Someone
) -> None:
    frozen, unconfirmed = await person(world, USDT=1), await person(world)
    async with world.db.transaction() as session:
        await accounts.set_frozen(session, user_id=frozen.id, frozen=True)
    await world.sql("UPDATE users SET email_confirmed_at = NULL WHERE id = :id", id=unconfirmed.id)
    asked = [
        create(world, ana, "nobody@example.com"),
        create(world, ana, "no address\x00at all"),
        create(world, ana, frozen),
        create(world, ana, unconfirmed),
    ]
    assert {str(await refused(Kind.NOT_FOUND, one)) for one in asked} == {"Nobody here can be paid like this."}
    by_address = [await address_of(world, frozen), STRANGER, world.evm.hot_address]
    told = [await refused(Kind.NOT_FOUND, create(world, ana, one, by_address=True)) for one in by_address]
    assert {str(one) for one in told} == {"Nobody here can be paid like this."}
    await untouched(world, ana)


async def test_each_look_for_a_recipient_counts_and_then_nobody_is_told_anything(
    world: World, ana: Someone, ben: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMITS, "transfers", Limit("transfers", 3, timedelta(hours=1)))
    monkeypatch.setattr(Limit, "times", lambda self, _factor: self)
    for nobody in ("a@example.com", "b@example.com", "c@example.com"):
        await refused(Kind.NOT_FOUND, create(world, ana, nobody))
    for one in ("d@example.com", ben.subject.email):
        told = await refused(Kind.RATE_LIMITED, create(world, ana, one))
        assert told.fields["retry_after"] > 0
    await untouched(world, ana)


async def test_without_the_money_nobody_is_looked_for(world: World, ana: Someone, ben: Someone) -> None:
    for to in ("nobody@example.com", ben.subject.email):
        await refused(Kind.INSUFFICIENT_FUNDS, create(world, ana, to, "100.000001"))
    assert await world.rows("SELECT 1 FROM rate_counters WHERE key LIKE 'transfers:%'") == []
    await untouched(world, ana)


async def test_nobody_pays_themselves(world: World, ana: Someone) -> None:
    await refused(Kind.OWN_ADDRESS, create(world, ana, ana.subject.email.upper()))
    await refused(Kind.OWN_ADDRESS, create(world, ana, await address_of(world, ana), by_address=True))
    await untouched(world, ana)


async def test_an_address_that_is_none_or_of_another_network_is_refused(world: World, ana: Someone) -> None:
    await refused(Kind.WRONG_NETWORK, create(world, ana, BITCOIN_STRANGER, by_address=True))
    await refused(Kind.INVALID_ADDRESS, create(world, ana, STRANGER[:-1] + "9", by_address=True))
    await refused(Kind.UNKNOWN_ASSET, create(world, ana, STRANGER, "1", "DOGE", by_address=True))
    await refused(Kind.TOO_MANY_DECIMALS, create(world, ana, STRANGER, "0.0000001", by_address=True))
    await refused(Kind.INVALID_AMOUNT, create(world, ana, STRANGER, "0", by_address=True))
    await untouched(world, ana)


async def test_limits_are_those_of_withdrawals_and_nothing_waits_for_a_person(
    world: World, ana: Someone, ben: Someone
) -> None:
    world.furnish(under(world, per_withdrawal_usd="60", daily_usd="70", review_above_usd="40"))
    priced(world)
    await refused(Kind.REVIEW_REQUIRED, create(world, ana, ben, "40.000001"))
    told = await refused(Kind.LIMIT_EXCEEDED, create(world, ana, ben, "60.000001"))
    assert told.fields["limit"] == "per_withdrawal"
    await create(world, ana, ben, "40")
    told = await refused(Kind.LIMIT_EXCEEDED, create(world, ana, ben, "30.000001"))
    assert told.fields["limit"] == "daily"


async def test_what_nobody_can_value_does_not_pass(world: World, ben: Someone) -> None:
    ana = await person(world, BTC=MANY)
    await refused(Kind.REVIEW_REQUIRED, create(world, ana, ben, "0.001", "BTC"))
    assert await world.available(ana.id, "BTC") == (MANY, 0)


async def test_many_at_once_never_pass_the_days_limit_nor_the_balance(world: World, ana: Someone, ben: Someone) -> None:
    world.furnish(under(world, daily_usd="75"))
    priced(world)
    results = await asyncio.gather(*(create(world, ana, ben, "25") for _ in range(8)), return_exceptions=True)
    assert kinds(list(results)) == [Kind.LIMIT_EXCEEDED] * 5
    assert await world.available(ana.id, "USDT") == (25_000_000, 75_000_000)
    await world.exact()


async def test_twins_of_one_request_hold_once_and_all_get_the_first_answer(
    world: World, ana: Someone, ben: Someone
) -> None:
    answers = await asyncio.gather(*(create(world, ana, ben, key="k") for _ in range(12)))
    assert len({one.raw for one in answers}) == 1
    assert [one.replayed for one in answers].count(False) == 1
    assert await world.available(ana.id, "USDT") == (75_000_000, 25_000_000)
    await refused(Kind.IDEMPOTENCY_KEY_REUSED, create(world, ana, ben, key="k", digest="other"))


async def test_a_reference_counts_once_for_ever(world: World, ana: Someone, ben: Someone) -> None:
    await create(world, ana, ben, reference="rent")
    await refused(Kind.CONFLICT, create(world, ana, ben, reference="rent"))
    assert await world.available(ana.id, "USDT") == (75_000_000, 25_000_000)


@pytest.mark.parametrize("asset", ["USDT", "*"])
async def test_nothing_moves_while_its_asset_stands_still(world: World, ana: Someone, ben: Someone, asset: str) -> None:
    waits = await waiting(world, ana, ben)
    await pause.pause(world.db, asset=asset, by="tess", reason="looking")
    await refused(Kind.POLICY_BLOCKED, create(world, ana, ben))
    await refused(Kind.POLICY_BLOCKED, verify(world, ana, waits))
    await transfer.cancel(world.office, ana.subject, waits, utcnow())
    assert await world.available(ana.id, "USDT") == (MANY, 0)


async def test_who_owes_for_a_deposit_that_was_taken_back_sends_nothing(
    world: World, ana: Someone, ben: Someone
) -> None:
    waits = await waiting(world, ana, ben)
    await world.by_force("INSERT INTO receivables (user_id, asset, units) VALUES (:user, 'USDT', 5)", user=ana.id)
    await refused(Kind.POLICY_BLOCKED, create(world, ana, ben))
    await refused(Kind.POLICY_BLOCKED, verify(world, ana, waits))


async def test_a_frozen_account_sends_nothing_and_an_unenrolled_one_neither(
    world: World, ana: Someone, ben: Someone
) -> None:
    who = ana.subject
    ana.subject = dataclasses.replace(who, frozen=True)
    await refused(Kind.POLICY_BLOCKED, create(world, ana, ben))
    ana.subject = dataclasses.replace(who, enrolled=False)
    await refused(Kind.SECOND_FACTOR_REQUIRED, create(world, ana, ben))
    await untouched(world, ana)


@pytest.mark.parametrize("side", ["sender", "recipient"])
async def test_a_freeze_that_comes_before_the_commit_stops_it(
    world: World, ana: Someone, ben: Someone, side: str
) -> None:
    waits = await waiting(world, ana, ben)
    async with world.db.transaction() as session:
        await accounts.set_frozen(session, user_id=(ana if side == "sender" else ben).id, frozen=True)
    # The subject was read before the freeze.
    await refused(Kind.POLICY_BLOCKED, verify(world, ana, waits))
    assert await world.available(ben.id, "USDT") == (1, 0)
    assert await world.available(ana.id, "USDT") == (75_000_000, 25_000_000)


async def test_a_wrong_code_and_a_used_one_change_nothing(world: World, ana: Someone, ben: Someone) -> None:
    first, second = await waiting(world, ana, ben), await waiting(world, ana, ben)
    await refused(Kind.INVALID_CODE, verify(world, ana, first, code="12345"))
    code = ana.code(utcnow())
    await verify(world, ana, first, code=code)
    await refused(Kind.CODE_ALREADY_USED, verify(world, ana, second, code=code))
    assert await world.available(ben.id, "USDT") == (25_000_001, 0)


async def test_twins_of_one_verify_move_the_money_once(world: World, ana: Someone, ben: Someone) -> None:
    waits, code = await waiting(world, ana, ben), ana.code(utcnow())
    answers = await asyncio.gather(*(verify(world, ana, waits, code=code, key="k") for _ in range(6)))
    assert len({one.raw for one in answers}) == 1
    assert await world.available(ben.id, "USDT") == (25_000_001, 0)
    await refused(Kind.CONFLICT, verify(world, ana, waits))


async def test_verify_and_cancel_at_once_have_one_winner(world: World, ana: Someone, ben: Someone) -> None:
    waits = await waiting(world, ana, ben)
    cancelled = transfer.cancel(world.office, ana.subject, waits, utcnow())
    results = await asyncio.gather(verify(world, ana, waits), cancelled, return_exceptions=True)
    assert len(kinds(list(results))) == 1
    state = await world.one("SELECT state FROM internal_transfers")
    assert await world.available(ben.id, "USDT") == ((25_000_001, 0) if state == "completed" else (1, 0))
    await world.exact()


async def test_cancelling_gives_all_back_and_again_changes_nothing(world: World, ana: Someone, ben: Someone) -> None:
    waits = await waiting(world, ana, ben)
    for _ in range(2):
        await transfer.cancel(world.office, ana.subject, waits, utcnow())
    assert await world.available(ana.id, "USDT") == (MANY, 0)
    assert await world.rows("SELECT usd_cents FROM limit_counters") == [(0,)]
    await refused(Kind.CONFLICT, verify(world, ana, waits))
    await world.exact()


async def test_what_is_completed_cannot_be_cancelled(world: World, ana: Someone, ben: Someone) -> None:
    waits = await waiting(world, ana, ben)
    await verify(world, ana, waits)
    told = await refused(Kind.CANNOT_CANCEL, transfer.cancel(world.office, ana.subject, waits, utcnow()))
    assert told.fields["state"] == "completed"


async def test_what_is_not_confirmed_in_time_expires_and_comes_back(world: World, ana: Someone, ben: Someone) -> None:
    waits = await waiting(world, ana, ben)
    late = utcnow() + timedelta(seconds=world.settings.quotes.challenge_seconds + 1)
    assert await transfer.expire(world.office, utcnow()) == 0
    assert await transfer.expire(world.office, late) == 1
    assert await transfer.expire(world.office, late) == 0
    assert await world.available(ana.id, "USDT") == (MANY, 0)
    seen = await history.transfer(world.office, user_id=ana.id, transfer_id=waits)
    assert (seen.state, seen.detail, seen.waiting_for) == ("expired", "It was not confirmed in time.", None)
    await world.exact()


async def test_a_code_after_its_time_is_refused_before_the_worker_comes(
    world: World, ana: Someone, ben: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, now = await waiting(world, ana, ben), utcnow()
    late = now + timedelta(seconds=world.settings.quotes.challenge_seconds)
    asked = transfer.verify(world.office, ana.subject, waits, ana.code(late), Keyed(None, ""), late)
    await refused(Kind.QUOTE_EXPIRED, asked)


async def test_a_stranger_and_a_recipient_before_it_came_find_nothing(world: World, ana: Someone, ben: Someone) -> None:
    waits, eve = await waiting(world, ana, ben), await person(world)
    for other in (ben, eve):
        await refused(Kind.NOT_FOUND, history.transfer(world.office, user_id=other.id, transfer_id=waits))
        await refused(Kind.NOT_FOUND, verify(world, other, waits))
        await refused(Kind.NOT_FOUND, transfer.cancel(world.office, other.subject, waits, utcnow()))
    await verify(world, ana, waits)
    # What has come is the recipient's to see, and nobody's but the sender's to act upon.
    assert (await history.transfer(world.office, user_id=ben.id, transfer_id=waits)).direction == "in"
    await refused(Kind.NOT_FOUND, transfer.cancel(world.office, ben.subject, waits, utcnow()))
    await refused(Kind.NOT_FOUND, history.transfer(world.office, user_id=eve.id, transfer_id=waits))
