"""Nonces: signed in their order, and never left empty below what was sent."""

import uuid
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from tests.transactions.test_sets import tokens, work
from tests.transactions.world import STRANGER, World
from tidegate.database import utcnow
from tidegate.signing.messages import Denied, Failed
from tidegate.transactions import intervene, payouts
from tidegate.treasury import store, underway


async def hold(world: World, withdrawal_id: uuid.UUID) -> None:
    await intervene.hold(world.office, withdrawal_id, reason="looking", by="operator", now=utcnow())


async def nonces(world: World) -> list[tuple[int, str | None]]:
    return [(row[0], row[1]) for row in await world.rows("SELECT nonce, outcome FROM attempt_sets ORDER BY nonce")]


async def reserved(world: World, count: int) -> list[uuid.UUID]:
    """So many payouts with a nonce each, that nobody was asked to sign; in the order of their nonces."""
    await tokens(world, count)
    await work(world, 2)
    rows = await world.rows("SELECT p.payout_id FROM set_payouts p JOIN attempt_sets s ON s.id = set_id ORDER BY nonce")
    assert [await world.standing(row[0]) for row in rows] == [("signing", None)] * count
    return [row[0] for row in rows]


async def test_payouts_that_are_due_together_are_reserved_in_one_go_the_oldest_lowest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for module, name in ((underway, "committed_gas"), (store, "unmined"), (store, "lock_wallet")):
        real = getattr(module, name)

        async def counted(*rest: Any, real: Any = real, name: str = name) -> Any:
            asked.append(name)
            return await real(*rest)

        monkeypatch.setattr(module, name, counted)
    done = await tokens(world, 4)
    await work(world, 2)
    assert sorted(asked) == ["committed_gas", "lock_wallet", "unmined"]
    rows = await world.rows("SELECT p.payout_id FROM set_payouts p JOIN attempt_sets s ON s.id = set_id ORDER BY nonce")
    assert [row[0] for row in rows] == done


@pytest.mark.slow
async def test_one_payout_that_cannot_be_reserved_does_not_keep_the_others(world: World) -> None:
    gas_for, done = world.evm.gas_for, await tokens(world, 3)
    seen: list[int] = []

    async def fails(asset: str, address: str, units: int) -> int:
        seen.append(units)
        if len(seen) == 2:
            raise RuntimeError("a fault of ours")
        return await gas_for(asset, address, units)

    world.evm.gas_for = fails  # type: ignore[method-assign]
    await work(world, 2)
    assert [(await world.standing(one))[0] for one in done] == ["signing", "queued", "signing"]
    for one in done:
        await world.until(one, "completed")


# --- in order --------------------------------------------------------------------------------------------------------


async def test_a_nonce_is_not_signed_before_the_one_below_it(world: World) -> None:
    first, second = await reserved(world, 2)
    await world.sql("UPDATE attempt_sets SET due_at = now() + interval '1 hour' WHERE nonce = 0")
    await payouts.sign_step(world.office, world.spender)
    assert world.signer.asked == 0
    await world.soon()
    await payouts.sign_step(world.office, world.spender)
    assert world.signer.asked == 2, "one after the other, in one round"
    for one in (first, second):
        await world.until(one, "completed")


@pytest.mark.slow
async def test_a_signer_that_gives_no_answer_to_one_is_not_asked_for_the_next(world: World) -> None:
    first, second = await reserved(world, 2)
    world.signer.loses_answers = 1
    await world.turn()
    assert world.signer.asked == 1
    assert await world.standing(second) == ("signing", None)
    await world.until(second, "completed")
    await world.until(first, "completed")
    assert await nonces(world) == [(0, "final"), (1, "final")]


async def test_what_stands_above_a_denied_nonce_takes_it(world: World) -> None:
    """The lowest is denied: the ones above it move down, and nothing waits for a payout that may never come."""
    first, second, third = await reserved(world, 3)
    denied = await world.one("SELECT address FROM withdrawals WHERE id = :id", id=first)
    assert denied == STRANGER
    sign = world.signer.sign_evm

    async def denies(intent, authorisation, **rest):  # type: ignore[no-untyped-def]  # the door's own
        if intent.payout_id == str(first):
            return Denied("above_cap", "above the largest payout")
        return await sign(intent, authorisation, **rest)

    world.signer.sign_evm = denies  # type: ignore[method-assign]
    for _ in range(6):
        await world.turn()
    assert await world.standing(first) == ("queued", "needs_operator")
    sent = await world.rows("SELECT nonce FROM attempt_sets WHERE outcome IS NULL ORDER BY nonce")
    assert sent == [(0,), (1,)]
    for one in (second, third):
        await world.until(one, "completed")
    assert len(world.evm.node.paid) == 2
    await world.exact()


@pytest.mark.slow
async def test_a_nonce_that_somebody_else_used_is_no_gap(world: World) -> None:
    (first,) = await reserved(world, 1)
    await world.turn()
    await world.turn()
    world.evm.node.forget()
    world.evm.nonce = world.evm.used_deep = 1
    await world.until(first, "queued", "needs_operator")
    (second,) = await tokens(world, 1)
    await world.until(second, "completed")
    assert await nonces(world) == [(0, "dropped"), (1, "final")]


# --- filled ----------------------------------------------------------------------------------------------------------


async def blocked(world: World) -> tuple[uuid.UUID, uuid.UUID]:
    """The first payout is signed and held, never sent; the second was sent behind it, long ago."""
    first, second = await reserved(world, 2)
    await world.turn()
    await hold(world, first)
    await world.turn()
    assert await world.standing(first) == ("broadcasting", "hold")
    await world.turn(mine=2)
    assert await world.standing(second) == ("confirming", None)
    assert world.evm.node.paid == []
    return first, second


async def long_ago(world: World) -> None:
    await world.sql("UPDATE attempts SET broadcast_at = now() - interval '1 hour' WHERE broadcast_at IS NOT NULL")


async def test_a_stopped_payouts_nonce_is_filled_when_others_wait_behind_it(world: World) -> None:
    first, second = await blocked(world)
    await long_ago(world)
    await work(world, 4)
    await world.exact()
    world.evm.mine(1)
    await world.exact()  # the nonce is filled, in a block, and nothing is settled
    await work(world, 4, mine=1)
    assert await world.standing(second) == ("completed", None)
    assert (await world.standing(first))[0] == "broadcasting", "a reorganisation may yet take it back"
    await world.exact()
    world.evm.mine(20)
    await work(world, 2)
    assert await world.standing(first) == ("queued", "needs_operator")
    assert await nonces(world) == [(0, "reverted"), (1, "final")]
    states = await world.rows(
        "SELECT state, plan ? 'cancel' FROM attempts a JOIN attempt_sets s ON s.id = set_id WHERE nonce = 0"
        " ORDER BY a.created_at"
    )
    assert states == [("replaced", False), ("reverted", True)]
    assert [one for one in world.evm.node.paid if one[2]] == [("USDT", STRANGER, 25_000_000)]
    await world.exact()
    # Nothing of it can be mined any more: it may be ended, and the money is its owner's again.
    await intervene.reject(world.office, first, reason="not wanted", by="operator", now=utcnow())
    who = await world.one("SELECT user_id FROM withdrawals WHERE id = :id", id=first)
    assert await world.available(who, "USDT") == (26_000_000, 0)
    await world.exact()


@pytest.mark.slow
async def test_a_stopped_payout_keeps_its_place_while_nobody_waits_long_behind_it(world: World) -> None:
    first, second = await blocked(world)
    await work(world, 3)
    assert await world.one("SELECT count(*) FROM attempts") == 2
    await intervene.release(world.office, first, reason="fine", by="operator", now=utcnow())
    for one in (first, second):
        await world.until(one, "completed")
    assert len(world.evm.node.paid) == 2


async def test_a_crash_or_a_silent_signer_only_puts_the_filling_off(world: World) -> None:
    first, second = await blocked(world)
    await long_ago(world)
    world.signer.answer = Failed("it cannot be reached", written=False)
    await work(world, 3)
    assert await world.one("SELECT count(*) FROM attempts") == 3
    world.signer.answer = None
    world.evm.node.answers_lost = 1
    await work(world, 3)
    await world.until(second, "completed")
    world.evm.mine(20)
    await world.until(first, "queued", "needs_operator")
    await world.exact()


async def test_a_signer_that_denies_the_filling_leaves_the_payout_as_it_was(world: World) -> None:
    first, second = await blocked(world)
    await long_ago(world)
    world.signer.answer = Denied("over_daily", "too much today", signed=True)
    await work(world, 5)
    world.signer.answer = None
    assert await world.standing(first) == ("broadcasting", "hold")
    assert await world.one("SELECT stage FROM attempt_sets WHERE nonce = 0") == "broadcasting"
    await intervene.release(world.office, first, reason="fine", by="operator", now=utcnow())
    for one in (first, second):
        await world.until(one, "completed")
    await world.exact()


async def test_a_payment_that_is_mined_although_its_nonce_was_to_be_filled_counts(world: World) -> None:
    """Its bytes left this house by another way: whichever member is mined wins (rule 5)."""
    first, second = await blocked(world)
    await long_ago(world)
    await work(world, 2)
    raw = await world.one(
        "SELECT raw FROM attempts a JOIN attempt_sets s ON s.id = set_id WHERE nonce = 0 AND NOT plan ? 'cancel'"
    )
    world.evm.node.forget()
    await world.evm.submit(bytes(raw))
    world.evm.mine(1)
    await intervene.release(world.office, first, reason="fine", by="operator", now=utcnow())
    for one in (first, second):
        await world.until(one, "completed")
    assert len(world.evm.node.paid) == 2
    await world.exact()


async def test_what_fills_a_nonce_can_be_no_payment_whatever_is_written(world: World) -> None:
    await blocked(world)
    await long_ago(world)
    await work(world, 1)
    with pytest.raises(IntegrityError, match="cancel_is_no_payment"):
        await world.sql("UPDATE attempts SET state = 'final', raw = 'x', txid = 'x' WHERE plan ? 'cancel'")
    with pytest.raises(IntegrityError, match="uq_attempts_unsent_cancel"):
        await world.sql(
            "INSERT INTO attempts (id, set_id, network, state, plan, confirmations, created_at)"
            " SELECT :id, set_id, network, 'built', plan, 0, now() FROM attempts WHERE plan ? 'cancel'",
            id=uuid.uuid4(),
        )
