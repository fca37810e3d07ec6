"""What a payout costs, what the house can pay with, and what the database never lets happen twice."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tidegate.chains.port import FeeRates, NodeUnavailable
from tidegate.config import Settings
from tidegate.database import Database, utcnow
from tidegate.ledger.balances import balance
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Outcome, customer, house
from tidegate.refusal import Kind, Refusal
from tidegate.treasury import spend, store, underway
from tidegate.treasury.fees import Fees
from tidegate.treasury.inventory import fund, payable
from tidegate.treasury.rules import (
    BITCOIN_PAYOUT_VBYTES,
    DEAD,
    GWEI,
    SENT,
    TOKEN_GAS,
    AttemptState,
    NetworkFee,
    Patience,
    Purpose,
    Spent,
    Stage,
    fitting,
    is_stuck,
    network_fee,
    payout_transfers,
    shortest_wait,
    spent_transfers,
)
from tidegate.treasury.store import Coin, Payment

HOT = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def fee(kind: str = "evm", *, token: bool = False, rate: int = GWEI, cap: int = 500) -> NetworkFee:
    return network_fee(kind=kind, token=token, rate=rate, gas_asset="ETH" if kind == "evm" else "BTC", rate_cap=cap)


def test_the_charge_is_weight_times_rate() -> None:
    assert fee(token=True, rate=3 * GWEI).charge_units == TOKEN_GAS * 3 * GWEI
    assert fee(rate=3 * GWEI).charge_units == 21_000 * 3 * GWEI
    assert fee("bitcoin", rate=7).charge_units == BITCOIN_PAYOUT_VBYTES * 7


@given(st.integers(1, 499), st.booleans(), st.sampled_from(["evm", "bitcoin"]))
def test_below_the_cap_the_signers_bound_covers_the_charge(rate: int, token: bool, kind: str) -> None:
    found = fee(kind, token=token, rate=rate * GWEI if kind == "evm" else rate)
    assert found.charge_units <= found.max_units


@given(st.integers(1, 10**6))
def test_no_bound_passes_the_configured_ceiling(rate: int) -> None:
    assert fee(rate=rate * GWEI, cap=500).max_units <= 21_000 * 500 * GWEI
    assert fee("bitcoin", rate=rate, cap=500).max_units <= 500 * BITCOIN_PAYOUT_VBYTES * 10


def test_waits_are_longer_for_cheaper_speeds() -> None:
    latest = [shortest_wait(5, 2, speed)[1] for speed in ("fast", "standard", "economy")]
    assert latest == sorted(latest)
    assert all(shortest_wait(0.1, 1, speed)[0] >= 1 for speed in ("fast", "standard", "economy"))


def test_a_mined_attempt_books_its_fee_and_the_deposit_coins_it_spent() -> None:
    coins, cost = spent_transfers(Spent("bitcoin", "BTC", fee_units=300, deposit_units=5_000))
    assert (coins.debit, coins.credit, coins.units) == (
        house("wallet:hot", "BTC", "bitcoin"),
        house("wallet:deposit", "BTC", "bitcoin"),
        5_000,
    )
    assert (cost.debit, cost.credit, cost.units) == (house("cost:network", "BTC"), coins.debit, 300)
    assert len(spent_transfers(Spent("ethereum", "ETH", 300))) == 1


def test_a_final_payout_takes_what_was_held_out_of_the_hot_wallet() -> None:
    user = uuid.uuid4()
    (paid,) = payout_transfers(user, "ethereum", "USDT", 25)
    assert (paid.debit, paid.credit) == (customer(user, "held", "USDT"), house("wallet:hot", "USDT", "ethereum"))


def test_no_attempt_is_both_dead_and_sent() -> None:
    assert not DEAD & SENT
    assert AttemptState.FINAL not in DEAD | SENT


def test_those_that_fit_are_paid_oldest_first_and_a_large_one_is_passed_over() -> None:
    assert fitting([1_000, 1_000], 10_000, 1) == [0, 1]
    assert fitting([1_000, 50_000, 2_000], 10_000, 1) == [0, 2]
    assert fitting([10_000], 10_000, 1) == [], "its fee is not covered"


@pytest.mark.parametrize(
    ("waited", "rate", "today", "cheapest", "known", "stuck"),
    [
        (61, 5, 6, 1, True, True),
        (60, 5, 6, 1, True, False),  # within what its speed promised
        (61, 5, 5, 1, True, False),  # dearer would not be faster
        (1, 5, 9, 6, False, True),  # no node keeps it at its price
        (1, 5, 9, 5, False, False),  # forgotten, and taken in again when it is sent again
        (1, 5, 9, 6, True, False),
    ],
)
def test_what_is_stuck_is_made_dearer(
    waited: float, rate: int, today: int, cheapest: int, known: bool, stuck: bool
) -> None:
    assert is_stuck(Patience(60, waited, rate, today, cheapest, known)) is stuck


# --- rates of a node that comes and goes ---------------------------------------------------------------------------


class Node:
    gas_asset = "ETH"

    def __init__(self) -> None:
        self.asked = 0
        self.down = False

    async def fee_rates(self) -> FeeRates:
        self.asked += 1
        if self.down:
            raise NodeUnavailable("down")
        return FeeRates(GWEI, 2 * GWEI, 3 * GWEI)


async def test_rates_are_asked_for_once_in_a_while_and_remembered_when_the_node_is_away(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, clock = Node(), 1_000.0
    monkeypatch.setattr("tidegate.treasury.fees.time", SimpleNamespace(monotonic=lambda: clock))
    fees = Fees({"ethereum": node}, settings.networks)  # type: ignore[dict-item]  # as far as fees look at a chain
    found = await asyncio.gather(*(fees.rates("ethereum") for _ in range(5)))
    assert found[0].of("fast") == 3 * GWEI
    assert node.asked == 1
    clock += 6
    node.down = True
    assert (await fees.estimate("ethereum", "USDT", "standard")).charge_units == TOKEN_GAS * 2 * GWEI
    clock += 900
    with pytest.raises(Refusal) as told:
        await fees.rates("ethereum")
    assert told.value.kind is Kind.BUSY


# --- what the database refuses -------------------------------------------------------------------------------------


@dataclass
class Made:
    """A set of one member as reserving makes it."""

    set_id: uuid.UUID
    member_id: uuid.UUID
    payout_ids: list[uuid.UUID]


async def made(db: Database, *payments: Payment, coins: Sequence[Coin] = (), **more: Any) -> Made:
    values: dict[str, Any] = {"network": "ethereum", "asset": "USDT", "hot_address": HOT, "nonce": 0, **more}
    owed = payments or (payment(),)
    async with db.transaction() as session:
        whole = await store.add_set(
            session, speed="standard", plan={}, payouts=owed, coins=coins, now=utcnow(), **values
        )
    return Made(whole.set.id, whole.members[0].id, [one.payout_id for one in owed])


def payment(payout_id: uuid.UUID | None = None, *, units: int = 25, address: str = HOT) -> Payment:
    return Payment(payout_id or uuid.uuid4(), "USDT", units, address)


BITCOIN: dict[str, Any] = {"network": "bitcoin", "asset": "BTC", "hot_address": None, "nonce": None}


async def sql(db: Database, statement: str, **values: Any) -> None:
    async with db.transaction() as session:
        await session.execute(text(statement), values)


async def to(db: Database, member: uuid.UUID, state: str) -> None:
    await sql(
        db,
        "UPDATE attempts SET state = :s, raw = 'x'::bytea, txid = coalesce(txid, :t) WHERE id = :id",
        s=state,
        t=f"tx-{member}",
        id=member,
    )


async def test_a_payout_is_in_one_living_set(db: Database) -> None:
    """Rule 2, whoever writes."""
    first = await made(db)
    with pytest.raises(IntegrityError, match="uq_set_payouts_live"):
        await made(db, payment(first.payout_ids[0]), nonce=1)


async def test_a_nonce_belongs_to_one_set_until_that_is_dropped(db: Database) -> None:
    first = await made(db)
    for state in ("built", "unknown", "mined", "reverted"):
        await to(db, first.member_id, state)
        with pytest.raises(IntegrityError, match="uq_attempt_sets_nonce"):
            await made(db)


MORE = (
    "INSERT INTO attempts (id, set_id, network, state, plan, raw, txid, confirmations, created_at)"
    " SELECT gen_random_uuid(), set_id, network, '{state}', plan, 'x'::bytea, {txid}, 0, created_at FROM attempts LIMIT 1"
)


@pytest.mark.parametrize(
    ("first", "second", "index"),
    [
        ("built", "built", "uq_attempts_unsent"),
        ("signed", "built", "uq_attempts_unsent"),
        ("final", "final", "uq_attempts_won"),
        ("final", "reverted", "uq_attempts_won"),
        ("seen", "paid", "ck_attempts_state_known"),
    ],
)
async def test_a_set_has_one_winner_and_one_member_that_waits_to_be_sent(
    db: Database, first: str, second: str, index: str
) -> None:
    one = await made(db)
    await to(db, one.member_id, first)
    with pytest.raises(IntegrityError, match=index):
        await sql(db, MORE.format(state=second, txid="'t2'"))


async def test_what_is_signed_has_its_bytes(db: Database) -> None:
    one = await made(db)
    with pytest.raises(IntegrityError, match="ck_attempts_signed_has_bytes"):
        await sql(db, "UPDATE attempts SET state = 'signed' WHERE id = :id", id=one.member_id)


async def test_the_same_transaction_belongs_to_one_attempt(db: Database) -> None:
    first, second = await made(db), await made(db, nonce=1)
    await to(db, first.member_id, "seen")
    with pytest.raises(IntegrityError, match="uq_attempts_network_txid"):
        await sql(
            db,
            "UPDATE attempts SET raw = 'x', state = 'seen', txid = (SELECT txid FROM attempts WHERE txid IS NOT NULL)"
            " WHERE id = :id",
            id=second.member_id,
        )


JUMPS = [
    # paid without a final transaction
    ("seen", "UPDATE set_payouts SET ended_at = now(), settled_at = now()"),
    # given back while a transaction may still pay it
    ("signed", "UPDATE set_payouts SET ended_at = now()"),
    ("unknown", "UPDATE set_payouts SET ended_at = now()"),
    ("final", "UPDATE set_payouts SET ended_at = now()"),
    # a payment that changes after the fact, and one that joins what is signed
    ("seen", "UPDATE set_payouts SET units = units + 1"),
    ("seen", "UPDATE set_payouts SET address = 'elsewhere'"),
    (
        "signed",
        "INSERT INTO set_payouts (set_id, payout_id, asset, units, address)"
        " SELECT set_id, gen_random_uuid(), asset, units, 'another' FROM set_payouts",
    ),
    # an end while something lives or is owed
    ("seen", "UPDATE attempt_sets SET stage = 'ended', ended_at = now(), outcome = 'dropped'"),
    ("final", "UPDATE attempt_sets SET stage = 'ended', ended_at = now(), outcome = 'final'"),
    # another nonce for what is signed
    ("signed", "UPDATE attempt_sets SET nonce = 7"),
    # the dead do not rise
    ("replaced", "UPDATE attempts SET state = 'seen'"),
    ("final", "UPDATE attempts SET state = 'mined'"),
]


@pytest.mark.parametrize(("state", "statement"), JUMPS)
async def test_what_no_step_does_the_database_refuses(db: Database, state: str, statement: str) -> None:
    one = await made(db)
    await to(db, one.member_id, state)
    with pytest.raises(DBAPIError, match="RestrictViolation"):
        await sql(db, statement)


async def test_an_ended_set_signs_nothing_and_its_payout_may_go_into_another(db: Database) -> None:
    one = await made(db)
    await to(db, one.member_id, "dropped")
    await sql(db, "UPDATE set_payouts SET ended_at = now()")
    await sql(db, "UPDATE attempt_sets SET stage = 'ended', ended_at = now(), outcome = 'dropped'")
    with pytest.raises(DBAPIError, match="no living attempt"):
        await sql(db, MORE.format(state="built", txid="NULL"))
    await made(db, payment(one.payout_ids[0]))


async def test_a_payout_is_paid_once_for_ever(db: Database) -> None:
    one = await made(db)
    await to(db, one.member_id, "final")
    await sql(db, "UPDATE set_payouts SET ended_at = now(), settled_at = now()")
    again = await made(db, payment(one.payout_ids[0]), nonce=1)
    await to(db, again.member_id, "final")
    with pytest.raises(IntegrityError, match="uq_set_payouts_paid"):
        await sql(db, "UPDATE set_payouts SET ended_at = now(), settled_at = now() WHERE set_id = :id", id=again.set_id)


async def test_a_batch_holds_no_two_payouts_to_one_address(db: Database) -> None:
    with pytest.raises(IntegrityError, match="uq_set_payouts_address"):
        await made(db, payment(), payment(), **BITCOIN)


async def test_a_coin_is_reserved_by_one_set_until_it_is_released(db: Database) -> None:
    coin = [Coin("a" * 64, 0, 5_000, from_deposit=True)]
    await made(db, coins=coin, **BITCOIN)
    with pytest.raises(IntegrityError, match="uq_reserved_inputs_live"):
        await made(db, coins=coin, **BITCOIN)
    async with db.reading() as session:
        assert await underway.reserved_outpoints(session, "bitcoin") == {("a" * 64, 0)}
    await sql(db, "UPDATE reserved_inputs SET released_at = now()")
    await made(db, coins=coin, **BITCOIN)


async def test_sets_that_end_together_free_all_their_coins_and_each_ends_once(db: Database, lane: Lane) -> None:
    for letter in "ab":
        coins = [Coin(letter * 64, n, 5, from_deposit=False) for n in range(3)]
        await made(db, payment(), payment(address="2"), coins=coins, **BITCOIN)
    one, other = await spend.claim(db, [Purpose.PAYOUT], Stage.SIGNING)
    verdicts = await asyncio.gather(*(lane.write(spend.drop_riders(job, utcnow())) for job in (one, other, one)))
    assert sorted(verdict.rider or "" for verdict in verdicts) == ["", "", "attempt"]
    async with db.reading() as session:
        assert await underway.reserved_outpoints(session, "bitcoin") == set()
        assert await session.scalar(text("SELECT count(*) FROM attempt_sets WHERE outcome = 'dropped'")) == 2
        assert await session.scalar(text("SELECT count(*) FROM set_payouts WHERE ended_at IS NULL")) == 0


async def test_the_wallet_row_lets_one_spender_decide_at_a_time(db: Database) -> None:
    async def take() -> int:
        async with db.transaction() as session:
            nonce = await store.lock_wallet(session, "ethereum", HOT)
            await store.take_nonce(session, "ethereum", nonce)
            return nonce

    assert sorted(await asyncio.gather(*(take() for _ in range(12)))) == list(range(12))


# --- inventory -----------------------------------------------------------------------------------------------------


async def test_funding_twice_by_one_key_is_funding_once(db: Database, lane: Lane) -> None:
    hot = house("wallet:hot", "USDT", "ethereum")
    outcomes = [(await fund(lane, hot, 100, key="seed")).outcome for _ in range(2)]
    assert outcomes == [Outcome.POSTED, Outcome.DUPLICATE]
    async with db.reading() as session:
        assert (await balance(session, hot), await balance(session, house("capital", "USDT"))) == (100, 100)


async def test_payable_is_what_the_wallet_has_less_what_is_under_way(db: Database, lane: Lane) -> None:
    await fund(lane, house("wallet:hot", "USDT", "ethereum"), 100, key="hot")
    first = await made(db, payment(units=30))
    await made(db, payment(units=20), nonce=1)

    async def now() -> int:
        async with db.reading() as session:
            return await payable(session, "ethereum", "USDT", bitcoin=False)

    assert await now() == 50
    for state in ("mined", "unknown", "final"):
        await to(db, first.member_id, state)
        assert await now() == 50, state
    await sql(db, "UPDATE set_payouts SET ended_at = now(), settled_at = now() WHERE set_id = :id", id=first.set_id)
    assert await now() == 80


async def test_bitcoin_pays_with_deposit_coins_too(db: Database, lane: Lane) -> None:
    await fund(lane, house("wallet:hot", "BTC", "bitcoin"), 100, key="hot")
    await fund(lane, house("wallet:deposit", "BTC", "bitcoin"), 50, key="deposit")
    async with db.reading() as session:
        assert await payable(session, "bitcoin", "BTC", bitcoin=True) == 150
