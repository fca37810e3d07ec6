"""Payouts on real bitcoind, anvil and signer: batches, replacements, children; the books exact. What may
go wrong is in the two files of the crash table."""

import os
from collections.abc import AsyncIterator

import pytest
from eth_account import Account

from tests.chains.conftest import House
from tests.chains.spending import RealWorld
from tidegate.chains.families import NotEnough
from tidegate.chains.port import FeeRates
from tidegate.config import Settings
from tidegate.database import Database, utcnow
from tidegate.ledger.lane import Lane
from tidegate.transactions import audit, intervene

BATCH = int(os.environ.get("TIDEGATE_TEST_BATCH", "40"))
"""Payouts of the large batch; 100 in the whole run."""
PAYOUTS = int(os.environ.get("TIDEGATE_TEST_PAYOUTS", "100"))
"""Payouts whose rate is measured; 1,000 in the whole run."""
GWEI = 10**9


@pytest.fixture
async def world(
    db: Database,
    lane: Lane,
    settings: Settings,
    superuser_db: Database,
    house: House,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[RealWorld]:
    monkeypatch.setattr(audit, "TRIES", 3)
    made = await RealWorld(db, lane, settings, (house.bitcoin, house.evm), superuser_db).begin(house)
    yield made
    await house.bitcoin_node.mine(3)
    await house.evm_node.mine(1)


def rates(world: RealWorld, monkeypatch: pytest.MonkeyPatch, rate: int) -> None:
    """So many sat/vB are asked for from now on."""

    async def fee_rates() -> FeeRates:
        return FeeRates(rate, rate, rate)

    monkeypatch.setattr(world.house.bitcoin, "fee_rates", fee_rates)
    world.spender.fees._known.clear()


async def fee_per_payout(world: RealWorld, txid: str, payouts: int, rate: int) -> float:
    entry = await world.house.bitcoin_node.rpc.call("getmempoolentry", txid)
    return float(int(entry["fees"]["base"] * 10**8) / rate / payouts)


async def test_a_batch_pays_everybody_in_one_transaction_for_little(
    world: RealWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates(world, monkeypatch, 50)
    done = await world.payouts("BTC", await world.strangers(BATCH), 20_000, network_fee_max_units=100_000)
    await world.work()
    assert await world.stand(done) == [("confirming", None)]
    (txid,) = await world.txids()
    assert await fee_per_payout(world, txid, BATCH, 50) <= (33 if BATCH == 100 else 37)
    await world.exact()
    await world.mined("bitcoin")
    assert await world.stand(done) == [("completed", None)]
    await world.exact()


async def test_a_bitcoin_payment_is_replaced_by_one_that_spends_all_its_coins(
    world: RealWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates(world, monkeypatch, 2)
    done = await world.payouts("BTC", await world.strangers(3), 50_000, network_fee_max_units=100_000)
    await world.work()
    await world.long_ago()
    rates(world, monkeypatch, 30)
    await world.work(4)
    assert await world.stand(done) == [("confirming", "replaced")]
    old, new = await world.txids()
    pool = await world.house.bitcoin_node.rpc.call("getrawmempool")
    assert new in pool and old not in pool
    await world.exact()
    await world.mined("bitcoin")
    assert await world.stand(done) == [("completed", None)]
    assert await world.rows("SELECT state FROM attempts ORDER BY created_at") == [("replaced",), ("final",)]
    await world.exact()


async def test_a_child_pays_for_its_parent_where_no_coin_is_free_to_replace_it(
    world: RealWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates(world, monkeypatch, 2)
    done = await world.payouts("BTC", await world.strangers(1), 3_000_000, network_fee_max_units=100_000)
    await world.work()
    await world.long_ago()
    rates(world, monkeypatch, 30)
    fund = world.house.bitcoin.fund

    async def none_free(*more: object, **named: object) -> object:
        raise NotEnough(1, 0)

    monkeypatch.setattr(world.house.bitcoin, "fund", none_free)
    await world.work(4)
    monkeypatch.setattr(world.house.bitcoin, "fund", fund)
    parent, child = await world.txids()
    entry = await world.house.bitcoin_node.rpc.call("getmempoolentry", child)
    assert entry["depends"] == [parent]
    assert int(entry["fees"]["ancestor"] * 10**8) >= 30 * entry["ancestorsize"]
    await world.exact()
    # Never a replacement after a child: the next one is a dearer child.
    await world.long_ago()
    rates(world, monkeypatch, 60)
    await world.work(4)
    assert await world.one("SELECT count(*) FROM attempts WHERE parent IS NULL") == 1
    assert await world.one("SELECT count(*) FROM attempts WHERE parent IS NOT NULL") == 2
    await world.exact()
    await world.mined("bitcoin", 5)
    assert await world.stand(done) == [("completed", None)]
    assert await world.rows("SELECT outcome FROM attempt_sets") == [("final",)]
    await world.exact()


async def test_a_token_payment_is_replaced_at_its_nonce(world: RealWorld) -> None:
    to = [Account.create().address]
    done = await world.payouts("USDT", to, 5_000_000, network_fee_max_units=10**17)
    await world.work()
    assert await world.stand(done) == [("confirming", None)]
    await intervene.bump(world.office, done[0], rate=40)
    await world.work(4)
    assert await world.stand(done) == [("confirming", "replaced")]
    assert await world.rows("SELECT plan->>'max_fee_per_gas' FROM attempts ORDER BY created_at DESC LIMIT 1") == [
        (str(40 * GWEI),)
    ]
    assert await world.one("SELECT count(DISTINCT nonce) FROM attempt_sets") == 1
    await world.mined("ethereum", 5)
    assert await world.stand(done) == [("completed", None)]
    assert (await world.house.evm.balances(to))["USDT"] == 5_000_000
    await world.exact()


async def test_many_token_payments_go_out_at_once_with_nonces_in_a_row(world: RealWorld) -> None:
    to = [Account.create().address for _ in range(6)]
    done = await world.payouts("USDT", to, 1_000_000, network_fee_max_units=10**16)
    await world.work(4)
    assert await world.stand(done) == [("confirming", None)]
    await world.exact()
    await world.mined("ethereum", 5)
    assert await world.stand(done) == [("completed", None)]
    nonces = [row[0] for row in await world.rows("SELECT nonce FROM attempt_sets ORDER BY nonce")]
    assert nonces == list(range(nonces[0], nonces[0] + 6))
    await world.exact()


@pytest.mark.slow
async def test_a_thousand_payouts_leave_far_faster_together_than_one_by_one(
    world: RealWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rates(world, monkeypatch, 5)
    alone = max(PAYOUTS // 10, 5)
    await world.coins(alone + 20, 400_000)
    world.share(1)
    one_by_one = await world.rate(await world.payouts("BTC", await world.strangers(alone), 20_000))
    await world.house.bitcoin_node.mine(2)
    world.share(100)
    rates(world, monkeypatch, 5)
    together = await world.rate(await world.payouts("BTC", await world.strangers(PAYOUTS), 20_000))
    with capsys.disabled():
        print(
            f"\n{PAYOUTS} payouts: {together:.1f}/s together, {one_by_one:.1f}/s one by one: {together / one_by_one:.1f}x"
        )
    assert together >= (20 if PAYOUTS >= 1000 else 4) * one_by_one


@pytest.mark.slow
async def test_the_nonce_of_a_stopped_payout_is_filled_for_those_behind_it(world: RealWorld) -> None:
    """The real signer cancels what it signed, and anvil mines the row of nonces."""
    to = [Account.create().address for _ in range(2)]
    first, second = await world.payouts("USDT", to, 5_000_000, network_fee_max_units=10**17)
    for _ in range(2):
        await world.turn()
    assert await world.standing(first) == ("broadcasting", None)
    await intervene.hold(world.office, first, reason="looking", by="operator", now=utcnow())
    await world.turn()
    await world.house.evm_node.mine(1)
    assert (await world.house.evm.balances(to))["USDT"] == 0, "the second one waits for the first"
    await world.sql("UPDATE attempts SET broadcast_at = now() - interval '1 hour' WHERE broadcast_at IS NOT NULL")
    await world.work(5)
    await world.mined("ethereum", 4)
    assert await world.standing(second) == ("completed", None)
    await world.exact()
    await world.house.evm_node.mine(16)
    await world.mined("ethereum", 3)
    assert await world.standing(first) == ("queued", "needs_operator")
    assert (await world.house.evm.balances(to))["USDT"] == 5_000_000
    await world.exact()
