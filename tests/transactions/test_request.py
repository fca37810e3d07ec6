"""Accepting a quote: one commit, once, within every limit."""

import asyncio
import dataclasses
import uuid
from datetime import timedelta
from typing import Any

import pytest

from tests.transactions.world import BITCOIN_STRANGER, STRANGER, Someone, World
from tidegate.auth.rules import LIMITS, Limit
from tidegate.config import Settings
from tidegate.database import utcnow
from tidegate.exchange import accept
from tidegate.exchange.rules import Offer
from tidegate.idempotency import Stored
from tidegate.ledger.rules import customer
from tidegate.refusal import Kind, Refusal
from tidegate.signing.messages import Intent
from tidegate.transactions.view import parse_intent
from tidegate.wallets import addresses, sent_to

OTHER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"


async def refused(kind: Kind, work: Any) -> Refusal:
    with pytest.raises(Refusal) as told:
        await work
    assert told.value.kind is kind, told.value.detail
    return told.value


def kinds(results: list[Any]) -> list[Any]:
    """Refusal kinds among gathered results; anything unforeseen is raised."""
    found = []
    for one in results:
        if isinstance(one, BaseException) and not isinstance(one, Refusal):
            raise one
        if isinstance(one, Refusal):
            found.append(one.kind)
    return found


def under(world: World, **compliance: str) -> Settings:
    return world.settings.model_copy(update={"compliance": world.settings.compliance.model_copy(update=compliance)})


async def nothing_happened(world: World, who: Someone, available: int) -> None:
    assert await world.available(who.id, "USDT") == (available, 0)
    for table in ("withdrawals", "withdrawal_events", "idempotency_keys"):
        assert await world.one(f"SELECT count(*) FROM {table}") == 0
    assert await world.one("SELECT count(*) FROM events WHERE kind = 'withdrawal'") == 0
    assert await world.rows("SELECT 1 FROM limit_counters WHERE usd_cents <> 0") == []


async def test_hold_withdrawal_key_quote_counter_and_event_come_with_one_answer(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    offer = await world.offer(who)
    made = await world.request(who, offer, key="k", reference="rent")
    assert made.status == 201
    body = made.body
    assert (body["state"], body["waiting_for"], body["can_cancel"]) == ("pending_verification", "you", True)
    assert (body["debit"]["amount"], body["deliver"]["amount"]) == ("26.000000", "25.000000")
    assert body["challenge"]["methods"] == ["totp"]
    assert await world.available(who.id, "USDT") == (74_000_000, 26_000_000)
    assert await world.rows("SELECT state, used_by FROM quotes") == [("accepted", uuid.UUID(body["id"]))]
    assert await world.rows("SELECT key, status FROM idempotency_keys") == [("k", 201)]
    assert await world.rows("SELECT usd_cents FROM limit_counters") == [(2500,)]
    assert await world.rows("SELECT version, state, by FROM withdrawal_events") == [(1, "pending_verification", "you")]
    assert await world.rows("SELECT object_id, version FROM events WHERE kind = 'withdrawal'") == [
        (uuid.UUID(body["id"]), 1)
    ]
    await world.exact()


async def test_the_challenge_is_the_digest_of_the_stored_intent(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    body = (await world.request(who, await world.offer(who))).body
    ((raw, digest),) = await world.rows("SELECT intent, digest FROM withdrawals")
    intent = parse_intent(raw)
    assert isinstance(intent, Intent)
    assert intent.digest() == digest == body["challenge"]["digest"]
    assert (intent.address, intent.deliver_units, intent.debit_units) == (STRANGER, 25_000_000, 26_000_000)
    assert body["challenge"]["intent"]["deliver_units"] == "25000000"


async def test_of_20_at_once_from_money_for_10_exactly_10_are_accepted(world: World) -> None:
    who = await world.someone(USDT=260_000_000)
    offers = [await world.offer(who) for _ in range(20)]
    results = await asyncio.gather(*(world.request(who, offer) for offer in offers), return_exceptions=True)
    assert kinds(list(results)) == [Kind.INSUFFICIENT_FUNDS] * 10
    assert await world.available(who.id, "USDT") == (0, 260_000_000)
    assert await world.one("SELECT count(*) FROM withdrawals") == 10
    assert await world.one("SELECT count(*) FROM quotes WHERE state = 'open'") == 10
    await world.exact()


async def test_50_identical_posts_are_one_withdrawal_and_50_equal_answers(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    offer = await world.offer(who)
    answers = await asyncio.gather(*(world.request(who, offer, key="same") for _ in range(50)))
    assert all(one.body == answers[0].body and one.status == 201 for one in answers)
    assert sum(not one.replayed for one in answers) == 1
    assert await world.one("SELECT count(*) FROM withdrawals") == 1
    assert await world.available(who.id, "USDT") == (74_000_000, 26_000_000)


async def test_the_same_key_with_another_body_is_refused(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    await world.request(who, await world.offer(who), key="k", digest="one")
    again = await world.offer(who)
    await refused(Kind.IDEMPOTENCY_KEY_REUSED, world.request(who, again, key="k", digest="two"))
    assert await world.one("SELECT count(*) FROM withdrawals") == 1


async def test_the_key_answers_before_the_quotes_expiry_and_the_withdrawals_state_are_looked_at(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    offer = await world.offer(who)
    first = await world.request(who, offer, key="k")
    late = await world.request(who, offer, key="k", now=utcnow() + timedelta(days=1))
    assert (late.body, late.replayed) == (first.body, True)


async def test_a_refusal_consumes_neither_key_nor_quote(world: World) -> None:
    who = await world.someone(USDT=25_000_000)
    offer = await world.offer(who)
    await refused(Kind.INSUFFICIENT_FUNDS, world.request(who, offer, key="k"))
    await nothing_happened(world, who, 25_000_000)
    await world.give(who.id, "USDT", 1_000_000)
    assert (await world.request(who, offer, key="k")).status == 201


async def test_a_quote_is_used_once_even_by_two_keys_at_once(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    offer = await world.offer(who)
    results = await asyncio.gather(*(world.request(who, offer) for _ in range(8)), return_exceptions=True)
    assert kinds(list(results)) == [Kind.QUOTE_USED] * 7
    await refused(Kind.QUOTE_USED, world.request(who, offer))
    assert await world.available(who.id, "USDT") == (74_000_000, 26_000_000)


async def test_expired_foreign_and_other_quotes_are_refused(world: World) -> None:
    who, other = await world.someone(USDT=100_000_000), await world.someone(USDT=100_000_000)
    offer = await world.offer(who)
    await refused(Kind.NOT_FOUND, world.request(other, offer))
    await refused(Kind.QUOTE_EXPIRED, world.request(who, offer, now=offer.expires_at))
    unknown = dataclasses.replace(offer, id=uuid.uuid4())
    await refused(Kind.NOT_FOUND, world.request(who, unknown))
    await nothing_happened(world, who, 100_000_000)


async def test_without_an_enrolled_factor_nothing_is_accepted(world: World) -> None:
    who = await world.someone(enrolled=False, USDT=100_000_000)
    await refused(Kind.SECOND_FACTOR_REQUIRED, world.request(who, await world.offer(who)))
    await nothing_happened(world, who, 100_000_000)


async def test_from_a_frozen_account_nothing_is_accepted_and_nothing_is_verified(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    asked = await world.asked(who)
    who.subject = dataclasses.replace(who.subject, frozen=True)
    await refused(Kind.POLICY_BLOCKED, world.request(who, await world.offer(who)))
    await refused(Kind.POLICY_BLOCKED, world.verify(who, asked))
    assert await world.standing(asked) == ("pending_verification", None)


async def test_a_reference_is_unique_per_account_for_ever(world: World) -> None:
    who, other = await world.someone(USDT=100_000_000), await world.someone(USDT=100_000_000)
    await world.request(who, await world.offer(who), reference="rent 7")
    again = await world.offer(who)
    told = await refused(Kind.CONFLICT, world.request(who, again, reference="rent 7"))
    assert told.fields["field"] == "reference"
    assert await world.available(who.id, "USDT") == (74_000_000, 26_000_000)
    assert (await world.request(other, await world.offer(other), reference="rent 7")).status == 201
    assert (await world.request(who, again, reference="rent 8")).status == 201


async def test_one_withdrawal_is_capped_and_a_cent_less_is_not(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    world.furnish(under(world, per_withdrawal_usd="25"))
    over = await world.offer(who, usd_units=25_000_001)
    told = await refused(Kind.LIMIT_EXCEEDED, world.request(who, over))
    assert told.fields["limit"] == "per_withdrawal"
    await nothing_happened(world, who, 100_000_000)
    assert (await world.request(who, await world.offer(who, usd_units=25_000_000))).status == 201


async def test_the_daily_limit_holds_under_concurrency(world: World) -> None:
    who = await world.someone(USDT=1_000_000_000)
    world.furnish(under(world, daily_usd="100"))
    offers = [await world.offer(who) for _ in range(10)]
    results = await asyncio.gather(*(world.request(who, offer) for offer in offers), return_exceptions=True)
    assert kinds(list(results)) == [Kind.LIMIT_EXCEEDED] * 6
    assert await world.rows("SELECT usd_cents FROM limit_counters") == [(10_000,)]
    told = await refused(Kind.LIMIT_EXCEEDED, world.request(who, await world.offer(who)))
    assert told.fields["limit"] == "daily"
    assert told.fields["available_at"].endswith("T00:00:00.000Z")


async def test_cancelling_gives_the_daily_limit_back(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    world.furnish(under(world, daily_usd="25"))
    first = await world.asked(who)
    offer = await world.offer(who)
    await refused(Kind.LIMIT_EXCEEDED, world.request(who, offer))
    await world.cancel(who, first)
    assert (await world.request(who, offer)).status == 201


async def test_what_has_no_price_goes_before_a_person(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    await world.asked(who, usd_units=None)
    assert await world.one("SELECT review_needed FROM withdrawals") is True


async def test_a_converting_withdrawal_that_would_need_a_person_is_refused_and_its_quote_stays_open(
    world: World,
) -> None:
    who = await world.someone(BTC=1_000_000)
    for more in ({"review_needed": True}, {"usd_units": None}):
        offer = await world.offer(who, paying="BTC", fee=100, **more)
        await refused(Kind.REVIEW_REQUIRED, world.request(who, offer))
        assert await world.one("SELECT state FROM quotes WHERE id = :id", id=offer.id) == "open"
    world.furnish(under(world, review_above_usd="20"))
    offer = await world.offer(who, paying="BTC", fee=100)
    await refused(Kind.REVIEW_REQUIRED, world.request(who, offer))
    assert await world.available(who.id, "BTC") == (1_000_000, 0)


async def test_a_quote_for_a_destination_accepts_only_that_one(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    offer = await world.offer(who, address=STRANGER)
    await refused(Kind.QUOTE_KIND_MISMATCH, world.request(who, offer, address=OTHER))
    await nothing_happened(world, who, 100_000_000)
    # Another spelling of the same account is the same destination.
    assert (await world.request(who, offer, address=STRANGER.lower())).body["address"] == STRANGER


async def test_what_may_not_be_paid_is_refused(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    offer = await world.offer(who)
    for address, kind in (
        (STRANGER[:-1] + "9", Kind.INVALID_ADDRESS),
        ("0x" + "0" * 40, Kind.FORBIDDEN_ADDRESS),
        ("0x5FbDB2315678afecb367f032d93F642f64180aa3", Kind.FORBIDDEN_ADDRESS),
        (BITCOIN_STRANGER, Kind.WRONG_NETWORK),
        ("\u0000", Kind.INVALID_ADDRESS),
    ):
        await refused(kind, world.request(who, offer, address=address))
    await nothing_happened(world, who, 100_000_000)


async def test_under_a_cool_down_a_bare_address_is_accepted_only_when_it_is_old_enough(world: World) -> None:
    compliance = world.settings.compliance.model_copy(update={"new_address_cooldown_seconds": 3600})
    world.furnish(world.settings.model_copy(update={"compliance": compliance}))
    who, now = await world.someone(USDT=100_000_000), utcnow()
    offer = await world.offer(who)
    await refused(Kind.BENEFICIARY_COOLING_DOWN, world.request(who, offer))
    await nothing_happened(world, who, 100_000_000)
    paid = sent_to.rider(user_id=who.id, network="ethereum", address=STRANGER, at=now - timedelta(hours=2))
    assert (await world.lane.write([paid])).posted
    assert (await world.request(who, offer)).status == 201, "paid long ago, and the quote was not used up"


async def test_our_own_addresses_are_refused(world: World) -> None:
    who, other = await world.someone(USDT=100_000_000), await world.someone()
    async with world.db.transaction() as session:
        ours, _ = await addresses.give(
            session, chain=world.evm, terms=world.settings.networks["ethereum"], user_id=other.id, asset="USDT"
        )
    for address in (ours.address, world.evm.hot_address):
        await refused(Kind.OWN_ADDRESS, world.request(who, await world.offer(who), address=address))
    await nothing_happened(world, who, 100_000_000)


async def test_a_chain_that_is_not_open_yet_is_a_reason_to_wait_not_a_failure(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    offer = await world.offer(who)
    del world.office.chains["ethereum"]  # type: ignore[attr-defined]  # the world made it a dict
    await refused(Kind.BUSY, world.request(who, offer))


async def test_the_hold_is_the_whole_debit_in_the_asset_that_pays(world: World) -> None:
    who = await world.someone(BTC=1_000_000)
    offer = await world.offer(who, paying="BTC", fee=100)
    await world.request(who, offer)
    assert await world.balance(customer(who.id, "held", "BTC")) == offer.figures.debit
    assert await world.available(who.id, "USDT") == (0, 0)
    await world.exact()


async def test_a_twin_that_saw_the_quote_open_and_commits_second_gets_the_first_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = await world.someone(USDT=100_000_000)
    offer = await world.offer(who)
    looked, go = asyncio.Event(), asyncio.Event()
    find = accept.quote_for

    async def slow(*args: Any, **more: Any) -> Offer:
        found = await find(*args, **more)
        if not looked.is_set():
            looked.set()
            await go.wait()
        return found

    monkeypatch.setattr(accept, "quote_for", slow)
    twin = asyncio.ensure_future(world.request(who, offer, key="same"))
    await looked.wait()
    first = await world.request(who, offer, key="same")
    go.set()
    assert (await twin) == Stored.of(201, first.body, replayed=True)


async def test_above_the_hourly_limit_it_is_refused_with_the_time_to_come_back_and_nothing_happens(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = Limit("withdrawals", 2, timedelta(hours=1))
    monkeypatch.setitem(LIMITS, "withdrawals", few)
    world.furnish(
        world.settings.model_copy(update={"auth": world.settings.auth.model_copy(update={"rate_limit_factor": 1})})
    )
    who = await world.someone(USDT=1_000_000_000)
    offers = [await world.offer(who) for _ in range(6)]
    answers = await asyncio.gather(*(world.request(who, offer) for offer in offers), return_exceptions=True)
    assert kinds(answers) == [Kind.RATE_LIMITED] * 4
    assert await world.one("SELECT count(*) FROM withdrawals") == 2
    left = next(offer for offer, answer in zip(offers, answers, strict=True) if isinstance(answer, Refusal))
    told = await refused(Kind.RATE_LIMITED, world.request(who, left))
    assert told.fields["limit"] == "withdrawals"
    assert 1700 < told.fields["retry_after"] <= 1800


async def test_what_is_refused_counts_nothing_against_the_hourly_limit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMITS, "withdrawals", Limit("withdrawals", 1, timedelta(hours=1)))
    world.furnish(
        world.settings.model_copy(update={"auth": world.settings.auth.model_copy(update={"rate_limit_factor": 1})})
    )
    who = await world.someone(USDT=30_000_000)
    await refused(Kind.INSUFFICIENT_FUNDS, world.request(who, await world.offer(who, deliver=100_000_000)))
    assert (await world.request(who, await world.offer(who))).status == 201
