"""From verified to paid: every part may fail at every step, and each withdrawal is paid once or says what it waits for."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.transactions.world import BITCOIN_STRANGER, STRANGER, Killed, Someone, World
from tidegate import failpoints
from tidegate.chains.port import Fate, Sighting
from tidegate.compliance import approve, pause, screen
from tidegate.idempotency import Keyed
from tidegate.ledger.rules import house
from tidegate.signing.messages import Denied, Failed
from tidegate.transactions import history, payouts

GAS_FEE = 60_000 * 10**9


async def ready(world: World, **more: Any) -> tuple[Someone, uuid.UUID]:
    """A verified withdrawal of a house that can pay it."""
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    who = await world.someone(BTC=10_000_000) if more else await world.someone(USDT=100_000_000)
    return who, await world.verified(who, **more)


async def paid_once(world: World, withdrawal_id: uuid.UUID) -> None:
    """Completed; the chain shows exactly one payment; the books are exact."""
    await world.until(withdrawal_id, "completed")
    assert world.evm.node.paid == [("USDT", STRANGER, 25_000_000)]
    assert len(set(world.evm.node.submissions)) == 1
    assert await world.rows("SELECT state FROM attempts") == [("final",)]
    await world.exact()


async def test_a_plain_withdrawal_settles_once_by_the_table(world: World) -> None:
    who, done = await ready(world)
    await world.until(done, "completed")
    assert await world.available(who.id, "USDT") == (74_000_000, 0)
    assert await world.balance(house("charged:network", "USDT")) == 1_000_000
    assert await world.balance(house("wallet:hot", "USDT", "ethereum")) == 975_000_000
    assert await world.balance(house("cost:network", "ETH")) == GAS_FEE
    assert await world.balance(house("wallet:hot", "ETH", "ethereum")) == 10**18 - GAS_FEE
    settled = await world.rows(
        "SELECT event, units FROM ledger_transfers WHERE key = :key ORDER BY units",
        key=f"withdrawal:{done}:settle",
    )
    assert settled == [("withdrawal fees", 1_000_000), ("payout final", 25_000_000)]
    attempt = await world.one("SELECT id FROM attempts")
    mined = await world.rows(
        "SELECT event, units FROM ledger_transfers WHERE key = :key", key=f"attempt:{attempt}:mined"
    )
    assert mined == [("chain fee", GAS_FEE)], "once for each mined transaction, however many payouts it made"
    states = [row[0] for row in await world.rows("SELECT state FROM withdrawal_events ORDER BY version")]
    assert states == [
        "pending_verification",
        "pending_screening",
        "queued",
        "signing",
        "broadcasting",
        "confirming",
        "completed",
    ]
    assert await world.rows("SELECT user_id, address FROM sent_to") == [(who.id, STRANGER)]
    await world.exact()


async def test_a_converting_withdrawal_pays_the_delivery_and_charges_nothing_again(world: World) -> None:
    who, done = await ready(world, paying="BTC", fee=100)
    charged = await world.balance(house("charged:network", "BTC"))
    await paid_once(world, done)
    assert await world.available(who.id, "USDT") == (0, 0)
    assert await world.balance(house("charged:network", "BTC")) == charged == 100


async def test_a_bitcoin_payout_spends_a_deposit_coin_and_moves_its_worth_to_the_hot_wallet(world: World) -> None:
    who = await world.someone(BTC=10_000_000)
    done = await world.verified(who, "BTC", deliver=1_000_000, fee=1_000)
    await world.until(done, "completed")
    fee = world.bitcoin.FEE_RATE * world.bitcoin.VBYTES
    assert world.bitcoin.node.paid == [("BTC", BITCOIN_STRANGER, 1_000_000)]
    assert await world.balance(house("wallet:deposit", "BTC", "bitcoin")) == 0
    assert await world.balance(house("wallet:hot", "BTC", "bitcoin")) == 9_000_000 - fee
    assert await world.rows("SELECT from_deposit FROM reserved_inputs WHERE released_at IS NOT NULL") == [(True,)]
    await world.exact()


# --- screening, people, pauses -------------------------------------------------------------------------------------


@pytest.mark.parametrize("paying", [None, "USDT"])
async def test_ether_that_its_recipients_contract_turns_down_is_given_back_before_anything_is_reserved(
    world: World, paying: str | None
) -> None:
    who = await world.someone(ETH=10**18, USDT=10_000_000_000)
    await world.stock(ETH=10**18)
    done = await world.verified(who, "ETH", deliver=10**17, fee=10**3, paying=paying, rate="0.0004")
    world.evm.node.turning_down.add(STRANGER)
    await world.until(done, "rejected")
    assert await world.one("SELECT detail FROM withdrawals") == "The recipient's contract does not take this payment."
    assert await world.rows("SELECT id FROM attempts") == []
    assert (await world.available(who.id, "ETH"))[1] == 0
    await world.exact()


async def test_our_own_change_that_only_the_node_knows_is_not_paid(world: World) -> None:
    who = await world.someone(BTC=10_000_000)
    done = await world.verified(who, "BTC", deliver=1_000_000, fee=1_000)
    world.bitcoin.node.change.add(BITCOIN_STRANGER)
    await world.until(done, "rejected")
    assert await world.available(who.id, "BTC") == (10_000_000, 0)


def deny(world: World, folder: Path, text: str) -> None:
    path = folder / "deny.txt"
    path.write_text(text)
    terms = world.settings.compliance.model_copy(update={"deny_list_file": path})
    world.furnish(world.settings.model_copy(update={"compliance": terms}))


async def test_a_denied_address_is_rejected_and_the_money_given_back(world: World, tmp_path: Path) -> None:
    who, done = await ready(world)
    deny(world, tmp_path, f"ethereum {STRANGER.lower()} sanctioned\n")
    await world.until(done, "rejected")
    assert await world.available(who.id, "USDT") == (100_000_000, 0)
    assert await world.rows("SELECT verdict, reason FROM screenings") == [("block", "listed: sanctioned")]
    # The reason on the list is not for the customer's eyes.
    assert "sanctioned" not in str(await history.withdrawal(world.office, user_id=who.id, withdrawal_id=done))
    assert world.evm.node.submissions == []
    await world.exact()


async def test_a_list_that_cannot_be_read_holds_and_goes_on_when_it_can(world: World, tmp_path: Path) -> None:
    _, done = await ready(world)
    deny(world, tmp_path, "nonsense\n")
    await world.turn()
    assert await world.standing(done) == ("pending_screening", "hold")
    deny(world, tmp_path, "# nobody is listed\n")
    await paid_once(world, done)


async def approver(world: World) -> uuid.UUID:
    return (await world.someone()).id


@pytest.mark.parametrize(("verdict", "ends"), [("approve", "completed"), ("reject", "rejected")])
async def test_what_needs_a_person_waits_for_one_and_does_what_they_say(world: World, verdict: str, ends: str) -> None:
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    who = await world.someone(USDT=100_000_000)
    done = await world.verified(who, usd_units=None)
    await world.until(done, "pending_approval", "person_reviewing")
    await world.turn()
    assert await world.standing(done) == ("pending_approval", "person_reviewing")
    ((request_id, digest),) = await world.rows("SELECT id, digest FROM approval_requests")
    await approve.decide(
        world.db,
        request_id=request_id,
        approver=await approver(world),
        verdict=verdict,
        digest=digest,
        reason="looked at",
        keyed=Keyed(None, ""),
    )
    await world.until(done, ends)
    assert await world.available(who.id, "USDT") == ((74_000_000, 0) if ends == "completed" else (100_000_000, 0))
    await world.exact()


@pytest.mark.parametrize("what", ["USDT", "*"])
async def test_a_pause_freezes_what_is_queued_until_it_is_lifted(world: World, what: str) -> None:
    _, done = await ready(world)
    await pause.pause(world.db, asset=what, by="operator", reason="checking the node")
    await world.until(done, "queued", "frozen")
    await world.turn()
    assert await world.standing(done) == ("queued", "frozen")
    assert await world.rows("SELECT 1 FROM attempts") == []
    await pause.resume(world.db, asset=what, by="operator")
    await paid_once(world, done)


async def test_a_pause_of_another_asset_stops_nothing(world: World) -> None:
    _, done = await ready(world)
    await pause.pause(world.db, asset="BTC", by="operator", reason="checking the node")
    await paid_once(world, done)


# --- parts that are away -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["pending_screening", "queued", "broadcasting", "confirming"])
async def test_without_its_node_it_waits_where_it_stands_and_goes_on(world: World, state: str) -> None:
    _, done = await ready(world)
    await world.until(done, state)
    world.evm.node.down = True
    await world.turn()
    assert await world.standing(done) == (state, "awaiting_node")
    before = await world.one("SELECT version FROM withdrawals")
    await world.turn()
    assert await world.one("SELECT version FROM withdrawals") == before, "the same reason is not told twice"
    world.evm.node.down = False
    await paid_once(world, done)


@pytest.mark.parametrize(
    ("answer", "sub_status"),
    [
        (Failed("the signer cannot be reached"), "awaiting_signer"),
        (Denied("frozen", "the freeze flag is set"), "frozen"),
    ],
)
async def test_without_a_signature_it_waits_and_goes_on_with_one(
    world: World, answer: Denied | Failed, sub_status: str
) -> None:
    _, done = await ready(world)
    await world.until(done, "signing")
    world.signer.answer = answer
    await world.turn()
    assert await world.standing(done) == ("signing", sub_status)
    assert world.evm.node.submissions == []
    world.signer.answer = None
    await paid_once(world, done)


async def test_what_the_signer_denies_waits_for_a_person_and_leaves_no_hole_in_the_nonces(world: World) -> None:
    _, denied = await ready(world)
    await world.until(denied, "signing")
    world.signer.answer = Denied("above_cap", "more than the largest payout")
    await world.until(denied, "queued", "needs_operator")
    world.signer.answer = None
    _, paid = await ready(world)
    await world.until(paid, "completed")
    assert await world.standing(denied) == ("queued", "needs_operator")
    assert await world.rows(
        "SELECT a.state, nonce FROM attempts a JOIN attempt_sets s ON s.id = set_id ORDER BY a.created_at"
    ) == [("dropped", 0), ("final", 0)]


async def test_what_the_signer_may_have_signed_unheard_is_not_taken_back(world: World) -> None:
    _, done = await ready(world)
    await world.until(done, "signing")
    world.signer.answer = Failed("the answer was lost")
    await world.turn()
    world.signer.answer = Denied("above_cap", "more than the largest payout", signed=True)
    await world.turn()
    await world.turn()
    assert await world.standing(done) == ("signing", "needs_operator")
    assert await world.rows("SELECT state FROM attempts") == [("built",)]
    world.signer.answer = Denied("above_cap", "more than the largest payout")
    await world.turn()
    assert (await world.standing(done))[0] == "signing", "it is asked once more before it is believed"
    await world.turn()
    assert await world.standing(done) == ("queued", "needs_operator")


async def test_an_answer_of_the_signer_that_was_lost_is_asked_for_again_and_is_the_same(world: World) -> None:
    _, done = await ready(world)
    world.signer.loses_answers = 2
    await paid_once(world, done)
    assert world.signer.asked == 3


async def test_without_inventory_it_waits_for_funds_and_goes_on_with_them(world: World) -> None:
    await world.stock(USDT=24_999_999, ETH=10**18)
    who = await world.someone(USDT=100_000_000)
    done = await world.verified(who)
    await world.until(done, "queued", "awaiting_liquidity")
    assert await world.rows("SELECT next_nonce FROM hot_wallets WHERE next_nonce > 0") == []
    await world.stock(USDT=1)
    await paid_once(world, done)


async def test_money_that_is_promised_to_one_payout_is_not_promised_to_another(world: World) -> None:
    await world.stock(USDT=30_000_000, ETH=10**18)
    both = [await world.verified(await world.someone(USDT=26_000_000)) for _ in range(2)]
    for _ in range(4):
        await world.turn()
    assert sorted([(await world.standing(one)) for one in both], key=str) == [
        ("confirming", None),
        ("queued", "awaiting_liquidity"),
    ]
    assert len(world.evm.node.submissions) == 1


async def test_without_coins_a_bitcoin_payout_waits_for_funds(world: World) -> None:
    who = await world.someone(BTC=10_000_000)
    done = await world.verified(who, "BTC", deliver=1_000_000, fee=1_000)
    (taken,) = world.bitcoin.coins
    coin = world.bitcoin.coins.pop(taken)
    await world.until(done, "queued", "awaiting_liquidity")
    world.bitcoin.coins[taken] = coin
    await world.until(done, "completed")


# --- sent or not? --------------------------------------------------------------------------------------------------


async def test_a_broadcast_without_an_answer_is_unknown_and_the_same_bytes_go_again(world: World) -> None:
    _, done = await ready(world)
    world.evm.node.answers_lost = 2
    await world.until(done, "broadcasting", "broadcast_unknown")
    assert await world.rows("SELECT state FROM attempts") == [("unknown",)]
    await paid_once(world, done)
    assert len(world.evm.node.submissions) == 3


async def test_bytes_the_node_refuses_for_good_need_a_person_and_are_not_rebuilt(world: World) -> None:
    _, done = await ready(world)
    world.evm.node.refusal = "another transaction used its nonce"
    await world.until(done, "broadcasting", "needs_operator")
    await world.turn()
    assert len(set(world.evm.node.submissions)) == 1
    assert await world.one("SELECT count(*) FROM attempts") == 1
    world.evm.node.refusal = None
    await paid_once(world, done)


@pytest.mark.parametrize("point", ["P12.store:before", "P12.store:after", "P13.send:after"])
async def test_a_worker_killed_around_signing_and_sending_pays_exactly_once(
    world: World, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, done = await ready(world)

    def reach(name: str) -> None:
        if name == point:
            raise Killed

    monkeypatch.setattr(failpoints, "reach", reach)
    with pytest.raises(Killed):
        await world.until(done, "completed")
    monkeypatch.undo()
    if point != "P12.store:after":  # what stores the bytes gives the lease back: anybody may send them
        assert await world.turn() == 0, "the dead worker's lease still stands"
    await world.soon(leases=True)
    await paid_once(world, done)


async def test_a_payment_the_node_forgot_is_sent_again_with_the_same_bytes(world: World) -> None:
    _, done = await ready(world)
    await world.until(done, "confirming")
    # `until` mines after each turn: here nothing was mined since it was sent.
    world.evm.reorg(1) if not world.evm.node.mempool else world.evm.node.forget()
    await world.turn()
    assert len(world.evm.node.submissions) == 2
    await paid_once(world, done)


async def test_a_payment_that_a_reorg_took_out_is_sent_again_and_settled_once(world: World) -> None:
    _, done = await ready(world)
    await world.until(done, "confirming")
    while await world.one("SELECT confirmations FROM attempts") < 2:
        await world.turn(mine=1)
    world.evm.reorg(3)
    assert world.evm.node.paid == []
    await world.turn()
    assert await world.rows("SELECT state, confirmations, block_hash FROM attempts") == [("broadcast", 0, None)]
    assert await world.standing(done) == ("confirming", "reorged")
    await paid_once(world, done)


async def test_a_bitcoin_payment_the_node_forgot_is_sent_again_from_the_same_coins(world: World) -> None:
    who = await world.someone(BTC=10_000_000)
    done = await world.verified(who, "BTC", deliver=1_000_000, fee=1_000)
    while not world.bitcoin.node.mempool:
        await world.turn()
    await world.turn()
    world.bitcoin.forget()
    await world.until(done, "completed")
    assert len(set(world.bitcoin.node.submissions)) == 1
    assert world.bitcoin.node.paid == [("BTC", BITCOIN_STRANGER, 1_000_000)]
    await world.exact()


async def test_a_payment_that_does_not_pay_what_was_agreed_is_never_settled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, done = await ready(world)
    await world.until(done, "confirming")
    sighting = world.evm.sighting

    async def short(txid: str, asset: str) -> Any:
        seen = await sighting(txid, asset)
        seen.paid.update(dict.fromkeys(seen.paid, 24_999_999))
        return seen

    monkeypatch.setattr(world.evm, "sighting", short)
    await world.until(done, "confirming", "needs_operator")
    assert await world.balance(house("charged:network", "USDT")) == 0


@pytest.mark.parametrize("paying", [None, "BTC"])
async def test_a_payment_that_the_chain_took_and_did_not_make_fails_and_is_refunded(
    world: World, paying: str | None
) -> None:
    who, done = await ready(world, **({"paying": "BTC", "fee": 100} if paying else {}))
    charged = await world.balance(house("charged:network", paying or "USDT"))
    world.evm.node.reverting.add(STRANGER)
    await world.until(done, "confirming")
    await world.turn()
    await world.exact()  # mined and reverted, not yet deep: its fee is a term of the audit
    world.evm.mine(12)  # deep enough for a payment, not for a refund: 18 are
    await world.until(done, "failed")
    assert await world.available(who.id, "USDT") == ((25_000_000, 0) if paying else (99_000_000, 0))
    kept = await world.balance(house("charged:network", paying or "USDT")) - charged
    assert kept == (0 if paying else 1_000_000), "an attempt was mined: that fee stays, charged once"
    assert await world.balance(house("cost:network", "ETH")) == GAS_FEE
    assert await world.rows("SELECT state, nonce FROM attempts JOIN attempt_sets s ON s.id = set_id") == [
        ("reverted", 0)
    ]
    assert await world.rows("SELECT usd_cents FROM limit_counters") == [(0,)]
    assert world.evm.node.paid == []
    await world.exact()


async def test_a_bitcoin_payment_whose_coin_went_elsewhere_needs_a_person(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = await world.someone(BTC=10_000_000)
    done = await world.verified(who, "BTC", deliver=1_000_000, fee=1_000)
    await world.until(done, "confirming")

    async def conflicted(txid: str, asset: str) -> Sighting:
        return Sighting(Fate.CONFLICTED, -3)

    monkeypatch.setattr(world.bitcoin, "sighting", conflicted)
    await world.turn()
    assert await world.standing(done) == ("confirming", "needs_operator")
    assert await world.available(who.id, "BTC") == (8_999_000, 1_001_000)


async def test_late_is_said_and_taken_back_at_its_end(world: World) -> None:
    _, done = await ready(world)
    await world.until(done, "confirming")
    await world.by_force("UPDATE withdrawals SET expected_by = now() - interval '1 second'")
    await world.turn()
    assert await world.standing(done) == ("confirming", "slower_than_usual")
    await paid_once(world, done)


# --- many workers, many payouts ------------------------------------------------------------------------------------


async def test_two_workers_at_once_make_one_attempt(world: World) -> None:
    _, done = await ready(world)
    for _ in range(12):
        await world.soon()
        for step in (payouts.prepare_step, payouts.sign_step, payouts.broadcast_step, payouts.confirm_step):
            await asyncio.gather(*(step(world.office, world.spender) for _ in range(3)))
        await world.turn(mine=1)
    await paid_once(world, done)
    assert await world.one("SELECT count(*) FROM attempts") == 1
    assert world.signer.asked == 1


async def test_a_worker_that_slept_past_its_lease_writes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, done = await ready(world)
    await world.until(done, "queued")
    asleep, wake = asyncio.Event(), asyncio.Event()
    gas_for = world.evm.gas_for

    async def slow(asset: str, address: str, units: int) -> int:
        found = await gas_for(asset, address, units)
        if not asleep.is_set():
            asleep.set()
            await wake.wait()
        return found

    monkeypatch.setattr(world.evm, "gas_for", slow)
    await world.soon()
    sleeper = asyncio.ensure_future(payouts.prepare_step(world.office, world.spender))
    await asleep.wait()
    await world.soon(leases=True)
    assert await payouts.prepare_step(world.office, world.spender) == 1
    assert await world.standing(done) == ("signing", None)
    wake.set()
    await sleeper
    assert await world.rows("SELECT nonce FROM attempt_sets") == [(0,)]
    assert await world.one("SELECT next_nonce FROM hot_wallets WHERE network = 'ethereum'") == 1
    await paid_once(world, done)


async def test_nonces_of_20_concurrent_payouts_have_no_gaps(world: World) -> None:
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    people = [await world.someone(USDT=52_000_000) for _ in range(10)]
    done = [await world.verified(who) for who in people for _ in range(2)]
    for _ in range(12):
        await asyncio.gather(world.turn(), world.turn())
        world.evm.mine()
    assert {await world.standing(one) for one in done} == {("completed", None)}
    nonces = [row[0] for row in await world.rows("SELECT nonce FROM attempt_sets ORDER BY nonce")]
    assert nonces == list(range(20))
    assert world.evm.node.paid == [("USDT", STRANGER, 25_000_000)] * 20
    assert await world.one("SELECT count(DISTINCT payout_id) FROM set_payouts") == 20
    await world.exact()


async def test_bitcoin_payouts_at_once_never_share_a_coin(world: World) -> None:
    people = [await world.someone(BTC=2_000_000) for _ in range(6)]
    done = [await world.verified(who, "BTC", deliver=1_000_000, fee=1_000) for who in people]
    for _ in range(14):
        await world.turn(mine=1)
    assert {await world.standing(one) for one in done} == {("completed", None)}
    assert len(world.bitcoin.node.paid) == 6
    assert await world.rows("SELECT txid, vout FROM reserved_inputs GROUP BY txid, vout HAVING count(*) > 1") == []
    await world.exact()


async def test_a_wallet_that_somebody_else_spends_from_is_not_spent_from(world: World) -> None:
    _, done = await ready(world)
    await paid_once(world, done)
    world.evm.nonce += 1
    again = await world.verified(await world.someone(USDT=26_000_000))
    await world.until(again, "queued", "needs_operator")
    assert len(world.evm.node.paid) == 1


async def test_one_broken_row_does_not_stop_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    first, second = [await world.verified(await world.someone(USDT=26_000_000)) for _ in range(2)]
    screened = screen.screened

    def broken(**more: Any) -> Any:
        if more["subject_id"] == first:
            raise RuntimeError("a bug")
        return screened(**more)

    monkeypatch.setattr(screen, "screened", broken)
    with capture_logs() as told:
        await world.until(second, "completed")
    assert await world.standing(first) == ("pending_screening", None)
    assert {"withdrawal_step_failed"} == {one["event"] for one in told if one["log_level"] == "error"}
    monkeypatch.undo()
    await world.until(first, "completed")
