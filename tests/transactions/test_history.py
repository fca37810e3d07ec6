"""One history of everything, one withdrawal whole; nobody sees another's."""

import uuid

from tests.transactions.test_request import refused
from tests.transactions.world import STRANGER, Someone, World
from tidegate.refusal import Kind
from tidegate.transactions import history
from tidegate.transactions.schemas import TransactionOut
from tidegate.wire import Page, decode_cursor


async def page(world: World, who: Someone, cursor: str | None = None, **more: object) -> Page[TransactionOut]:
    asked = {"limit": 50, "kind": None, "asset": None, "reference": None, **more}
    return await history.page(world.office, user_id=who.id, before=decode_cursor(cursor), **asked)  # type: ignore[arg-type]  # one test's filters


async def test_a_withdrawal_shows_its_attempt_its_depth_and_every_step(world: World) -> None:
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    who = await world.someone(USDT=100_000_000)
    done = await world.verified(who)
    await world.until(done, "completed")
    shown = await history.withdrawal(world.office, user_id=who.id, withdrawal_id=done)
    (attempt,) = shown.attempts
    assert (attempt.state, attempt.confirmations_required) == ("final", 3)
    assert attempt.confirmations >= 3
    assert attempt.txid in world.evm.node.known
    assert (shown.waiting_for, shown.can_cancel, shown.challenge) == (None, False, None)
    assert [event.state for event in shown.events][-1] == "completed"
    assert shown.completed_at is not None
    assert [(line.kind, line.amount.amount) for line in shown.fees] == [("network", "1.000000")]


async def test_somebody_elses_withdrawal_is_not_shown(world: World) -> None:
    who, other = await world.someone(USDT=100_000_000), await world.someone()
    asked = await world.asked(who)
    await refused(Kind.NOT_FOUND, history.withdrawal(world.office, user_id=other.id, withdrawal_id=asked))
    assert (await page(world, other)).items == []


async def test_pages_show_every_line_once_newest_first(world: World) -> None:
    who = await world.someone(USDT=1_000_000_000, BTC=1_000_000)
    made = [await world.asked(who) for _ in range(3)]
    made.append(await world.verified(who, paying="BTC", fee=100))
    seen: list[uuid.UUID] = []
    cursor = None
    while True:
        found = await page(world, who, cursor, limit=2)
        seen += [line.id for line in found.items]
        cursor = found.next_cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen))
    assert [one for one in seen if one in made] == made[::-1]


async def test_filters_name_a_kind_an_asset_or_the_callers_reference(world: World) -> None:
    who = await world.someone(USDT=1_000_000_000, BTC=1_000_000)
    await world.request(who, await world.offer(who), reference="rent")
    both = await world.verified(who, paying="BTC", fee=100)
    (line,) = (await page(world, who, reference="rent")).items
    assert (line.kind, line.address, line.reference) == ("withdrawal", STRANGER, "rent")
    assert both in [line.id for line in (await page(world, who, asset="BTC", kind="withdrawal")).items]
    assert len((await page(world, who, asset="USDT", kind="withdrawal")).items) == 2
    assert (await page(world, who, kind="deposit")).items == []
