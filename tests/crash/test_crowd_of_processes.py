"""Three API processes and three workers on one PostgreSQL, under load, while each is killed in turn (issue 6, acceptance
5): what a customer was told is so, every withdrawal is paid once, and the books are exact. Real nodes, a real signer.

TIDEGATE_KILL_MINUTES says how long, TIDEGATE_SEED who asks whom.
"""

import asyncio
import gc
import itertools
import os
import random
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_account import Account

from tests.chains import working as workers
from tests.chains.conftest import House, bitcoin_node, evm_node, house
from tests.chains.spending import RealWorld
from tests.chains.table import table
from tests.chains.working import Worker, working
from tests.crash.house import Api
from tests.stack import free_port
from tests.transactions.world import Someone
from tidegate.auth import store as auth
from tidegate.auth.rules import Credential
from tidegate.database import utcnow
from tidegate.http import tls
from tidegate.sandbox.settings import toml

__all__ = ["bitcoin_node", "evm_node", "house"]

MINUTES = float(os.environ.get("TIDEGATE_KILL_MINUTES", "0.5"))
SEED = int(os.environ.get("TIDEGATE_SEED", "1"))
STEPS = "prepare,screen,approve,reserve,sign,broadcast,confirm,expire,forget,books"
OF_EACH = 3
CUSTOMERS = 6
DELIVER = {"USDT": 1_000_000, "BTC": 20_000}
FEE = 1_000
PATH = "/api/v1/transactions/withdrawals"
AGAIN = (409, 500, 503)
"""Says nothing of this request, or that the first one still runs: ask again."""
SETTLE_SECONDS = 600

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.fixture(autouse=True)
def _left_sockets() -> Iterator[None]:
    """Of connections whose process was killed under them."""
    yield
    gc.collect()


@dataclass
class Told:
    """What one customer was told of one withdrawal."""

    id: uuid.UUID
    code: str
    address: str
    body: dict[str, Any]
    verified: bool = False


@dataclass
class Crowd:
    world: RealWorld
    apis: list[Api]
    workers: list[Worker]
    dice: random.Random
    over: asyncio.Event = field(default_factory=asyncio.Event)
    sessions: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    kills: dict[str, int] = field(default_factory=lambda: {"api": 0, "worker": 0})
    unanswered: int = 0

    async def customer(self) -> Someone:
        who: Someone = await self.world.rich(USDT=5 * 10**9, BTC=5 * 10**6)
        now = utcnow()
        async with self.world.db.transaction() as session:
            self.sessions[who.id] = await auth.insert_session(
                session,
                user_id=who.id,
                epoch=0,
                credential=Credential.BEARER,
                digest=None,
                user_agent=None,
                now=now,
                expires_at=now + timedelta(days=1),
                second_factor=True,
            )
        return who

    async def asks(self, http: httpx.AsyncClient, who: Someone) -> None:
        """One withdrawal after the other, each asked until it is answered, by whichever API process."""
        for number in itertools.count(1):
            if self.over.is_set():
                return
            code = "BTC" if number % 5 == 0 else "USDT"
            address = Account.create().address if code == "USDT" else (await self.world.strangers(1))[0]
            now = utcnow()
            offer = await self.world.offer(
                who, code, deliver=DELIVER[code], fee=FEE, usd_units=10_000, expires_at=now + timedelta(days=1)
            )
            asked = await self._until_answered(http, who, PATH, {"quote_id": str(offer.id), "address": address})
            assert asked.status_code == 201, asked.text
            told = Told(uuid.UUID(asked.json()["id"]), code, address, asked.json())
            self.told.append(told)
            body = {"method": "totp", "code": await self.world._fresh_code(who, utcnow())}
            answer = await self._until_answered(http, who, f"{PATH}/{told.id}/verify", body)
            assert answer.status_code == 200, answer.text
            told.verified = True

    async def _until_answered(
        self, http: httpx.AsyncClient, who: Someone, path: str, body: dict[str, Any]
    ) -> httpx.Response:
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        while True:
            token = self.world.gate.tokens.make(user_id=who.id, session_id=self.sessions[who.id], now=utcnow())
            api = self.dice.choice(self.apis)
            try:
                answer = await http.post(
                    api.url + path, json=body, headers=headers | {"Authorization": f"Bearer {token}"}
                )
            except httpx.TransportError:
                self.unanswered += 1
            else:
                if answer.status_code not in AGAIN or (
                    answer.status_code == 409 and answer.json()["code"] != "in_progress"
                ):
                    return answer
            await asyncio.sleep(0.05)

    async def kill_each_in_turn(self) -> None:
        for api, worker in itertools.cycle(zip(self.apis, self.workers, strict=True)):
            for name, strike in (("api", self._strike_api(api)), ("worker", self._strike_worker(worker))):
                await strike
                self.kills[name] += 1
            if self.over.is_set():
                return

    async def _strike_api(self, api: Api) -> None:
        await asyncio.sleep(self.dice.random())
        await api.kill()
        await api.start()

    async def _strike_worker(self, worker: Worker) -> None:
        await asyncio.sleep(self.dice.random())
        await worker.kill()
        await worker.start()

    async def blocks(self) -> None:
        while True:
            await self.world.block("ethereum")
            await self.world.block("bitcoin")
            await asyncio.sleep(0.5)


@pytest.fixture
async def crowd(
    house: House, admin_url: str, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Crowd]:
    monkeypatch.setattr(workers, "STEPS", STEPS)
    folder = tmp_path / "table"
    folder.mkdir()
    async with table(house, admin_url, template, folder) as made, AsyncExitStack() as stack:
        found: list[Worker] = []
        apis: list[Api] = []
        for number in range(OF_EACH):
            (at := tmp_path / f"w{number}").mkdir()
            found.append(await stack.enter_async_context(working(house, made.url, at)))
            (at := tmp_path / f"a{number}").mkdir()
            config, port = at / "api.toml", free_port()
            key = made.world.settings.auth.token_key_file
            tables = {
                **house.tables,
                "database": {"url": made.url},
                "api": {"host": "127.0.0.1", "port": port, "public_url": f"http://localhost:{port}"},
                "auth": {"token_key_file": key, "rate_limit_factor": 1_000_000, "argon2_memory_kib": 1024},
                "sandbox": {"directory": at},
            }
            config.write_text(toml(tables))
            apis.append(await Api.open(config, port))
            stack.push_async_callback(apis[-1].close)
        await asyncio.gather(*(api.start() for api in apis), *(worker.start() for worker in found))
        await made.world.coins(40, 1_000_000)
        yield Crowd(made.world, apis, found, random.Random(SEED))


@pytest.mark.slow
@pytest.mark.timeout(3 * 3600)
async def test_nothing_is_lost_and_nothing_done_twice_while_every_process_is_killed_in_turn(crowd: Crowd) -> None:
    world = crowd.world
    customers = [await crowd.customer() for _ in range(CUSTOMERS)]
    blocks = asyncio.ensure_future(crowd.blocks())
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(verify=tls(), timeout=20, trust_env=False, limits=limits) as http:
        asking = [asyncio.ensure_future(crowd.asks(http, who)) for who in customers]
        killing = asyncio.ensure_future(crowd.kill_each_in_turn())
        await asyncio.wait([*asking, killing], timeout=MINUTES * 60, return_when=asyncio.FIRST_EXCEPTION)
        crowd.over.set()
        await asyncio.gather(*asking, killing)
    ids = [told.id for told in crowd.told]
    async with asyncio.timeout(SETTLE_SECONDS + 60 * MINUTES):
        while await world.stand(ids) != [("completed", None)]:
            await asyncio.sleep(0.5)
    blocks.cancel()
    await asyncio.gather(blocks, return_exceptions=True)
    # No withdrawal that nobody was told of, none twice, each told as it is.
    rows = {row.id: row.address for row in await world.rows("SELECT id, address FROM withdrawals")}
    assert rows == {told.id: told.address for told in crowd.told}
    assert len({told.id for told in crowd.told}) == len(crowd.told)
    for told in crowd.told:
        assert (told.body["address"], told.verified) == (told.address, True)
        assert await world.received(told.address, told.code) == [DELIVER[told.code]]
    signed = await world.rows(
        "SELECT payout_id, count(*) FROM set_payouts WHERE settled_at IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
    )
    assert signed == []
    await world.exact()
    assert all(crowd.kills.values())
    print(
        f"{MINUTES} minutes, seed {SEED}: {crowd.kills} kills, {len(ids)} withdrawals each paid once,"
        f" {crowd.unanswered} requests without an answer",
        flush=True,
    )
