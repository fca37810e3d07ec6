"""What waits for blocks is looked at when one came, and not before its beat otherwise."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import text

from tests.treasury.test_treasury import made
from tidegate.chains.port import NodeUnavailable, Tip
from tidegate.database import Database, utcnow
from tidegate.treasury import blocks


class Chain:
    """As much of a chain as is asked here."""

    compared = False

    def __init__(self) -> None:
        self.at: Tip | None = Tip(7, "aa")

    async def tip(self) -> Tip:
        if self.at is None:
            raise NodeUnavailable("silent")
        return self.at


async def due(db: Database) -> datetime:
    async with db.reading() as session:
        found: datetime = (await session.execute(text("SELECT due_at FROM attempt_sets"))).scalar_one()
    return found


@pytest.fixture
async def waiting(db: Database) -> tuple[Any, Chain, datetime]:
    """A set that waits for a block, its chain, and when it is due by itself."""
    later = utcnow() + timedelta(hours=1)
    await made(db)
    async with db.transaction() as session:
        await session.execute(text("UPDATE attempt_sets SET stage = 'confirming', due_at = :due"), {"due": later})
    chain = Chain()
    return SimpleNamespace(db=db, chains={"ethereum": chain}), chain, later


async def test_a_new_block_makes_what_waits_due_and_the_same_one_does_not(
    db: Database, waiting: tuple[Any, Chain, datetime]
) -> None:
    spender, chain, later = waiting
    now = utcnow()
    await blocks.wake(spender, now=now)
    assert await due(db) == now  # who starts looks at everything
    async with db.transaction() as session:
        await session.execute(text("UPDATE attempt_sets SET due_at = :due"), {"due": later})
    await blocks.wake(spender, now=now)
    assert await due(db) == later
    chain.at = Tip(7, "bb")  # another block at the same height
    await blocks.wake(spender, now=now)
    assert await due(db) == now


async def test_a_silent_node_wakes_nothing(db: Database, waiting: tuple[Any, Chain, datetime]) -> None:
    spender, chain, later = waiting
    chain.at = None
    await blocks.wake(spender, now=utcnow())
    assert await due(db) == later


def test_what_another_node_or_nobody_may_tell_is_asked_for_sooner() -> None:
    chain = Chain()
    assert blocks.pause_of(cast(Any, chain), known=True) == blocks.BEAT
    assert blocks.pause_of(cast(Any, chain), known=False) == blocks.POLL
    chain.compared = True
    assert blocks.pause_of(cast(Any, chain), known=True) == blocks.POLL
