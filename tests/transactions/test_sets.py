"""Many payouts in one transaction, and several transactions for the same payouts: each is paid once, by whichever wins."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from bdkpython import Descriptor, Network, NetworkKind

from tests.transactions.chains import txid_of
from tests.transactions.test_request import refused
from tests.transactions.world import BITCOIN_STRANGER, STRANGER, Killed, World
from tidegate import failpoints
from tidegate.chains.families import Funded
from tidegate.chains.port import Fate, Sighting
from tidegate.config import BatchSettings
from tidegate.database import utcnow
from tidegate.ledger.rules import house
from tidegate.refusal import Kind
from tidegate.signing.messages import Denied, Failed
from tidegate.transactions import audit, intervene, pipeline

FEE = 1_000


def stranger(number: int) -> str:
    """An address of nobody here."""
    text = "wpkh(tpubD6NzVbkrYhZ4XHndKkuB8FifXm8r5FQHwrN6oZuWCz13qb93rtgKvD4PQsqC4HP4yhV3tA2fqr2RbY5mNXfM7RxXUoeABoDtsFUq2zJq6YK/0/*)"
    return str(Descriptor(text, NetworkKind.TEST).derive_address(number, Network.REGTEST))


async def payouts(world: World, addresses: Sequence[str], *, each: int = 100_000) -> list[uuid.UUID]:
    """Verified withdrawals of one customer, one to each of these."""
    who = await world.someone(BTC=(each + FEE) * len(addresses) + 1_000_000)
    found = []
    for address in addresses:
        offer = await world.offer(who, "BTC", deliver=each, fee=FEE)
        body = (await world.request(who, offer, address=address)).body
        found.append(uuid.UUID(body["id"]))
        await world.verify(who, found[-1])
    return found


async def stand(world: World, ids: Sequence[uuid.UUID]) -> list[tuple[str, str | None]]:
    return sorted({await world.standing(one) for one in ids}, key=str)


async def queued(world: World) -> None:
    """Everything that was verified is in the queue."""
    await world.soon()
    await pipeline.screen_step(world.office, world.spender)


async def work(world: World, turns: int = 6, *, mine: int = 0) -> None:
    for _ in range(turns):
        await world.turn(mine=mine)


async def test_payouts_that_wait_together_share_a_transaction_and_each_settles_by_itself(world: World) -> None:
    done = await payouts(world, [stranger(n) for n in range(5)])
    await queued(world)
    await work(world, 3)
    assert await stand(world, done) == [("confirming", None)]
    assert len(world.bitcoin.node.submissions) == 1
    await world.exact()  # in the mempool, nothing settled
    await work(world, 4, mine=1)
    assert await stand(world, done) == [("completed", None)]
    assert sorted(world.bitcoin.node.paid) == sorted(("BTC", stranger(n), 100_000) for n in range(5))
    assert await world.one("SELECT count(*) FROM ledger_transfers WHERE event = 'chain fee'") == 1
    assert await world.rows("SELECT outcome FROM attempt_sets") == [("final",)]
    assert await world.rows("SELECT 1 FROM reserved_inputs WHERE released_at IS NULL") == []
    await world.exact()


async def test_the_books_balance_while_a_batch_is_half_settled(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    done = await payouts(world, [stranger(n) for n in range(3)])
    await queued(world)
    await work(world, 3)
    await intervene.hold(world.office, done[1], reason="looking", by="operator", now=utcnow())
    await work(world, 3, mine=1)
    assert await stand(world, done) == [("completed", None), ("confirming", "hold")]
    await world.exact()
    await intervene.release(world.office, done[1], reason="fine", by="operator", now=utcnow())
    await work(world, 2)
    assert await stand(world, done) == [("completed", None)]
    await world.exact()


@pytest.mark.slow
async def test_the_second_payout_to_an_address_goes_with_the_next_transaction(world: World) -> None:
    done = await payouts(world, [stranger(1), stranger(1), stranger(2)])
    await queued(world)
    await work(world, 5)
    sets = await world.rows("SELECT count(*) FROM set_payouts GROUP BY set_id ORDER BY 1")
    assert sets == [(1,), (2,)]
    await work(world, 4, mine=1)
    assert await stand(world, done) == [("completed", None)]
    await world.exact()


@pytest.mark.slow
async def test_no_transaction_pays_more_than_a_hundred(world: World) -> None:
    done = await payouts(world, [stranger(n) for n in range(103)], each=10_000)
    await queued(world)
    await world.stock(BTC=1_000_000)
    for _ in range(6):
        await pipeline.screen_step(world.office, world.spender)
        await world.soon()
    await work(world, 5)
    assert await world.rows("SELECT count(*) FROM set_payouts GROUP BY set_id ORDER BY 1") == [(3,), (100,)]
    await work(world, 4, mine=1)
    assert await stand(world, done) == [("completed", None)]


def patient(world: World, seconds: float) -> None:
    """Payouts of standard speed wait so long for company."""
    terms = world.settings.networks["bitcoin"].model_copy(
        update={"batch_seconds": BatchSettings(fast=0, standard=seconds)}
    )
    world.furnish(world.settings.model_copy(update={"networks": {**world.settings.networks, "bitcoin": terms}}))


async def test_the_first_one_waits_for_company_and_says_so(world: World) -> None:
    patient(world, 600)
    (first,) = await payouts(world, [stranger(1)])
    await queued(world)
    await work(world, 3)
    assert await world.standing(first) == ("queued", "awaiting_batch")
    assert await world.one("SELECT expected_by IS NOT NULL FROM withdrawals")
    version = await world.one("SELECT version FROM withdrawals")
    await work(world, 2)
    assert await world.one("SELECT version FROM withdrawals") == version, "said once"
    await world.sql("UPDATE withdrawals SET since = now() - interval '601 seconds'")
    (second,) = await payouts(world, [stranger(2)])
    await queued(world)
    await work(world, 3)
    assert await stand(world, [first, second]) == [("confirming", None)]
    assert len(world.bitcoin.node.submissions) == 1


async def test_with_too_little_money_those_that_fit_go_oldest_first(world: World) -> None:
    done = await payouts(world, [stranger(n) for n in range(4)])
    ((outpoint, coin),) = world.bitcoin.coins.items()
    world.bitcoin.coins[outpoint] = replace(coin, units=250_000)
    await queued(world)
    await work(world, 4)
    states = [await world.standing(one) for one in done]
    assert states == [("confirming", None)] * 2 + [("queued", "awaiting_liquidity")] * 2
    world.bitcoin.receive(coin.address, coin.units - 250_000, change=False)
    await work(world, 9, mine=1)
    assert await stand(world, done) == [("completed", None)]


async def test_what_no_node_relays_is_left_out_and_told_why(world: World) -> None:
    (dust,) = await payouts(world, [stranger(7)], each=200)
    good = await payouts(world, [stranger(n) for n in range(2)])
    await queued(world)
    await work(world, 4, mine=1)
    assert await world.standing(dust) == ("queued", "needs_operator")
    assert await world.one("SELECT detail FROM withdrawals WHERE id = :id", id=dust) == "less than the network relays"
    await work(world, 3, mine=1)
    assert await stand(world, good) == [("completed", None)]


async def test_a_denied_batch_is_halved_until_only_the_one_to_blame_waits(world: World) -> None:
    addresses = [stranger(n) for n in range(9)]
    world.signer.refused.add(addresses[4])
    await world.stock(BTC=1_000_000)
    for n in range(8):
        world.bitcoin.receive(world.bitcoin.hot_address, 400_000 + n, change=True)
    done = await payouts(world, addresses)
    await queued(world)
    await work(world, 8)
    denied = done.pop(4)
    assert await world.standing(denied) == ("queued", "needs_operator")
    assert await stand(world, done) == [("confirming", None)]
    assert len(await world.rows("SELECT 1 FROM withdrawal_events WHERE state = 'signing'")) == 9, "none went back"
    await work(world, 4, mine=1)
    assert await stand(world, done) == [("completed", None)]
    assert ("BTC", addresses[4], 100_000) not in world.bitcoin.node.paid


async def test_what_the_signer_knows_otherwise_does_not_stop_the_rest_of_its_batch(world: World) -> None:
    for _ in range(3):
        world.bitcoin.receive(world.bitcoin.hot_address, 900_000, change=True)
    done = await payouts(world, [stranger(n) for n in range(3)])
    world.signer.journal[str(done[0])] = [b"from before the backup was put back"]
    await queued(world)
    await work(world, 7)
    assert await world.standing(done[0]) == ("signing", "needs_operator")
    assert await stand(world, done[1:]) == [("confirming", None)]
    who = await world.one("SELECT user_id FROM withdrawals WHERE id = :id", id=done[0])
    assert who is not None


async def test_one_payout_of_a_batch_that_is_held_lets_the_others_go(world: World) -> None:
    for _ in range(2):
        world.bitcoin.receive(world.bitcoin.hot_address, 900_000, change=True)
    done = await payouts(world, [stranger(n) for n in range(3)])
    await queued(world)
    await world.turn()
    await intervene.hold(world.office, done[2], reason="looking", by="operator", now=utcnow())
    await work(world, 4)
    assert await stand(world, done[:2]) == [("confirming", None)]
    assert await world.standing(done[2]) == ("signing", "hold")


async def test_what_was_signed_before_a_crash_is_asked_for_again_and_never_split(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        world.bitcoin.receive(world.bitcoin.hot_address, 900_000, change=True)
    done = await payouts(world, [stranger(n) for n in range(3)])
    await queued(world)
    await world.turn()

    def end(point: str) -> None:
        if point == "P12.store:before":
            raise Killed

    monkeypatch.setattr(failpoints, "reach", end)
    with pytest.raises(Killed):
        await work(world, 1)
    monkeypatch.undo()
    await intervene.hold(world.office, done[2], reason="looking", by="operator", now=utcnow())
    await world.soon(leases=True)
    await work(world, 3)
    assert await world.rows("SELECT state, raw IS NOT NULL FROM attempts") == [("signed", True)]
    assert await world.standing(done[2]) == ("broadcasting", "hold")
    assert world.bitcoin.node.submissions == []
    await intervene.release(world.office, done[2], reason="fine", by="operator", now=utcnow())
    await work(world, 5, mine=1)
    assert await stand(world, done) == [("completed", None)]
    assert len(world.bitcoin.node.paid) == 3


async def test_a_signer_that_is_away_leaves_a_batch_that_can_be_parted(world: World) -> None:
    for _ in range(2):
        world.bitcoin.receive(world.bitcoin.hot_address, 900_000, change=True)
    done = await payouts(world, [stranger(n) for n in range(3)])
    await queued(world)
    world.signer.answer = Failed("it cannot be reached", written=False)
    await work(world, 2)
    world.signer.answer = None
    await intervene.hold(world.office, done[2], reason="looking", by="operator", now=utcnow())
    await work(world, 4)
    assert await stand(world, done[:2]) == [("confirming", None)]
    assert await world.standing(done[2]) == ("signing", "hold")


# --- dearer ----------------------------------------------------------------------------------------------------------


async def stuck(world: World, count: int = 2, **more: int) -> list[uuid.UUID]:
    """Sent at a price that nobody mines any more, longer ago than its speed promised."""
    done = await payouts(world, [stranger(n) for n in range(count)], **more)
    await queued(world)
    await work(world, 3)
    assert await stand(world, done) == [("confirming", None)]
    await world.sql("UPDATE attempts SET broadcast_at = now() - interval '1 hour'")
    return done


def dear(world: World, rate: int) -> None:
    """From now on so many sat/vB are asked for, and mined from."""
    world.bitcoin.rate = world.bitcoin.mined_from = rate
    world.spender.fees._known.clear()


async def test_a_payment_that_waits_too_long_is_replaced_by_a_dearer_one_with_its_coins(world: World) -> None:
    done = await stuck(world)
    first = world.bitcoin.node.mempool[0]
    dear(world, 20)
    await work(world, 4)
    assert await stand(world, done) == [("confirming", "replaced")]
    (second,) = world.bitcoin.node.mempool
    assert second != first
    await world.exact()
    await work(world, 4, mine=1)
    assert await stand(world, done) == [("completed", None)]
    assert await world.rows("SELECT state FROM attempts ORDER BY created_at") == [("replaced",), ("final",)]
    assert len(world.bitcoin.node.paid) == 2
    assert await world.balance(house("cost:network", "BTC")) == world.bitcoin.node.known[second]["fee"]
    await world.exact()


async def test_what_waits_no_longer_than_promised_or_would_not_be_faster_is_left_alone(world: World) -> None:
    await stuck(world)
    await work(world, 2)
    await world.sql("UPDATE attempts SET broadcast_at = now()")
    dear(world, 20)
    await work(world, 2)
    assert await world.one("SELECT count(*) FROM attempts") == 1


async def test_a_late_winner_takes_the_payouts_back(world: World) -> None:
    """The old one confirms after all: whichever is mined counts (rule 5)."""
    done = await stuck(world)
    (old,) = world.bitcoin.node.mempool
    tx = world.bitcoin.node.known[old]
    raw = world.bitcoin.node.submissions[0]
    dear(world, 20)
    await work(world, 4)
    (new,) = world.bitcoin.node.mempool
    # A miner had kept the first one.
    world.bitcoin.evict(new)
    world.bitcoin.rate = world.bitcoin.mined_from = 0
    assert txid_of(raw) == old
    await world.bitcoin.submit(raw)
    world.bitcoin.mine()
    await work(world, 4, mine=1)
    assert await stand(world, done) == [("completed", None)]
    assert await world.rows("SELECT state, txid FROM attempts ORDER BY created_at") == [
        ("final", old),
        ("replaced", new),
    ]
    assert await world.balance(house("cost:network", "BTC")) == tx["fee"]
    assert len(world.bitcoin.node.paid) == 2
    await world.exact()


async def test_a_reorg_of_the_winner_reopens_the_race(world: World) -> None:
    done = await stuck(world)
    dear(world, 20)
    await work(world, 4)
    world.bitcoin.mine(1)
    await world.turn()
    assert await world.one("SELECT count(*) FROM attempts WHERE state = 'mined'") == 1
    block = world.bitcoin.node.blocks.pop()
    world.bitcoin.node.mempool += block.txids
    world.bitcoin.node.paid.clear()
    world.bitcoin.node.branch += 1
    await world.turn()
    assert await stand(world, done) == [("confirming", "reorged")]
    await world.exact()
    await work(world, 4, mine=1)
    assert await stand(world, done) == [("completed", None)]
    assert len(world.bitcoin.node.paid) == 2


@pytest.mark.slow
async def test_what_was_agreed_bounds_every_bump_and_the_end_of_it_is_said(world: World) -> None:
    done = await stuck(world)
    dear(world, 2_000)  # the bound is 100,000 sat a payout
    await work(world, 3)
    assert await world.one("SELECT count(*) FROM attempts") == 1
    assert await stand(world, done) == [("confirming", "slower_than_usual")]
    dear(world, 20)
    await work(world, 2)
    assert await world.one("SELECT count(*) FROM attempts") == 1, "no more by itself"
    await intervene.bump(world.office, done[0], rate=0)
    await work(world, 8, mine=1)
    assert await stand(world, done) == [("completed", None)], "a person may try again"


async def test_an_operator_may_ask_for_a_dearer_one_only_while_it_waits_for_a_block(world: World) -> None:
    done = await payouts(world, [stranger(1)])
    await refused(Kind.CONFLICT, intervene.bump(world.office, done[0], rate=9))
    await queued(world)
    await work(world, 3)
    await refused(Kind.CONFLICT, intervene.bump(world.office, done[0], rate=501))
    await intervene.bump(world.office, done[0], rate=9)
    await work(world, 4)
    assert [world.bitcoin.node.known[one]["rate"] for one in world.bitcoin.node.mempool] == [9]
    await work(world, 3, mine=1)
    assert await stand(world, done) == [("completed", None)]
    await refused(Kind.CONFLICT, intervene.bump(world.office, done[0], rate=9))


async def test_a_bump_that_the_signer_denies_leaves_the_first_one_alive(world: World) -> None:
    done = await stuck(world)
    dear(world, 20)
    world.signer.answer = Denied("over_hourly", "too much this hour", signed=True)
    await work(world, 3)
    assert await world.rows("SELECT state FROM attempts ORDER BY created_at") == [("seen",), ("dropped",)]
    assert await stand(world, done) == [("confirming", "slower_than_usual")]
    dear(world, 2)
    await work(world, 3, mine=1)
    assert await stand(world, done) == [("completed", None)]


async def test_change_that_pays_somebody_else_is_never_replaced_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second payment hangs on the first one's change: replacing the first would take the second with it."""
    done = await stuck(world, 1)
    more = await payouts(world, [stranger(9)], each=300_000)
    (paid,) = [one for one in world.bitcoin.coins if world.bitcoin.coins[one].change]
    for one in [one for one in world.bitcoin.coins if one != paid]:
        world.bitcoin.coins.pop(one)
    await queued(world)
    await work(world, 3)
    assert await stand(world, more) == [("confirming", None)]
    funded: list[str] = []
    fund = world.bitcoin.fund

    async def counted(recipients: Sequence[tuple[str, int]], *rest: Any) -> Funded:
        funded.extend(address for address, _ in recipients)
        return await fund(recipients, *rest)

    monkeypatch.setattr(world.bitcoin, "fund", counted)
    dear(world, 20)
    await world.sql("UPDATE attempts SET broadcast_at = now() - interval '1 hour'")
    await work(world, 4)
    sizes = await world.rows("SELECT count(*) FROM attempts GROUP BY set_id ORDER BY min(created_at)")
    assert sizes[0] == (1,), "the parent stays"
    assert set(funded) == {stranger(9)}, "nor does the node choose coins for it at every look"
    assert await stand(world, done) == [("confirming", None)]


async def test_coins_that_somebody_else_spent_for_good_give_the_payouts_back_to_a_person(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = await payouts(world, [stranger(n) for n in range(2)])
    await queued(world)
    await work(world, 3)
    depth = 5

    async def conflicted(txid: str, asset: str) -> Sighting:
        return Sighting(Fate.CONFLICTED, -depth)

    monkeypatch.setattr(world.bitcoin, "sighting", conflicted)
    await work(world, 2)
    assert await stand(world, done) == [("confirming", "needs_operator")], "five blocks prove nothing"
    depth = 6
    await work(world, 1)
    assert await stand(world, done) == [("queued", "needs_operator")]
    assert await world.rows("SELECT 1 FROM reserved_inputs WHERE released_at IS NULL") == []
    monkeypatch.undo()
    await work(world, 2)
    assert await world.one("SELECT count(*) FROM attempts") == 1, "a person releases it first"
    await intervene.release(world.office, done[0], reason="found out", by="operator", now=utcnow())
    world.signer.journal.clear()
    world.bitcoin.forget()
    await work(world, 3)
    assert (await world.standing(done[0]))[0] == "confirming"


# --- EVM -------------------------------------------------------------------------------------------------------------


async def tokens(world: World, count: int) -> list[uuid.UUID]:
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    people = [await world.someone(USDT=26_000_000) for _ in range(count)]
    return [await world.verified(who) for who in people]


async def test_a_transaction_that_is_too_cheap_is_replaced_at_its_nonce_with_both_fees_up(world: World) -> None:
    (done,) = await tokens(world, 1)
    await work(world, 5)
    assert await world.standing(done) == ("confirming", None)
    await world.sql("UPDATE attempts SET broadcast_at = now() - interval '1 hour'")
    world.evm.price = 3 * world.evm.price
    world.spender.fees._known.clear()
    await work(world, 4)
    assert await world.standing(done) == ("confirming", "replaced")
    first, second = await world.rows(
        "SELECT (plan->>'max_fee_per_gas')::bigint, (plan->>'max_priority_fee_per_gas')::bigint FROM attempts"
        " ORDER BY created_at"
    )
    assert all(8 * new >= 9 * old for old, new in zip(first, second, strict=True))
    await work(world, 4, mine=1)
    assert await world.standing(done) == ("completed", None)
    assert world.evm.node.paid == [("USDT", STRANGER, 25_000_000)]
    assert await world.rows("SELECT nonce FROM attempt_sets") == [(0,)]


@pytest.mark.slow
async def test_no_more_than_sixteen_transactions_of_an_account_wait_for_a_block(world: World) -> None:
    done = await tokens(world, 18)
    await work(world, 6)
    assert await world.one("SELECT count(*) FROM attempt_sets") == 16
    assert await stand(world, done) == [("confirming", None), ("queued", "awaiting_batch")]
    await work(world, 9, mine=1)
    assert await stand(world, done) == [("completed", None)]
    nonces = [row[0] for row in await world.rows("SELECT nonce FROM attempt_sets ORDER BY nonce")]
    assert nonces == list(range(18))
    await world.exact()


async def test_a_nonce_that_somebody_else_used_for_good_gives_the_payout_back_to_a_person(world: World) -> None:
    (done,) = await tokens(world, 1)
    await work(world, 5)
    world.evm.node.forget()
    world.evm.nonce = 1
    await work(world, 2)
    assert await world.standing(done) == ("confirming", "needs_operator"), "not deep enough yet"
    world.evm.used_deep = 1
    await work(world, 1)
    assert await world.standing(done) == ("queued", "needs_operator")
    assert await world.rows("SELECT outcome FROM attempt_sets") == [("dropped",)]
    await work(world, 2)
    assert await world.one("SELECT count(*) FROM attempts") == 1, "not silently paid again"


async def test_two_workers_at_once_make_one_set(world: World) -> None:
    done = await payouts(world, [stranger(n) for n in range(4)])
    await queued(world)
    for _ in range(6):
        await asyncio.gather(world.turn(), world.turn())
        world.bitcoin.mine()
    assert await stand(world, done) == [("completed", None)]
    assert await world.one("SELECT count(*) FROM attempt_sets WHERE outcome = 'final'") == 1
    assert len(world.bitcoin.node.paid) == 4
    assert audit.TRIES == 1
    assert BITCOIN_STRANGER not in {address for _, address, _ in world.bitcoin.node.paid}
