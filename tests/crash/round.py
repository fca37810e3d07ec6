"""One run: arm a failpoint, let everybody ask, let the process die there and come back, work until it is quiet, compare."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from tests.crash import look
from tests.crash.draw import Load
from tests.crash.look import Hooks
from tests.crash.model import ENDS, ORDER_ENDS, differences
from tests.crash.play import NoAnswer, Person, Play, client, fresh_address, person
from tests.crash.system import CONFIRMATIONS, System
from tidegate.database import utcnow
from tidegate.transactions import audit

STILL_SECONDS = 120.0
"""How long nothing at all may move, however slow the machine is, before what is open counts as a dead end."""
NOBODY_COMES = 4.0
"""How long something may wait for an operator before it is a dead end: here there is none."""
LOOK_SECONDS = 0.1
SOON_SECONDS = 0.7
SYMBOLS = {"BTCUSDT": "64000", "ETHUSDT": "3100", "USDCUSDT": "1"}


@dataclass(slots=True)
class Outcome:
    """What one run came to. `wrong`: every sentence that is not as it must be; none is what is hoped for."""

    point: str
    seed: int
    deaths: list[str]
    """Where processes died, in this order: the failpoint of the run, perhaps a second one."""
    payouts: int
    outputs: dict[str, int]
    """Withdrawals by how they ended and how many outputs there are for them, as `completed 1`."""
    orders: int
    unanswered: int
    seconds: float
    wrong: list[str] = field(default_factory=list)

    @property
    def reached(self) -> bool:
        return self.point in self.deaths


@dataclass
class Harness:
    """A system, who stays in it for all runs, and the runs."""

    made: System
    operator: Person
    http: httpx.AsyncClient
    hooks: Hooks

    async def run(self, load: Load) -> Outcome:
        made, began, died = self.made, time.monotonic(), len(self.made.deaths)
        await self._refill(load)
        since = await look.start(made)
        play = Play(made, load, self.operator, self.http, lambda code: fresh_address(made, code), hook=self.hooks.port)
        await play.enter()
        made.then_arm = [*reversed(load.then)]
        made.arm(load.armed)
        wrong: list[str] = []
        asking = asyncio.ensure_future(play.all())
        try:
            await self._until_quiet(play, asking)
        except (NoAnswer, TimeoutError) as error:
            wrong.append(f"A DEAD END: {str(error) or 'not quiet in time'}; {await self._stands(play)}")
        except AssertionError as error:
            wrong.append(f"A WRONG ANSWER: {error}")
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        made.disarm()
        for network, depth in CONFIRMATIONS.items():
            # What lies in a mempool and in nobody's books comes out.
            await made.mine(network, depth)
        deaths = made.deaths[died:]
        await play.look()
        people = [one.id for one in play.people]
        addresses = [one.address for one in play.model.payments]
        heard = self.hooks.heard.pop(str(people[0]), {})
        found = await look.world(made, since, people, addresses, heard, play.hooked)
        wrong += differences(play.model, found)
        if made.trouble:
            wrong.append(made.trouble)
            made.trouble = ""
        return Outcome(
            point=load.point,
            seed=load.seed,
            deaths=[one.point for one in deaths],
            payouts=len(play.model.payments),
            outputs=dict(Counter(f"{one.told} {len(found.paid[one.address])}" for one in play.model.payments)),
            orders=len(found.orders),
            unanswered=play.unanswered,
            seconds=time.monotonic() - began,
            wrong=wrong,
        )

    async def exact(self) -> list[str]:
        """The product's own audit of the whole: ledger against itself, chains and exchange."""
        report = await audit.run(self.made.own.office, now=utcnow())
        if report.verdict == "exact":
            return []
        lines = [f"{one.place} {one.asset}: {one.difference}" for one in report.lines if one.difference]
        return [f"the books are {report.verdict}: {lines} {[one.detail for one in report.findings]} {report.unchecked}"]

    async def _refill(self, load: Load) -> None:
        """Books are whole before each run, and what breaks at the exchange breaks once."""
        for symbol, middle in SYMBOLS.items():
            await self.made.venue.move(symbol, middle)
        await self.made.venue.all_well()
        if load.venue_fault:
            await self.made.venue.fault(load.venue_fault, times=1 + len(load.then) // 2, seconds=0.2)

    async def _until_quiet(self, play: Play, asking: "asyncio.Future[None]") -> None:
        """Blocks come when somebody waits for one; time passes for whoever waits for that."""
        clock = asyncio.get_running_loop().time
        woken = alone = clock()
        async with asyncio.timeout(STILL_SECONDS) as patience:
            stood: object = None
            while True:
                if (stands := await self._marks(play)) != stood:
                    stood = stands
                    patience.reschedule(clock() + STILL_SECONDS)
                if asking.done():
                    asking.result()
                    if await self._is_quiet(play):
                        return
                if not await self._calls_for_help(play):
                    alone = clock()
                elif clock() - alone > NOBODY_COMES:
                    raise TimeoutError
                await play.make_dearer()
                if not await play.holds_blocks():
                    await self._blocks(late=play.load.late_blocks)
                if clock() - woken > SOON_SECONDS:
                    await self.made.soon()
                    woken = clock()
                await asyncio.sleep(LOOK_SECONDS)

    async def _marks(self, play: Play) -> object:
        """Changes with whatever moves: a death, an answer, a step of any payment or order."""
        row = await self.made.admin.fetchrow(
            "SELECT (SELECT count(*) FROM events WHERE user_id = ANY($1)), (SELECT count(*) FROM fills),"
            " (SELECT count(*) FROM orders WHERE state <> ALL ($2)), (SELECT count(*) FROM attempts),"
            " (SELECT count(*) FROM attempts WHERE broadcast_at IS NOT NULL), (SELECT count(*) FROM attempt_sets"
            " WHERE ended_at IS NULL)",
            [one.id for one in play.people],
            list(ORDER_ENDS),
        )
        return len(self.made.deaths), self.hooks.deliveries, play.answered, *(row or ())

    async def _calls_for_help(self, play: Play) -> bool:
        ids = [uuid.UUID(one.id) for one in play.model.payments]
        helpless = "SELECT count(*) FROM withdrawals WHERE id = ANY($1) AND sub_status = 'needs_operator'"
        return bool(await self.made.admin.fetchval(helpless, ids))

    async def _blocks(self, *, late: bool) -> None:
        """A few on each network where one is waited for."""
        passed = ["final", "dropped", "replaced", *(("broadcast", "unknown") if late else ())]
        rows = await self.made.admin.fetch(
            "SELECT DISTINCT s.network FROM attempt_sets s JOIN attempts a ON a.set_id = s.id"
            " WHERE s.ended_at IS NULL AND a.broadcast_at IS NOT NULL AND a.state <> ALL ($1)",
            passed,
        )
        for row in rows:
            await self.made.mine(row["network"], CONFIRMATIONS[row["network"]])

    async def _is_quiet(self, play: Play) -> bool:
        """Rows say when to stop waiting; what is so, the owners are told by the API afterwards."""
        people = [one.id for one in play.people]
        under_way = await self.made.admin.fetchval(
            "SELECT count(*) FROM withdrawals WHERE user_id = ANY($1) AND state <> ALL ($2)",
            people,
            [*ENDS, "pending_verification"],
        )
        if under_way:
            return False
        open_orders = await self.made.admin.fetchval(
            "SELECT count(*) FROM orders o JOIN conversions c ON c.id = o.conversion_id"
            " WHERE c.user_id = ANY($1) AND o.state <> ALL ($2)",
            people,
            list(ORDER_ENDS),
        )
        if open_orders:
            return False
        told = {one for one in await look.events(self.made, people[0]) if one > play.hooked}
        unsettled = await self.made.admin.fetchval(
            "SELECT count(*) FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id"
            " WHERE e.user_id = $1 AND d.state = 'waiting'",
            people[0],
        )
        return not unsettled and told <= self.hooks.heard[str(people[0])].keys()

    async def _stands(self, play: Play) -> str:
        """Where everything stands that has not come to its end."""
        ids = [uuid.UUID(one.id) for one in play.model.payments]
        rows = await self.made.admin.fetch(
            "SELECT w.id, w.state, w.sub_status, w.detail, s.stage, s.waits FROM withdrawals w"
            " LEFT JOIN set_payouts p ON p.payout_id = w.id LEFT JOIN attempt_sets s ON s.id = p.set_id"
            " WHERE w.id = ANY($1) AND w.state <> ALL ($2)",
            ids,
            list(ENDS),
        )
        orders = await self.made.admin.fetch(
            "SELECT o.client_order_id, o.state, o.reason FROM orders o JOIN conversions c ON c.id = o.conversion_id"
            " WHERE c.user_id = ANY($1) AND o.state <> ALL ($2)",
            [one.id for one in play.people],
            list(ORDER_ENDS),
        )
        return str([dict(row) for row in (*rows, *orders)])


@asynccontextmanager
async def harness(made: System) -> AsyncIterator[Harness]:
    hooks = Hooks()
    listening = await asyncio.start_server(hooks.serve, "127.0.0.1", 0)
    hooks.port = listening.sockets[0].getsockname()[1]
    async with listening, client(made) as http:
        yield Harness(made, await person(made, roles=("approver",), purse=False), http, hooks)
