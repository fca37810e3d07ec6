"""Two workers' real processes, one of them stopped in the middle of its work (SIGSTOP) until its leases are over and the
other one has taken its work over; then it goes on where it stood (SIGCONT). It must write nothing of what it holds no
more, and every payout is made once. Real nodes, a real signer.

Who holds what is written down by triggers of this test alone: each worker has a login of its own, the holder of a row is
whoever raised its fence last, and every write to what belongs to that row is compared with it.
TIDEGATE_SPLIT_ROUNDS says how often.
"""

import asyncio
import os
import random
import signal
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from eth_account import Account

from tests.chains import working as workers
from tests.chains.conftest import House, bitcoin_node, evm_node, house
from tests.chains.spending import RealWorld
from tests.chains.table import table
from tests.chains.working import Worker, working
from tests.conftest import PASSWORD, ROLES, on_database
from tidegate.outbox.events import WORK

__all__ = ["bitcoin_node", "evm_node", "house"]

ROUNDS = int(os.environ.get("TIDEGATE_SPLIT_ROUNDS", "2"))
SEED = int(os.environ.get("TIDEGATE_SEED", "1"))
STEPS = "prepare,screen,approve,reserve,sign,broadcast,confirm"
UNITS = 1_000_000
SECONDS = 120
NAMES = ("split_a", "split_b")

WATCHED = """
CREATE TABLE fence_holders (id uuid PRIMARY KEY, who name NOT NULL);
CREATE TABLE fence_writes (who name NOT NULL, holder name NOT NULL, relation name NOT NULL, id uuid NOT NULL);
CREATE FUNCTION fence_write(relation name, row_id uuid) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
    INSERT INTO fence_writes SELECT session_user, who, relation, id FROM fence_holders
    WHERE id = row_id AND session_user LIKE 'split\\_%'
$$;
CREATE FUNCTION fence_watch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    before jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE to_jsonb(OLD) END;
    after jsonb := to_jsonb(NEW);
    paid uuid;
BEGIN
    IF TG_TABLE_NAME IN ('attempts', 'set_payouts', 'reserved_inputs') THEN
        PERFORM fence_write(TG_TABLE_NAME, (after->>'set_id')::uuid);
    ELSIF TG_OP = 'INSERT' OR (after->>'fence')::bigint > (before->>'fence')::bigint THEN
        INSERT INTO fence_holders VALUES (NEW.id, session_user) ON CONFLICT (id) DO UPDATE SET who = session_user;
    ELSIF before - 'due_at' = after - 'due_at' THEN
        NULL;  -- whoever has seen a block may say that it is time to look
    ELSIF TG_TABLE_NAME = 'attempt_sets' OR before->>'state' IN ('pending_screening', 'pending_approval', 'queued') THEN
        PERFORM fence_write(TG_TABLE_NAME, NEW.id);
    ELSE
        SELECT set_id INTO paid FROM set_payouts WHERE payout_id = NEW.id ORDER BY ended_at DESC NULLS FIRST LIMIT 1;
        PERFORM fence_write(TG_TABLE_NAME, paid);
    END IF;
    RETURN NULL;
END $$;
"""
TABLES = ("attempt_sets", "attempts", "set_payouts", "reserved_inputs", "withdrawals")


@dataclass
class Pair:
    world: RealWorld
    admin: "asyncpg.Connection[Any]"
    workers: dict[str, Worker]
    dice: random.Random
    pids: dict[str, int] = field(default_factory=dict)
    paid: list[tuple[uuid.UUID, str]] = field(default_factory=list)
    taken_over: int = 0

    async def pay(self, count: int) -> None:
        """Customers ask and confirm; from there on it is the workers'."""
        who = await self.world.rich(USDT=2 * UNITS * count)
        for _ in range(count):
            to = Account.create().address
            made = await self.world.offer(who, "USDT", deliver=UNITS, fee=1_000, network_fee_max_units=10**17)
            asked = uuid.UUID((await self.world.request(who, made, address=to)).body["id"])
            await self.world.verify(who, asked)
            self.paid.append((asked, to))

    async def stopped_at_work(self, name: str) -> list[uuid.UUID]:
        """Stop it again and again until it stands still with something leased and nothing under way in the database."""
        async with asyncio.timeout(SECONDS):
            while True:
                os.kill(self.pids[name], signal.SIGSTOP)
                await self._still(name)
                if not await self.admin.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND state <> 'idle'", name
                ):
                    held: list[uuid.UUID] = await self.admin.fetchval(
                        "SELECT array_agg(s.id) FROM attempt_sets s JOIN fence_holders h USING (id)"
                        " WHERE h.who = $1 AND s.lease_until > now() AND s.stage <> 'ended'",
                        name,
                    )
                    if held:
                        return held
                os.kill(self.pids[name], signal.SIGCONT)
                await asyncio.sleep(self.dice.random() * 0.02)

    async def _still(self, name: str) -> None:
        while Path(f"/proc/{self.pids[name]}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            await asyncio.sleep(0)
        # What it had sent before has been answered by the server, whoever reads the answer.
        await asyncio.sleep(0.01)

    async def round(self, sleeper: str, other: str) -> None:
        held = await self.stopped_at_work(sleeper)
        # Half a minute passes.
        await self.admin.execute(
            "UPDATE attempt_sets SET lease_until = now() - interval '1 s', due_at = now() WHERE id = ANY ($1)", held
        )
        async with asyncio.timeout(SECONDS):
            while await self.admin.fetchval(
                "SELECT count(*) FROM fence_holders WHERE id = ANY ($1) AND who <> $2", held, other
            ):
                await self.admin.execute("SELECT pg_notify($1, 'withdrawal')", WORK)
                await asyncio.sleep(0.02)
        os.kill(self.pids[sleeper], signal.SIGCONT)
        self.taken_over += len(held)

    async def old(self) -> int:
        found: int = await self.admin.fetchval("SELECT count(*) FROM fence_writes WHERE who <> holder")
        return found

    async def finish(self) -> None:
        ids = [one for one, _ in self.paid]
        async with asyncio.timeout(SECONDS * 5):
            while await self.world.stand(ids) != [("completed", None)]:
                await self.world.block("ethereum")
                await asyncio.sleep(0.2)


@pytest.fixture
async def brains(
    house: House, admin_url: str, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Pair]:
    monkeypatch.setattr(workers, "STEPS", STEPS)
    (tmp_path / "table").mkdir()
    async with table(house, admin_url, template, tmp_path / "table") as made:
        admin = await asyncpg.connect(on_database(admin_url, made.name))
        await admin.execute(WATCHED)
        for name in TABLES:
            what = "INSERT OR UPDATE" if name in ("attempt_sets", "attempts") else "UPDATE"
            await admin.execute(
                f"CREATE TRIGGER fence_watch AFTER {what} ON {name} FOR EACH ROW EXECUTE FUNCTION fence_watch()"
            )
        for name in NAMES:
            await admin.execute(f"DROP ROLE IF EXISTS {name}")
            await admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}' IN ROLE {ROLES.of('worker')}")
        both = {}
        try:
            async with asyncio.TaskGroup() as opening:
                for name in NAMES:
                    (tmp_path / name).mkdir()
                    url = made.url.replace(made.url.partition("//")[2].partition(":")[0], name, 1)
                    both[name] = opening.create_task(_opened(house, url, tmp_path / name))
            pair = Pair(made.world, admin, {name: task.result() for name, task in both.items()}, random.Random(SEED))
            for name, worker in pair.workers.items():
                pair.pids[name] = await worker.start()
            yield pair
        finally:
            for task in both.values():
                await task.result().close()
            await admin.close()
    connection = await asyncpg.connect(admin_url)
    for name in NAMES:
        await connection.execute(f"DROP ROLE {name}")
    await connection.close()


async def _opened(house: House, url: str, folder: Path) -> Worker:
    async with working(house, url, folder) as worker:
        return worker


@pytest.mark.timeout(3 * 3600)
@pytest.mark.slow
async def test_a_worker_that_wakes_after_its_lease_was_taken_over_writes_nothing_under_its_old_fence(
    brains: Pair,
) -> None:
    for number in range(ROUNDS):
        await brains.pay(1 + brains.dice.randrange(2))
        await brains.round(*(NAMES if number % 2 else NAMES[::-1]))
        # Payouts end as fast as they are asked for: what is stopped is seldom only looking on.
        await brains.world.block("ethereum", brains.dice.randrange(4))
        if number % 50 == 49:
            print(
                f"{number + 1} rounds, {brains.taken_over} sets taken over, {await brains.old()} old writes", flush=True
            )
    await brains.finish()
    old = await brains.admin.fetch("SELECT * FROM fence_writes WHERE who <> holder")
    writes = await brains.admin.fetchval("SELECT count(*) FROM fence_writes")
    print(
        f"{ROUNDS} rounds, seed {SEED}: {brains.taken_over} sets taken over, {len(brains.paid)} payouts,"
        f" {writes} writes, {len(old)} with an old fence",
        flush=True,
    )
    assert not old, old
    assert writes > 0
    assert {row[0] for row in await brains.admin.fetch("SELECT DISTINCT who::text FROM fence_writes")} == set(NAMES)
    for _, to in brains.paid:
        assert await brains.world.received(to, "USDT") == [UNITS]
    await brains.world.exact()
