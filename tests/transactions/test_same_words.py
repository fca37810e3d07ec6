"""Where a withdrawal stands is told by one function: the API, the history, the stream, webhooks and the page say the same."""

import json
import re
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.transactions.world import World
from tidegate.notices.log import change
from tidegate.outbox import log as outbox
from tidegate.transactions import history, intervene, store, withdraw
from tidegate.transactions.rules import State
from tidegate.webhooks import rules as webhooks
from tidegate.wire import Waiting

FIELDS = ("state", "sub_status", "waiting_for", "since", "expected_by", "can_cancel")


async def tellings(world: World, user_id: uuid.UUID, withdrawal_id: uuid.UUID) -> dict[str, dict[str, Any]]:
    """The six fields as each of them puts them on the wire, at the newest version."""
    whole = await history.withdrawal(world.office, user_id=user_id, withdrawal_id=withdrawal_id)
    page = await history.page(
        world.office, user_id=user_id, limit=5, before=None, kind="withdrawal", asset=None, reference=None
    )
    (line,) = [one for one in page.items if one.id == withdrawal_id]
    async with world.db.reading() as session:
        entries = await outbox.after(session, user_id=user_id, sequence=0, limit=200)
    last = [one for one in entries if one.object_id == withdrawal_id][-1]
    body = json.loads(
        webhooks.payload(
            kind=last.kind,
            object_id=last.object_id,
            version=last.version,
            sequence=last.sequence,
            at=last.at,
            standing=last.standing,
        )
    )
    told = {
        "api": whole.model_dump(mode="json"),
        "history": line.model_dump(mode="json"),
        "stream": change(last).model_dump(mode="json")["standing"],
        "webhook": body["data"]["standing"],
    }
    return {name: {field: one[field] for field in FIELDS} for name, one in told.items()}


async def test_api_history_stream_and_webhook_say_the_same_at_every_step_of_its_way(world: World) -> None:
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    who = await world.someone(USDT=26_000_000)
    done = await world.asked(who)
    seen = set()

    async def same() -> None:
        told = await tellings(world, who.id, done)
        assert told["history"] == told["stream"] == told["webhook"] == told["api"]
        seen.add((told["api"]["state"], told["api"]["sub_status"]))

    await same()
    await intervene.hold(world.office, done, reason="a look", by="olga", now=datetime.now(UTC))
    await same()
    await intervene.release(world.office, done, reason="seen", by="olga", now=datetime.now(UTC))
    await world.verify(who, done)
    await same()
    while (await world.standing(done))[0] != "completed":
        await world.turn(mine=1)
        await same()
    assert {("pending_verification", "hold"), ("pending_screening", None), ("completed", None)} <= seen
    assert len(seen) >= 6


async def test_what_a_conversion_owes_and_nothing_covers_waits_for_the_venue(world: World) -> None:
    who = await world.someone(BTC=10_000_000)
    done = await world.verified(who, "USDT", paying="BTC")
    await world.until(done, "queued", "awaiting_liquidity")
    told = await tellings(world, who.id, done)
    assert {one["waiting_for"] for one in told.values()} == {"venue"}
    assert {one["sub_status"] for one in told.values()} == {"awaiting_liquidity"}


@pytest.mark.parametrize("state", ["signing", "broadcasting", "confirming", "completed"])
async def test_why_it_cannot_be_cancelled_any_more_is_said_with_the_time(world: World, state: str) -> None:
    await world.stock(USDT=1_000_000_000, ETH=10**18)
    who = await world.someone(USDT=26_000_000)
    done = await world.verified(who)
    await world.until(done, state)
    async with world.db.reading() as session:
        events = await store.events(session, done)
    said = withdraw.too_late(State(state), events)
    if state == "signing":
        assert said.startswith("It is being signed just now")
        return
    entered = {one.state: one.at for one in events}
    word = "already signed at" if state != "completed" else "already completed at"
    at = entered["completed" if state == "completed" else "broadcasting"]
    assert f"{word} {at.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}" in said


def test_the_page_takes_them_from_the_api_as_they_are() -> None:
    """The page computes none of the six: its client's type has them all, and no file of it assigns one."""
    source = Path(__file__).parents[2] / "frontend" / "src"
    types = (source / "client" / "types.gen.ts").read_text()
    found = re.search(r"export type WithdrawalOut = \{.*?\n\};", types, re.S)
    assert found is not None
    assert all(re.search(rf"^    {field}: ", found[0], re.M) for field in FIELDS)
    assert set(FIELDS) == set(Waiting.model_fields)
    for file in (source / "transactions").glob("*.ts*"):
        if ".test." not in file.name:
            assert not re.search(r"\b(sub_status|waiting_for|expected_by|can_cancel)\s*=[^=]", file.read_text()), (
                file.name
            )
