"""What a payout costs, what the house can pay with, and what the database never lets happen twice."""

import asyncio
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tidegate.chains.port import FeeRates, NodeUnavailable
from tidegate.config import Settings
from tidegate.database import Database, utcnow
from tidegate.ledger.balances import balance
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Outcome, customer, house
from tidegate.refusal import Kind, Refusal
from tidegate.treasury import store
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
    Spent,
    network_fee,
    payout_transfers,
    shortest_wait,
    spent_transfers,
)

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


async def attempt(db: Database, **more: Any) -> uuid.UUID:
    values = {"network": "ethereum", "asset": "USDT", "units": 25, "hot_address": HOT, "nonce": 0, "inputs": (), **more}
    async with db.transaction() as session:
        found = store.add_attempt(
            session,
            payout_id=values.pop("payout_id", None) or uuid.uuid4(),
            address=HOT,
            plan={},
            now=utcnow(),
            **values,
        )
    return found.id


async def sql(db: Database, statement: str, **values: Any) -> None:
    async with db.transaction() as session:
        await session.execute(text(statement), values)


COPY = (
    "INSERT INTO attempts (id, payout_id, network, asset, units, address, state, hot_address, nonce, plan, raw, txid,"
    " confirmations, created_at) SELECT gen_random_uuid(), {payout}, network, asset, units, address, {state}, hot_address,"
    " {nonce}, plan, 'x'::bytea, {txid}, 0, created_at FROM attempts LIMIT 1"
)
OTHER = {"payout": "gen_random_uuid()", "state": "'built'", "nonce": "nonce + 1", "txid": "NULL"}


SECOND_WAYS: list[tuple[dict[str, str], str]] = [
    ({"payout": "payout_id"}, "uq_attempts_live_payout"),
    ({"payout": "payout_id", "state": "'unknown'", "txid": "'t'"}, "uq_attempts_live_payout"),
    ({"payout": "payout_id", "state": "'final'", "txid": "'t'"}, "uq_attempts_live_payout"),
    ({"nonce": "nonce"}, "uq_attempts_live_nonce"),
    # A reverted transaction has used its nonce for ever.
    ({"nonce": "nonce", "state": "'reverted'", "txid": "'t'"}, "uq_attempts_live_nonce"),
    ({"state": "'signed'"}, "ck_attempts_signed_has_bytes"),
    ({"state": "'paid'", "txid": "'t'"}, "ck_attempts_state_known"),
]


async def test_a_second_way_to_pay_is_refused_by_the_database_itself(db: Database) -> None:
    await attempt(db)
    for change, index in SECOND_WAYS:
        with pytest.raises(IntegrityError, match=index):
            await sql(db, COPY.format(**{**OTHER, **change}))


@pytest.mark.parametrize("dead", ["dropped", "replaced"])
async def test_only_a_dead_attempt_makes_room_for_another(db: Database, dead: str) -> None:
    await attempt(db)
    await sql(db, "UPDATE attempts SET state = :dead, raw = 'x'::bytea, txid = 't'", dead=dead)
    await sql(db, COPY.format(payout="payout_id", state="'built'", nonce="nonce", txid="NULL"))


async def test_the_same_transaction_belongs_to_one_attempt(db: Database) -> None:
    first, second = await attempt(db), await attempt(db, nonce=1)
    await sql(db, "UPDATE attempts SET txid = 't', raw = 'x'::bytea WHERE id = :id", id=first)
    with pytest.raises(IntegrityError, match="uq_attempts_network_txid"):
        await sql(db, "UPDATE attempts SET txid = 't', raw = 'x'::bytea WHERE id = :id", id=second)


async def test_a_coin_is_reserved_by_one_attempt_until_it_is_released(db: Database) -> None:
    coin = [("a" * 64, 0, 5_000, True)]
    bitcoin: dict[str, Any] = {"network": "bitcoin", "asset": "BTC", "hot_address": None, "nonce": None, "inputs": coin}
    first = await attempt(db, **bitcoin)
    with pytest.raises(IntegrityError, match="uq_reserved_inputs_live"):
        await attempt(db, **bitcoin)
    async with db.reading() as session:
        assert await store.reserved_outpoints(session, "bitcoin") == {("a" * 64, 0)}
        assert await store.deposit_units(session, first) == 5_000
    await sql(db, "UPDATE reserved_inputs SET released_at = now()")
    await attempt(db, **bitcoin)


async def test_attempts_that_end_together_free_all_their_coins_and_each_ends_once(db: Database, lane: Lane) -> None:
    bitcoin: dict[str, Any] = {"network": "bitcoin", "asset": "BTC", "hot_address": None, "nonce": None}
    one, other = [
        await attempt(db, **bitcoin, inputs=[(letter * 64, n, 5, False) for n in range(3)]) for letter in "ab"
    ]
    riders = [store.drop_riders(id_, utcnow()) for id_ in (one, other, one)]
    verdicts = await asyncio.gather(*(lane.write(some) for some in riders))
    assert sorted(verdict.rider or "" for verdict in verdicts) == ["", "", "attempt"]
    async with db.reading() as session:
        assert await store.reserved_outpoints(session, "bitcoin") == set()
        assert await session.scalar(text("SELECT count(*) FROM attempts WHERE state = 'dropped'")) == 2


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
    first = await attempt(db, units=30)
    await attempt(db, units=20, nonce=1)

    async def now() -> int:
        async with db.reading() as session:
            return await payable(session, "ethereum", "USDT", bitcoin=False)

    assert await now() == 50
    for state, left in (("mined", 50), ("unknown", 50), ("final", 80), ("dropped", 80)):
        await sql(db, "UPDATE attempts SET state = :s, raw = 'x'::bytea, txid = 't' WHERE id = :id", s=state, id=first)
        assert await now() == left, state


async def test_bitcoin_pays_with_deposit_coins_too(db: Database, lane: Lane) -> None:
    await fund(lane, house("wallet:hot", "BTC", "bitcoin"), 100, key="hot")
    await fund(lane, house("wallet:deposit", "BTC", "bitcoin"), 50, key="deposit")
    async with db.reading() as session:
        assert await payable(session, "bitcoin", "BTC", bitcoin=True) == 150
