"""Books against the signer's memory: whatever the signer signed and they do not know stops everything."""

from typing import Any

import pytest

from tests.transactions.test_safety import paid_before_the_backup_was_put_back, ready
from tests.transactions.world import World
from tidegate.compliance import pause
from tidegate.signing.messages import Failed, SignedLately
from tidegate.transactions import compare, intervene, payouts
from tidegate.treasury import underway

NETWORKS = ["bitcoin", "ethereum"]


async def look(world: World) -> int:
    return await compare.compare(world.db, world.signer, NETWORKS)


async def test_at_no_step_of_a_payout_does_the_signer_know_more_than_the_books(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also not when its answer was lost, nor for the dearer one that takes its place."""
    _, done = await ready(world)
    world.signer.loses_answers = 2

    sign = world.signer.sign_evm

    async def looked_at(*payout: object, **fields: object) -> object:
        answer = await sign(*payout, **fields)  # type: ignore[arg-type]  # passed on as it came
        assert await look(world) == 0, "signed and not stored"
        return answer

    monkeypatch.setattr(world.signer, "sign_evm", looked_at)
    for _ in range(8):
        await world.turn()
        assert await look(world) == 0
    await intervene.bump(world.office, done, rate=400)
    for _ in range(4):
        await world.turn()
        assert await look(world) == 0
    assert await world.one("SELECT count(*) FROM attempts WHERE txid IS NOT NULL") == 2
    await world.until(done, "completed")
    assert await look(world) == 0


async def test_what_the_books_do_not_know_stops_everything_and_is_not_forgotten_by_going_on(world: World) -> None:
    _, done = await ready(world)
    await world.until(done, "queued")
    await paid_before_the_backup_was_put_back(world, done, nonce=0)
    assert await look(world) == 1
    ((by, reason),) = await world.rows("SELECT by, reason FROM pauses WHERE asset = '*'")
    assert (by, reason) == (
        "tidegate",
        "The signer signed 1 transaction that the books do not know: compare them (`tidegate treasury compare`).",
    )
    for _ in range(3):
        await world.turn(mine=1)
    assert await world.standing(done) == ("queued", "needs_operator")
    await pause.resume(world.db, asset="*", by="somebody in a hurry")
    assert await look(world) == 1
    assert await world.one("SELECT by FROM pauses WHERE asset = '*'") == "tidegate"


async def test_a_payout_that_the_signer_was_never_asked_for_excuses_nothing(world: World) -> None:
    """The copy is of the moment between choice and signature; what was signed then paid otherwise."""
    _, done = await ready(world)
    await world.until(done, "signing")
    await paid_before_the_backup_was_put_back(world, done, nonce=7)
    assert await look(world) == 1


async def test_a_signer_that_cannot_be_asked_stops_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, done = await ready(world)
    await world.until(done, "queued")
    await paid_before_the_backup_was_put_back(world, done, nonce=0)

    async def away() -> SignedLately | Failed:
        return Failed("it cannot be reached", written=False)

    monkeypatch.setattr(world.signer, "signed_lately", away)
    assert await look(world) == 0
    assert await world.rows("SELECT 1 FROM pauses") == []


async def test_bytes_that_are_stored_while_the_books_are_looked_through_are_known(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not there at the first look and not asked for any more at the second."""
    _, done = await ready(world)
    await world.until(done, "signing")
    world.signer.loses_answers = 1
    await payouts.sign_step(world.office, world.spender)
    asked_for = underway._asked_for

    async def late(*args: Any) -> bool:
        await world.soon()
        assert await payouts.sign_step(world.office, world.spender) == 1
        return await asked_for(*args)

    monkeypatch.setattr(underway, "_asked_for", late)
    assert await compare.unknown(world.db, world.signer, ["ethereum"]) == []
    assert await world.standing(done) == ("broadcasting", None)
