"""Quote, accept, hedge: on PostgreSQL and the sandbox venue."""

import asyncio
import uuid
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.exchange.conftest import GOOD_ADDRESS, Room
from tidegate.database import ride, utcnow
from tidegate.exchange import accept, conversion, history, pipeline, postings, quote
from tidegate.exchange.rules import Offer, QuoteKind, ceiling, floor
from tidegate.idempotency import Keyed, Stored
from tidegate.ledger import wire
from tidegate.ledger.rules import Posting, Verdict, customer, house, venue
from tidegate.money import Rate, asset, parse_units
from tidegate.refusal import Kind, Refusal


def units(amount: dict[str, str]) -> int:
    return parse_units(amount["amount"], asset(amount["asset"]).decimals)


def identity_holds(shown: dict[str, Any]) -> None:
    """API.md's identities, from the wire alone."""
    source, target = asset(shown["debit"]["asset"]), asset(shown["deliver"]["asset"])
    fees = sum(units(line["amount"]) for line in shown["fees"])
    rate = Rate.parse(shown["rate"]).value * 10**target.decimals / 10**source.decimals
    debit, deliver = units(shown["debit"]), units(shown["deliver"])
    assert all(line["amount"]["asset"] == source.code for line in shown["fees"])
    assert units(shown["total_cost"]["amount"]) == fees
    if source == target:
        assert shown["rate"] == "1"
        assert debit == deliver + fees
    elif shown["side"] == "exact_in":
        assert deliver == floor((debit - fees) * rate)
    else:
        assert debit == fees + ceiling(deliver / rate)


async def refused(kind: Kind, work: Any) -> Refusal:
    with pytest.raises(Refusal) as told:
        await work
    assert told.value.kind is kind, told.value.detail
    return told.value


@pytest.mark.parametrize("side", ["exact_in", "exact_out"])
@pytest.mark.parametrize(("source", "target"), [("BTC", "USDT"), ("USDT", "BTC"), ("ETH", "BTC"), ("USDC", "USDT")])
async def test_a_quotes_figures_keep_the_identities(room: Room, side: str, source: str, target: str) -> None:
    given = asset(source if side == "exact_in" else target)
    amount = {"BTC": "0.01", "ETH": "0.1234567", "USDT": "25", "USDC": "20"}[given.code]
    user = await room.user()
    shown = await room.quote(user, from_asset=source, to_asset=target, side=side, amount=amount)
    identity_holds(shown)
    exact = shown["debit"] if side == "exact_in" else shown["deliver"]
    assert units(exact) == parse_units(amount, given.decimals)
    assert [line["kind"] for line in shown["fees"]] == ["service", "spread"]


async def test_a_converting_withdrawal_is_quoted_all_in_at_three_speeds(room: Room) -> None:
    user = await room.user(BTC="0.1", USDT="1000")
    shown = await room.quote(
        user,
        kind="withdrawal",
        from_asset="BTC",
        to_asset="USDT",
        network="ethereum",
        side="exact_out",
        amount="25",
        address=GOOD_ADDRESS,
    )
    identity_holds(shown)
    assert shown["deliver"] == {"asset": "USDT", "amount": "25.000000"}
    assert [line["kind"] for line in shown["fees"]] == ["network", "service", "spread"]
    assert [one["speed"] for one in shown["speeds"]] == ["economy", "standard", "fast"]
    debits = [units(one["debit"]) for one in shown["speeds"]]
    assert debits == sorted(debits)
    assert debits[1] == units(shown["debit"])
    assert shown["address"] == GOOD_ADDRESS


async def test_a_plain_withdrawal_has_rate_one_and_only_the_network_fee(room: Room) -> None:
    user = await room.user(BTC="1")
    asked = {"kind": "withdrawal", "from_asset": "BTC", "to_asset": "BTC", "network": "bitcoin"}
    shown = await room.quote(user, **asked, side="exact_out", amount="0.01")
    identity_holds(shown)
    assert [line["kind"] for line in shown["fees"]] == ["network"]
    everything = await room.quote(user, **asked, amount="max")
    identity_holds(everything)
    assert everything["debit"]["amount"] == "1.00000000"


async def test_a_conversion_books_exactly_what_was_quoted_and_is_hedged(room: Room) -> None:
    user = await room.user(BTC="1")
    shown = await room.quote(user, from_asset="BTC", to_asset="USDT", amount="0.05")
    made = await room.convert(user, shown["id"], reference="salary")
    assert made["state"] == "completed"
    assert (made["debit"], made["deliver"], made["fees"]) == (shown["debit"], shown["deliver"], shown["fees"])
    assert await room.holds(customer(user, "available", "BTC")) == 95_000_000
    assert await room.holds(customer(user, "held", "BTC")) == 0
    assert await room.holds(customer(user, "available", "USDT")) == units(shown["deliver"])
    assert await room.hedge() == 1
    (state, filled) = (await room.rows("SELECT state, filled FROM orders"))[0]
    assert state == "filled"
    assert Decimal("0.049") < filled < Decimal("0.05")
    await room.books_balance()
    detail = await history.conversion(room.desk, user_id=user, conversion_id=uuid.UUID(made["id"]))
    assert detail.receipt.hedge == "done"
    assert sum(Decimal(fill.quantity) for fill in detail.fills) == filled
    assert detail.reference == "salary"
    # The house keeps only what could not be traded: less than one lot.
    assert abs(await room.holds(house("liquidity", "BTC"))) < 1000


@pytest.mark.parametrize(
    ("source", "target", "amount"), [("USDT", "BTC", "900"), ("BTC", "ETH", "0.02"), ("ETH", "USDC", "1")]
)
async def test_hedges_in_every_direction_leave_less_than_a_lot_open(
    room: Room, source: str, target: str, amount: str
) -> None:
    user = await room.user(**{source: "1000" if source == "USDT" else "2"})
    shown = await room.quote(user, from_asset=source, to_asset=target, amount=amount)
    await room.convert(user, shown["id"])
    await room.hedge()
    assert await room.rows("SELECT state FROM orders") == [("filled",)]
    await room.books_balance()


async def test_a_quote_used_twice_at_once_converts_once(room: Room) -> None:
    user = await room.user(BTC="1")
    shown = await room.quote(user, from_asset="BTC", to_asset="USDT", amount="0.05")
    results = await asyncio.gather(*(room.convert(user, shown["id"]) for _ in range(8)), return_exceptions=True)
    refusals = [found for found in results if isinstance(found, Refusal)]
    assert len(refusals) == 7
    assert {told.kind for told in refusals} == {Kind.QUOTE_USED}
    assert await room.holds(customer(user, "available", "BTC")) == 95_000_000
    assert await room.rows("SELECT usd_units FROM exposures") == [(0,), (0,)]


async def test_the_same_key_at_once_gives_the_same_answer(room: Room) -> None:
    user = await room.user(BTC="1")
    shown = await room.quote(user, from_asset="BTC", to_asset="USDT", amount="0.05")
    keyed = Keyed("k1", "digest")
    results = await asyncio.gather(*(room.convert(user, shown["id"], key=keyed) for _ in range(8)))
    assert all(found == results[0] for found in results)
    assert await room.rows("SELECT count(*) FROM conversions") == [(1,)]


async def test_a_twin_that_takes_too_long_is_in_progress_and_not_only_busy(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await room.user(BTC="1")
    shown = await room.quote(user, from_asset="BTC", to_asset="USDT", amount="0.05")
    await room.desk.lane.close()
    monkeypatch.setattr(wire, "LOCK_SECONDS", 0.05)
    keyed = Keyed("k1", "digest")
    async with room.desk.db.transaction() as session:
        answer = Stored.of(201, {"n": 1})
        assert await ride(session, keyed.rider(user_id=user, operation=conversion.OPERATION, answer=answer)) is None
        told = await refused(Kind.IN_PROGRESS, room.convert(user, shown["id"], key=keyed))
    assert told.fields["retry_after"] == 1
    assert await room.convert(user, shown["id"], key=keyed) == {"n": 1}


@pytest.mark.parametrize("committed", [False, True])
async def test_whoever_dies_while_accepting_leaves_a_whole_conversion_or_none(
    room: Room, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    """The crash table's O1 and O2: the quote is used and the funds are held in the commit that executes, or not at all."""
    user = await room.user(BTC="1")
    shown = await room.quote(user, from_asset="BTC", to_asset="USDT", amount="0.05")
    real = room.desk.lane.submit

    async def dies(*sent: Any) -> Verdict:
        if committed:
            await real(*sent)
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(room.desk.lane, "submit", dies)
        with pytest.raises(asyncio.CancelledError):
            await room.convert(user, shown["id"], key=Keyed("k", "d"))
    assert await room.holds(customer(user, "held", "BTC")) == 0
    states = await room.rows(
        "SELECT q.state, count(c.id), count(o.id) FROM quotes q "
        "LEFT JOIN conversions c ON c.quote_id = q.id LEFT JOIN orders o ON o.conversion_id = c.id GROUP BY 1"
    )
    assert [tuple(row) for row in states] == [("accepted", 1, 1) if committed else ("open", 0, 0)]
    again = await room.convert(user, shown["id"], key=Keyed("k", "d"))
    assert again["debit"] == shown["debit"]
    assert await room.rows("SELECT count(*) FROM conversions") == [(1,)]
    assert await room.holds(customer(user, "available", "BTC")) == 95_000_000


async def test_the_same_key_later_gives_the_first_answer_although_the_quote_was_used_by_it(room: Room) -> None:
    user = await room.user(BTC="1")
    shown = await room.quote(user, from_asset="BTC", to_asset="USDT", amount="0.05")
    first = await room.convert(user, shown["id"], key=Keyed("k", "d"))
    assert await room.convert(user, shown["id"], key=Keyed("k", "d")) == first
    await refused(Kind.IDEMPOTENCY_KEY_REUSED, room.convert(user, shown["id"], key=Keyed("k", "e")))
    await refused(Kind.QUOTE_USED, room.convert(user, shown["id"], key=Keyed("other", "d")))


async def test_a_quote_is_good_until_a_millisecond_before_its_expiry(room: Room) -> None:
    user = await room.user(BTC="1")
    shown = await room.quote(user, from_asset="BTC", to_asset="USDT", amount="0.05")
    quote_id = uuid.UUID(shown["id"])
    db = room.desk.db
    offer = await accept.quote_for(db, user_id=user, quote_id=quote_id, kind=QuoteKind.CONVERSION, now=room.now)
    before, after = offer.expires_at - timedelta(milliseconds=1), offer.expires_at + timedelta(milliseconds=1)
    await accept.quote_for(db, user_id=user, quote_id=quote_id, kind="conversion", now=before)
    for late in (offer.expires_at, after):
        await refused(
            Kind.QUOTE_EXPIRED,
            accept.quote_for(db, user_id=user, quote_id=quote_id, kind="conversion", now=late),
        )
    assert (await room.desk.lane.write([accept.accept_rider(offer, uuid.uuid4(), after)])).rider == "quote"
    assert (await room.desk.lane.write([accept.accept_rider(offer, uuid.uuid4(), before)])).posted


async def test_expiry_gives_the_reservation_back(room: Room) -> None:
    user = await room.user(BTC="1")
    await room.quote(user, from_asset="BTC", to_asset="USDT", amount="0.05")
    reserved = await room.rows("SELECT usd_units FROM exposures WHERE scope = 'house'")
    assert 3_000_000_000 < reserved[0][0] < 4_000_000_000
    assert await pipeline.expire_quotes(room.desk, utcnow() + timedelta(seconds=16)) == 1
    assert await room.rows("SELECT usd_units FROM exposures") == [(0,), (0,)]
    assert await room.rows("SELECT state FROM quotes") == [("expired",)]


async def test_exposure_beyond_the_cap_is_refused_and_holds_under_concurrency(room: Room) -> None:
    user = await room.user(BTC="3")
    asked = {"from_asset": "BTC", "to_asset": "USDT", "amount": "0.3"}  # about 19,000 of 100,000 dollars
    results = await asyncio.gather(*(room.quote(user, **asked) for _ in range(12)), return_exceptions=True)
    refusals = [found for found in results if isinstance(found, BaseException)]
    assert len(results) - len(refusals) == 5
    assert all(isinstance(told, Refusal) and told.kind is Kind.LIMIT_EXCEEDED for told in refusals)


async def test_somebody_elses_quote_and_conversion_are_not_found(room: Room) -> None:
    user, other = await room.user(BTC="1"), await room.user(BTC="1")
    shown = await room.quote(user, from_asset="BTC", to_asset="USDT", amount="0.05")
    await refused(Kind.NOT_FOUND, room.convert(other, shown["id"]))
    await refused(Kind.NOT_FOUND, quote.get(room.desk, user_id=other, quote_id=uuid.UUID(shown["id"])))
    made = await room.convert(user, shown["id"])
    foreign = history.conversion(room.desk, user_id=other, conversion_id=uuid.UUID(made["id"]))
    await refused(Kind.NOT_FOUND, foreign)


async def test_more_than_is_available_is_refused_at_acceptance_and_leaves_the_quote_open(room: Room) -> None:
    user = await room.user(BTC="0.01")
    shown = await room.quote(user, from_asset="BTC", to_asset="USDT", amount="0.05")
    await refused(Kind.INSUFFICIENT_FUNDS, room.convert(user, shown["id"]))
    assert (await quote.get(room.desk, user_id=user, quote_id=uuid.UUID(shown["id"]))).state == "open"
    assert await room.rows("SELECT count(*) FROM conversions") == [(0,)]


async def test_a_used_reference_is_a_conflict_and_changes_nothing(room: Room) -> None:
    user = await room.user(BTC="1")
    first = await room.quote(user, from_asset="BTC", to_asset="USDT", amount="0.05")
    await room.convert(user, first["id"], reference="r")
    second = await room.quote(user, from_asset="BTC", to_asset="USDT", amount="0.05")
    await refused(Kind.CONFLICT, room.convert(user, second["id"], reference="r"))
    await room.convert(user, second["id"], reference="s")


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({"from_asset": "XYZ"}, Kind.UNKNOWN_ASSET),
        ({"to_asset": "BNB"}, Kind.UNKNOWN_ASSET),
        ({"amount": "0"}, Kind.INVALID_AMOUNT),
        ({"amount": "0.123456789"}, Kind.TOO_MANY_DECIMALS),
        ({"amount": "0.00000001"}, Kind.BELOW_MINIMUM),
        ({"network": "bitcoin"}, Kind.INVALID_REQUEST),
        ({"to_asset": "BTC"}, Kind.INVALID_REQUEST),
        ({"amount": "max"}, Kind.INSUFFICIENT_FUNDS),
        ({"side": "exact_out", "amount": "max"}, Kind.INVALID_AMOUNT),
        ({"amount": "900000"}, Kind.LIMIT_EXCEEDED),
        ({"kind": "withdrawal"}, Kind.INVALID_REQUEST),
        ({"kind": "withdrawal", "network": "bitcoin"}, Kind.UNKNOWN_NETWORK),
        ({"kind": "withdrawal", "network": "solana"}, Kind.UNKNOWN_NETWORK),
        ({"kind": "withdrawal", "network": "ethereum", "address": "0x123"}, Kind.INVALID_ADDRESS),
        ({"kind": "withdrawal", "network": "ethereum", "beneficiary_id": str(uuid.uuid4())}, Kind.NOT_FOUND),
        ({"kind": "withdrawal", "network": "ethereum", "amount": "0.00001"}, Kind.BELOW_MINIMUM),
        ({"kind": "withdrawal", "network": "ethereum", "amount": "0.1"}, Kind.LIMIT_EXCEEDED),  # nothing to pay it with
    ],
)
async def test_what_cannot_be_quoted_is_refused_and_reserves_nothing(
    room: Room, asked: dict[str, str], kind: Kind
) -> None:
    user = await room.user()
    await refused(kind, room.quote(user, **{"from_asset": "BTC", "to_asset": "USDT", "amount": "0.01", **asked}))
    assert await room.rows("SELECT count(*) FROM quotes") == [(0,)]
    assert await room.rows("SELECT count(*) FROM exposures WHERE usd_units > 0") == [(0,)]


async def test_a_converting_withdrawal_that_needs_a_person_is_refused_with_its_destination_and_later_without(
    room: Room,
) -> None:
    settings = room.desk.settings.model_copy(
        update={"compliance": room.desk.settings.compliance.model_copy(update={"review_above_usd": "100"})}
    )
    desk = replace(room.desk, settings=settings)
    reviewed = replace(room, desk=desk)
    user = await reviewed.user(BTC="1", USDT="10000")
    asked = {
        "kind": "withdrawal",
        "from_asset": "BTC",
        "to_asset": "USDT",
        "network": "ethereum",
        "side": "exact_out",
        "amount": "200",
    }
    await refused(Kind.REVIEW_REQUIRED, reviewed.quote(user, **asked, address=GOOD_ADDRESS))
    shown = await reviewed.quote(user, **asked)
    assert shown["review"]["needed"] is True
    found = accept.quote_for(desk.db, user_id=user, quote_id=uuid.UUID(shown["id"]), kind="withdrawal", now=utcnow())
    await refused(Kind.REVIEW_REQUIRED, found)
    assert (await quote.get(desk, user_id=user, quote_id=uuid.UUID(shown["id"]))).state == "open"


async def test_a_withdrawal_quote_does_not_convert(room: Room) -> None:
    user = await room.user(BTC="1")
    shown = await room.quote(
        user, kind="withdrawal", from_asset="BTC", to_asset="BTC", network="bitcoin", amount="0.01"
    )
    await refused(Kind.QUOTE_KIND_MISMATCH, room.convert(user, shown["id"]))


async def test_venue_account_of_the_books_is_the_venue_after_many_odd_fills(room: Room) -> None:
    user = await room.user(BTC="1", USDT="5000")
    for amount in ("0.00123457", "0.0023", "0.00099999"):
        shown = await room.quote(user, from_asset="BTC", to_asset="USDT", amount=amount)
        await room.convert(user, shown["id"])
    shown = await room.quote(user, from_asset="USDT", to_asset="BTC", amount="777.777777")
    await room.convert(user, shown["id"])
    while await room.hedge():
        pass
    await room.books_balance()
    assert await room.holds(venue("binance", "BTC")) > 0


async def accepted_withdrawal(room: Room, user: uuid.UUID, withdrawal_id: uuid.UUID) -> Offer:
    """A converting withdrawal quote, accepted and held as the transactions room does it."""
    shown = await room.quote(
        user,
        kind="withdrawal",
        from_asset="BTC",
        to_asset="USDT",
        network="ethereum",
        side="exact_out",
        amount="25",
        address=GOOD_ADDRESS,
    )
    offer = await accept.quote_for(
        room.desk.db, user_id=user, quote_id=uuid.UUID(shown["id"]), kind="withdrawal", now=utcnow()
    )
    posting = Posting(f"withdrawal:{withdrawal_id}:hold", postings.hold(offer), "withdrawal", withdrawal_id)
    assert (await room.desk.lane.submit(posting, [accept.accept_rider(offer, withdrawal_id, utcnow())])).posted
    return offer


async def test_a_converting_withdrawal_is_executed_once_into_what_is_held_for_the_payout(room: Room) -> None:
    user, withdrawal_id = await room.user(BTC="1", USDT="1000"), uuid.uuid4()
    await accepted_withdrawal(room, user, withdrawal_id)
    assert (await room.rows("SELECT usd_units > 25000000 FROM exposures WHERE scope = 'house'")) == [(True,)]
    async with room.desk.db.reading() as session:
        quote_id = (await room.rows("SELECT id FROM quotes"))[0][0]
        offer = await accept.accepted(session, user_id=user, quote_id=quote_id, used_by=withdrawal_id)
    for attempt in (1, 2):
        moves, riders = conversion.execution(
            offer, conversion_id=uuid.uuid4(), withdrawal_id=withdrawal_id, now=utcnow()
        )
        posting = Posting(f"withdrawal:{withdrawal_id}:convert", moves, "withdrawal", withdrawal_id)
        assert (await room.desk.lane.submit(posting, riders)).posted is (attempt == 1)
    assert await room.holds(customer(user, "held", "USDT")) == 25_000_000
    assert await room.holds(customer(user, "held", "BTC")) == 0
    assert await room.holds(house("rounding", "BTC")) == 0
    assert await room.holds(house("charged:network", "BTC")) == offer.figures.network > 0
    assert await room.rows("SELECT usd_units FROM exposures") == [(0,), (0,)]
    await room.hedge()
    await room.books_balance()
    async with room.desk.db.reading() as session:
        assert await history.page(session, user_id=user, before=None, limit=10) == []
    (conversion_id,) = (await room.rows("SELECT id FROM conversions"))[0]
    detail = await history.conversion(room.desk, user_id=user, conversion_id=conversion_id)
    assert detail.receipt.execution is not None
    assert detail.receipt.execution.realised is not None


async def test_an_unverified_converting_withdrawal_gives_its_reservation_back_once(room: Room) -> None:
    user, withdrawal_id = await room.user(BTC="1", USDT="1000"), uuid.uuid4()
    offer = await accepted_withdrawal(room, user, withdrawal_id)
    assert (await room.desk.lane.write(accept.release_riders(offer))).posted
    assert (await room.desk.lane.write(accept.release_riders(offer))).rider == "reservation"
    assert await room.rows("SELECT usd_units FROM exposures") == [(0,), (0,)]
    # An accepted quote never expires under its withdrawal.
    assert await pipeline.expire_quotes(room.desk, utcnow() + timedelta(days=1)) == 0


async def test_a_quote_made_for_a_destination_accepts_only_that_one(room: Room) -> None:
    offer = await accepted_withdrawal(room, await room.user(BTC="1", USDT="1000"), uuid.uuid4())
    accept.same_destination(offer, address=GOOD_ADDRESS)
    with pytest.raises(Refusal) as told:
        accept.same_destination(offer, address="0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
    assert told.value.kind is Kind.QUOTE_KIND_MISMATCH
