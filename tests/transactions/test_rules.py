"""States and words: the database and the rules say the same, and nothing waits without saying why."""

import itertools
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.transactions.world import World
from tidegate.transactions.rules import (
    CANCELLABLE,
    ENDED,
    TRANSITIONS,
    State,
    SubStatus,
    Terms,
    WaitingFor,
    can_cancel,
    hold_transfers,
    is_late,
    plain_fee_transfers,
    refund_transfers,
    waiting_for,
)

ALLOWED = {(before, after) for before, found in TRANSITIONS.items() for after in found}
WORDS = {
    SubStatus.HOLD: "operator",
    SubStatus.PERSON_REVIEWING: "person",
    SubStatus.AWAITING_LIQUIDITY: "funds",
    SubStatus.AWAITING_BATCH: "time",
    SubStatus.AWAITING_SIGNER: "signer",
    SubStatus.AWAITING_NODE: "node",
    SubStatus.BROADCAST_UNKNOWN: "node",
    SubStatus.SLOWER_THAN_USUAL: "network",
    SubStatus.REPLACED: "network",
    SubStatus.REORGED: "network",
    SubStatus.NEEDS_OPERATOR: "operator",
    SubStatus.FROZEN: "operator",
}


async def test_the_database_allows_exactly_the_moves_of_the_rules(world: World) -> None:
    rows = await world.rows("SELECT before, after FROM withdrawal_transitions")
    assert {(State(row[0]), State(row[1])) for row in rows} == ALLOWED


MOVE = """
UPDATE withdrawals SET state = cast(:after AS text), sub_status = NULL, version = version + 1,
    completed_at = CASE WHEN cast(:after AS text) = 'completed' THEN now() END
"""
TOLD = """
INSERT INTO withdrawal_events (withdrawal_id, version, at, state, by, state_before)
SELECT id, version, now(), cast(:after AS text), 'nobody', cast(:before AS text) FROM withdrawals
"""
PLACED = """
UPDATE withdrawals SET state = '{0}', completed_at = CASE WHEN '{0}' = 'completed' THEN now() END,
    verified_at = now(), authorisation = '{{}}'
"""


async def test_the_database_refuses_every_other_move(world: World) -> None:
    await world.asked(await world.someone(USDT=100_000_000))
    went_through = set()
    for before, after in itertools.permutations(State, 2):
        await world.by_force(PLACED.format(before.value))
        try:
            async with world.db.transaction() as session:
                await session.execute(text(MOVE), {"after": after.value})
                await session.execute(text(TOLD), {"before": before.value, "after": after.value})
        except DBAPIError:
            continue
        went_through.add((before, after))
    assert went_through == ALLOWED


async def move(world: World, before: str | None, after: str | None, sub_before: str | None) -> None:
    """To `queued`, with an event that says this; without one where it says nothing."""
    async with world.db.transaction() as session:
        await session.execute(text(MOVE), {"after": "queued"})
        if before is not None:
            told = TOLD.replace("state_before)", "state_before, sub_status_before)").replace(
                " FROM", ", cast(:sub AS text) FROM"
            )
            await session.execute(text(told), {"before": before, "after": after, "sub": sub_before})


@pytest.mark.parametrize(
    ("before", "after", "sub_before"),
    [
        (None, None, None),
        ("queued", "signing", None),
        ("pending_screening", "cancelled", None),
        ("pending_screening", "queued", "hold"),
    ],
)
async def test_no_move_is_committed_without_an_event_that_tells_of_it(
    world: World, before: str | None, after: str | None, sub_before: str | None
) -> None:
    done = await world.verified(await world.someone(USDT=100_000_000))
    with pytest.raises(DBAPIError, match="no event says so"):
        await move(world, before, after, sub_before)
    assert await world.standing(done) == ("pending_screening", None)


async def test_what_it_waits_for_does_not_change_without_an_event_either(world: World) -> None:
    await world.verified(await world.someone(USDT=100_000_000))
    with pytest.raises(DBAPIError, match="no event says so"):
        await world.sql("UPDATE withdrawals SET sub_status = 'hold', version = version + 1")


async def test_a_withdrawal_begins_unverified_also_by_sql(world: World) -> None:
    await world.asked(await world.someone(USDT=100_000_000))
    columns = "user_id, network, address, from_asset, to_asset, debit_units, deliver_units, rate, fee_network_units, fee_service_units, fee_spread_units, usd_cents, review_needed, speed, arrives_within, since, intent, digest, challenge_expires_at, verified_at, authorisation, created_at, due_at, fence"
    for state, version, promised in (
        ("queued", 1, "NULL"),
        ("pending_verification", 2, "NULL"),
        ("pending_verification", 1, "now()"),
    ):
        with pytest.raises(DBAPIError, match="begins unverified"):
            await world.sql(
                f"INSERT INTO withdrawals (id, quote_id, state, version, expected_by, {columns}) "
                f"SELECT gen_random_uuid(), gen_random_uuid(), '{state}', {version}, {promised}, {columns} FROM withdrawals"
            )


async def test_a_promise_does_not_move_earlier_and_is_not_taken_back(world: World) -> None:
    await world.verified(await world.someone(USDT=100_000_000))
    for earlier in ("expected_by - interval '1 millisecond'", "NULL"):
        with pytest.raises(DBAPIError, match="does not move earlier"):
            await world.sql(f"UPDATE withdrawals SET expected_by = {earlier}")


@pytest.mark.parametrize(
    "lie",
    [
        "state = 'rejected', sub_status = 'hold'",
        "state = 'completed'",
        "completed_at = now()",
        "state = 'queued', verified_at = NULL, authorisation = NULL",
    ],
)
async def test_an_end_waits_for_nothing_and_nothing_goes_on_unverified(world: World, lie: str) -> None:
    await world.verified(await world.someone(USDT=100_000_000))
    with pytest.raises(DBAPIError, match="ck_withdrawals_"):
        await world.by_force(f"UPDATE withdrawals SET {lie}")


async def test_each_event_says_who_why_on_what_grounds_from_where_and_to_where(world: World) -> None:
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    done = await world.verified(await world.someone(USDT=26_000_000))
    await world.until(done, "completed")
    rows = await world.rows(
        "SELECT state_before, state, by, inputs FROM withdrawal_events WHERE state_before IS DISTINCT FROM state ORDER BY version"
    )
    way = [
        None,
        "pending_verification",
        "pending_screening",
        "queued",
        "signing",
        "broadcasting",
        "confirming",
        "completed",
    ]
    assert [(row[0], row[1]) for row in rows] == list(itertools.pairwise(way))
    assert [row[2] for row in rows] == ["you"] * 2 + ["tidegate"] * 5
    grounds = {row[1]: row[3] for row in rows}
    assert set(grounds["pending_verification"]) == {"quote", "digest", "review_needed"}
    assert grounds["pending_screening"]["digest"] == grounds["pending_verification"]["digest"]
    assert grounds["queued"]["verdict"] == "pass"
    assert grounds["completed"]["txid"] in grounds["confirming"]["txids"]
    assert grounds["completed"]["confirmations"] == 3


async def test_what_was_agreed_cannot_be_changed_by_sql(world: World) -> None:
    who = await world.someone(USDT=100_000_000)
    await world.someone()
    await world.asked(who)
    for change in (
        "id = gen_random_uuid()",
        "user_id = (SELECT id FROM users WHERE id <> user_id LIMIT 1)",
        "quote_id = gen_random_uuid()",
        "network = 'bitcoin'",
        "address = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC'",
        "from_asset = 'USDC', to_asset = 'USDC'",
        "debit_units = debit_units + 1, deliver_units = deliver_units + 1",
        "debit_units = debit_units - 1, fee_network_units = fee_network_units - 1",
        "fee_network_units = fee_network_units - 1, fee_service_units = fee_service_units + 1",
        "fee_network_units = fee_network_units - 1, fee_spread_units = fee_spread_units + 1",
        "intent = intent || 'x'::bytea",
        "digest = repeat('0', 64)",
    ):
        with pytest.raises(DBAPIError, match="what was agreed does not change"):
            await world.sql(f"UPDATE withdrawals SET {change}")


async def test_what_happened_to_a_withdrawal_cannot_be_rewritten_by_sql(world: World) -> None:
    await world.asked(await world.someone(USDT=100_000_000))
    for attack in (
        "UPDATE withdrawal_events SET by = 'nobody'",
        "DELETE FROM withdrawal_events",
        "DELETE FROM withdrawals",
    ):
        with pytest.raises(DBAPIError):
            await world.sql(attack)


def test_every_sub_status_says_what_is_waited_for_in_every_open_state() -> None:
    assert set(WORDS) == set(SubStatus)
    for state, sub in itertools.product(set(State) - ENDED, SubStatus):
        assert waiting_for(state, sub) is WaitingFor(WORDS[sub])
        converted = "venue" if sub is SubStatus.AWAITING_LIQUIDITY else WORDS[sub]
        assert waiting_for(state, sub, converting=True) is WaitingFor(converted)


def test_without_a_sub_status_the_state_says_what_is_waited_for() -> None:
    told = {state: waiting_for(state, None) for state in State}
    assert {state: word for state, word in told.items() if word is not None} == {
        State.PENDING_VERIFICATION: WaitingFor.YOU,
        State.PENDING_APPROVAL: WaitingFor.PERSON,
        State.CONFIRMING: WaitingFor.NETWORK,
    }


def test_what_has_ended_waits_for_nothing_and_goes_nowhere() -> None:
    for state in ENDED:
        assert TRANSITIONS[state] == frozenset()
        assert not can_cancel(state)
        assert all(waiting_for(state, sub) is None for sub in (None, *SubStatus))


def test_it_can_be_cancelled_until_it_is_signed_and_not_after() -> None:
    for state in State:
        assert can_cancel(state) == (State.CANCELLED in TRANSITIONS[state]) == (state in CANCELLABLE)


def test_after_signing_it_fails_only_from_where_a_chain_can_prove_it() -> None:
    assert {before for before, after in ALLOWED if after is State.FAILED} == {State.BROADCASTING, State.CONFIRMING}


def test_late_begins_after_the_promised_moment() -> None:
    promised = datetime(2026, 1, 1, tzinfo=UTC)
    assert not is_late(promised, promised)
    assert is_late(promised, promised + timedelta(microseconds=1))
    assert not is_late(None, promised)


def terms(source: str, target: str) -> Terms:
    return Terms(uuid.uuid4(), uuid.uuid4(), "ethereum", source, target, 1_010, 900, 60, 30, 20)


def test_what_is_held_for_a_plain_withdrawal_is_what_its_settlement_and_payout_take() -> None:
    plain = terms("USDT", "USDT")
    (held,) = hold_transfers(plain)
    fees = plain_fee_transfers(plain)
    assert held.units == plain.deliver_units + sum(one.units for one in fees)
    assert {one.credit.name for one in fees} == {"charged:network", "charged:service", "charged:spread"}
    assert plain_fee_transfers(terms("BTC", "USDT")) == ()


def test_refunds_are_what_the_quote_printed() -> None:
    plain, converting = terms("USDT", "USDT"), terms("BTC", "USDT")
    for before in (plain, converting):
        (back,) = refund_transfers(before, executed=False, mined=False)
        assert (back.units, back.debit.name, back.credit.name) == (1_010, "held", "available")
    delivery, fee = refund_transfers(converting, executed=True, mined=False)
    assert (delivery.units, delivery.debit.asset, delivery.debit.name) == (900, "USDT", "held")
    assert (fee.units, fee.debit.asset, fee.debit.name, fee.credit.name) == (60, "BTC", "charged:network", "available")
    assert refund_transfers(converting, executed=True, mined=True) == (delivery,)


def test_a_payment_that_was_mined_and_not_made_keeps_its_network_fee_and_nothing_else() -> None:
    back, fee = refund_transfers(terms("USDT", "USDT"), executed=False, mined=True)
    assert (back.units, back.debit.name, back.credit.name) == (1_010 - 60, "held", "available")
    assert (fee.units, fee.debit.name, fee.credit.name, fee.event) == (60, "held", "charged:network", "withdrawal fees")
