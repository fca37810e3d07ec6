"""Riders of the wallets room that travel together: debts and paid addresses are counted for each."""

import asyncio

from sqlalchemy import text

from tests.wallets.world import a_user
from tidegate.database import Database, utcnow
from tidegate.ledger.lane import Lane
from tidegate.wallets import deposit_store, sent_to


async def test_every_payment_to_an_address_counts(db: Database, lane: Lane) -> None:
    user, now = await a_user(db), utcnow()
    paid = ["0xaa", "0xbb", "0xaa", "0xaa"]
    for _ in range(2):
        verdicts = await asyncio.gather(
            *(lane.write([sent_to.rider(user_id=user, network="ethereum", address=one, at=now)]) for one in paid)
        )
        assert all(verdict.posted for verdict in verdicts)
    async with db.reading() as session:
        rows = await session.execute(text("SELECT address, times FROM sent_to WHERE first_at = last_at"))
        assert {row[0]: row[1] for row in rows} == {"0xaa": 6, "0xbb": 2}


async def test_debts_add_up_and_of_two_that_saw_the_same_debt_one_lowers_it(db: Database, lane: Lane) -> None:
    ana, ben = await a_user(db), await a_user(db)
    owed = [(ana, 10**30), (ben, 7), (ana, 1)]
    riders = [deposit_store.owe(user_id=user, asset="ETH", units=units) for user, units in owed]
    assert all(verdict.posted for verdict in await asyncio.gather(*(lane.write([one]) for one in riders)))
    lower = [
        deposit_store.repay(user_id=ana, asset="ETH", before=10**30 + 1, units=1),
        deposit_store.repay(user_id=ben, asset="ETH", before=7, units=7),
        deposit_store.repay(user_id=ana, asset="ETH", before=10**30 + 1, units=1),
    ]
    verdicts = await asyncio.gather(*(lane.write([one]) for one in lower))
    assert sorted(verdict.rider or "" for verdict in verdicts) == ["", "", "receivable"]
    async with db.reading() as session:
        assert [await deposit_store.owed(session, user_id=user, asset="ETH") for user in (ana, ben)] == [10**30, 0]
