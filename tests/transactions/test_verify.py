"""The second factor over exactly one withdrawal; what cancelling and time do to it."""

import asyncio
import dataclasses
import uuid
from datetime import timedelta

import pytest

from tests.transactions.test_request import kinds, refused
from tests.transactions.world import Someone, World
from tidegate.database import utcnow
from tidegate.exchange.rules import Offer
from tidegate.idempotency import Keyed, Stored
from tidegate.ledger.rules import house
from tidegate.refusal import Kind
from tidegate.signing.messages import Authorisation
from tidegate.transactions import intervene, payouts, withdraw


async def converting(world: World) -> tuple[Someone, Offer, uuid.UUID]:
    """Somebody with 1,000,000 sat who asked for 25 USDT to be paid with it."""
    who = await world.someone(BTC=1_000_000)
    offer = await world.offer(who, paying="BTC", fee=100)
    made = await world.request(who, offer)
    return who, offer, uuid.UUID(made.body["id"])


async def exposures(world: World) -> set[int]:
    return {int(row[0]) for row in await world.rows("SELECT usd_units FROM exposures")}


async def test_a_right_code_authorises_the_digest_that_was_shown(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    made = await world.request(who, await world.offer(who))
    asked = uuid.UUID(made.body["id"])
    await world.verify(who, asked)
    assert await world.standing(asked) == ("pending_screening", None)
    authorisation = Authorisation.from_json(await world.one("SELECT authorisation FROM withdrawals"))
    assert authorisation.digest == made.body["challenge"]["digest"]
    assert authorisation.user_id == str(who.id)
    # Promised from the moment of the yes, not from the quote.
    assert await world.one("SELECT expected_by - verified_at FROM withdrawals") == timedelta(seconds=60)


async def test_the_answer_of_verify_is_the_withdrawal_as_it_stands_then(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    asked, now = await world.asked(who), utcnow()
    told = await withdraw.verify(world.office, who.subject, asked, who.code(now), Keyed("k", "d"), now)
    assert (told.status, told.body["state"], told.body["challenge"]) == (200, "pending_screening", None)
    assert [event["state"] for event in told.body["events"]] == ["pending_verification", "pending_screening"]


async def test_a_repeated_verify_with_its_key_is_answered_again_and_another_body_is_refused(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    asked, now = await world.asked(who), utcnow()
    code = who.code(now)
    first = await withdraw.verify(world.office, who.subject, asked, code, Keyed("k", "d"), now)
    again = await withdraw.verify(world.office, who.subject, asked, code, Keyed("k", "d"), now)
    assert again == Stored.of(200, first.body, replayed=True)
    other = withdraw.verify(world.office, who.subject, asked, code, Keyed("k", "e"), now)
    await refused(Kind.IDEMPOTENCY_KEY_REUSED, other)


async def test_twins_of_one_verify_all_get_the_first_answer(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    asked, now = await world.asked(who), utcnow()
    code, keyed = who.code(now), Keyed("k", "d")
    twins = (withdraw.verify(world.office, who.subject, asked, code, keyed, now) for _ in range(6))
    answers = await asyncio.gather(*twins)
    assert all(one.body == answers[0].body for one in answers)
    assert await world.one("SELECT count(*) FROM withdrawal_events") == 2


async def test_a_wrong_code_changes_nothing(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    asked = await world.asked(who)
    right = {who.code(utcnow() + timedelta(seconds=30 * n)) for n in range(3)}
    wrong = next(code for code in ("000000", "111111", "222222", "333333") if code not in right)
    for code in (wrong, "12345", "١٢٣٤٥٦", "\u0000"):
        await refused(Kind.INVALID_CODE, world.verify(who, asked, code))
    assert await world.standing(asked) == ("pending_verification", None)
    assert await world.available(who.id, "USDT") == (74_000_000, 26_000_000)


async def test_a_used_code_is_refused_with_the_seconds_to_the_next(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    first, second = await world.asked(who), await world.asked(who)
    code = who.code(utcnow())
    await world.verify(who, first, code)
    told = await refused(Kind.CODE_ALREADY_USED, world.verify(who, second, code))
    assert 0 < told.fields["retry_after"] <= 30
    assert await world.standing(second) == ("pending_verification", None)


async def test_one_code_at_once_on_two_withdrawals_verifies_one(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    both = [await world.asked(who), await world.asked(who)]
    code = who.code(utcnow())
    results = await asyncio.gather(*(world.verify(who, one, code) for one in both), return_exceptions=True)
    assert kinds(list(results)) == [Kind.CODE_ALREADY_USED]
    assert sorted([(await world.standing(one))[0] for one in both]) == ["pending_screening", "pending_verification"]


async def test_two_codes_at_once_on_one_withdrawal_verify_it_once(world: World) -> None:
    who, offer, asked = await converting(world)
    now = utcnow()
    codes = [who.code(now), who.code(now)]
    results = await asyncio.gather(*(world.verify(who, asked, code) for code in codes), return_exceptions=True)
    # The code of the earlier step counts as used once the later one was.
    assert kinds(list(results)) in ([Kind.CONFLICT], [Kind.CODE_ALREADY_USED])
    assert await world.one("SELECT count(*) FROM conversions") == 1
    assert await world.available(who.id, "USDT") == (0, offer.figures.deliver)


async def test_a_verified_withdrawal_takes_no_second_code(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    done = await world.verified(who)
    told = await refused(Kind.CONFLICT, world.verify(who, done))
    assert told.fields["state"] == "pending_screening"


async def test_after_its_time_a_challenge_takes_no_code(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    asked = await world.asked(who)
    await world.sql("UPDATE withdrawals SET challenge_expires_at = now()")
    await refused(Kind.QUOTE_EXPIRED, world.verify(who, asked))


async def test_somebody_elses_withdrawal_is_not_there(world: World) -> None:
    who, other = await world.someone(USDT=100_000_000), await world.someone()
    asked = await world.asked(who)
    await refused(Kind.NOT_FOUND, world.verify(other, asked))
    await refused(Kind.NOT_FOUND, world.cancel(other, asked))
    await refused(Kind.NOT_FOUND, world.cancel(who, uuid.uuid4()))


async def test_the_conversion_posts_in_the_commit_of_the_code(world: World) -> None:
    who, offer, asked = await converting(world)
    figures = offer.figures
    assert await exposures(world) == {25_000_000}
    await world.verify(who, asked)
    assert await world.available(who.id, "BTC") == (1_000_000 - figures.debit, 0)
    assert await world.available(who.id, "USDT") == (0, 25_000_000)
    for name, units in (("network", figures.network), ("service", figures.service), ("spread", figures.spread)):
        assert await world.balance(house(f"charged:{name}", "BTC")) == units  # type: ignore[arg-type]
    assert await world.balance(house("liquidity", "BTC")) == figures.converted
    assert await world.balance(house("liquidity", "USDT")) == -25_000_000
    assert await world.rows("SELECT withdrawal_id FROM conversions") == [(asked,)]
    assert await exposures(world) == {0}
    await world.exact()


async def test_a_used_code_books_no_conversion(world: World) -> None:
    who, _, asked = await converting(world)
    plain = await world.someone(USDT=100_000_000)
    del plain
    code = who.code(utcnow())
    await world.give(who.id, "USDT", 26_000_000)
    await world.verify(who, await world.asked(who), code)
    await refused(Kind.CODE_ALREADY_USED, world.verify(who, asked, code))
    assert await world.one("SELECT count(*) FROM conversions") == 0
    assert await exposures(world) == {25_000_000}


# --- cancel and expire ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verified", [False, True])
async def test_cancelling_a_plain_withdrawal_returns_the_whole_debit(world: World, verified: bool) -> None:
    who = await world.someone(USDT=100_000_000)
    asked = await world.verified(who) if verified else await world.asked(who)
    await world.cancel(who, asked)
    assert await world.standing(asked) == ("cancelled", None)
    assert await world.available(who.id, "USDT") == (100_000_000, 0)
    assert await world.balance(house("charged:network", "USDT")) == 0
    await world.cancel(who, asked)  # again: the same answer
    assert await world.available(who.id, "USDT") == (100_000_000, 0)
    await world.exact()


async def test_cancelling_before_the_conversion_returns_the_debit_and_the_reservation(world: World) -> None:
    who, _, asked = await converting(world)
    await world.cancel(who, asked)
    assert await world.available(who.id, "BTC") == (1_000_000, 0)
    assert await exposures(world) == {0}
    await world.exact()


async def test_cancelling_after_the_conversion_returns_what_was_to_arrive_and_the_network_fee(world: World) -> None:
    who, offer, asked = await converting(world)
    figures = offer.figures
    await world.verify(who, asked)
    await world.cancel(who, asked)
    assert await world.available(who.id, "USDT") == (25_000_000, 0)
    assert await world.available(who.id, "BTC") == (1_000_000 - figures.debit + figures.network, 0)
    assert await world.balance(house("charged:network", "BTC")) == 0
    assert await world.balance(house("charged:service", "BTC")) == figures.service
    assert await world.balance(house("charged:spread", "BTC")) == figures.spread
    await world.exact()


async def test_what_nobody_confirms_expires_and_gives_everything_back(world: World) -> None:
    who, _, asked = await converting(world)
    plain = await world.someone(USDT=100_000_000)
    other = await world.asked(plain)
    # The challenge of a converting withdrawal lives 120 s, that of a plain one 600 s.
    assert await withdraw.expire(world.office, utcnow() + timedelta(seconds=119)) == 0
    assert await withdraw.expire(world.office, utcnow() + timedelta(seconds=121)) == 1
    assert await world.standing(asked) == ("expired", None)
    assert await world.standing(other) == ("pending_verification", None)
    assert await withdraw.expire(world.office, utcnow() + timedelta(seconds=601)) == 1
    assert await world.available(who.id, "BTC") == (1_000_000, 0)
    assert await world.available(plain.id, "USDT") == (100_000_000, 0)
    assert await exposures(world) == {0}
    assert await world.rows("SELECT usd_cents FROM limit_counters WHERE usd_cents <> 0") == []
    await world.exact()


async def test_a_verified_withdrawal_never_expires(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    done = await world.verified(who)
    assert await withdraw.expire(world.office, utcnow() + timedelta(days=1)) == 0
    assert await world.standing(done) == ("pending_screening", None)


async def test_expiry_and_a_code_at_once_end_in_one_of_the_two(world: World) -> None:
    for _ in range(4):
        who, _, asked = await converting(world)
        late = utcnow() + timedelta(seconds=121)
        await asyncio.gather(world.verify(who, asked), withdraw.expire(world.office, late), return_exceptions=True)
        state, _ = await world.standing(asked)
        assert state in ("pending_screening", "expired")
        held = (await world.available(who.id, "BTC"))[1], (await world.available(who.id, "USDT"))[1]
        assert held == ((0, 25_000_000) if state == "pending_screening" else (0, 0))
    await world.exact()


async def test_once_it_is_being_signed_it_cannot_be_cancelled(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    await world.stock(USDT=100_000_000, ETH=10**18)
    done = await world.verified(who)
    seen = []
    for state in ("signing", "broadcasting", "confirming", "completed"):
        await world.until(done, state)
        told = await refused(Kind.CANNOT_CANCEL, world.cancel(who, done))
        seen.append(told.fields["state"])
    assert len(world.evm.node.paid) == 1


async def test_a_cancel_that_races_the_worker_never_both_refunds_and_pays(world: World) -> None:
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    ends = set()
    for _ in range(8):
        who = await world.someone(USDT=26_000_000)
        done = await world.verified(who)
        await world.until(done, "queued")
        await world.soon()
        await asyncio.gather(
            payouts.prepare_step(world.office, world.spender), world.cancel(who, done), return_exceptions=True
        )
        state, _ = await world.standing(done)
        attempts = await world.one("SELECT count(*) FROM set_payouts WHERE payout_id = :id", id=done)
        assert (state, attempts) in (("cancelled", 0), ("signing", 1)), state
        assert await world.available(who.id, "USDT") == ((26_000_000, 0) if state == "cancelled" else (0, 26_000_000))
        ends.add(state)
    nonces = [row[0] for row in await world.rows("SELECT nonce FROM attempt_sets ORDER BY nonce")]
    assert nonces == list(range(len(nonces)))
    await world.exact()


async def test_a_held_withdrawal_of_a_frozen_account_can_still_be_cancelled(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    done = await world.verified(who)
    await intervene.hold(world.office, done, reason="looking", by="operator", now=utcnow())
    who.subject = dataclasses.replace(who.subject, frozen=True)
    await world.cancel(who, done)
    assert await world.available(who.id, "USDT") == (100_000_000, 0)
