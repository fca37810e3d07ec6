"""The worker process: which steps run, at what cadence. PostgreSQL is all it shares with the others.

Steps run in loops of their own; a change anywhere (NOTIFY) wakes them early, and each looks again by itself when
nothing woke it. A step that found work runs again at once.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncpg
import structlog

from tidegate import failpoints, logs
from tidegate.auth import sessions
from tidegate.chains.port import Chain, NodeUnavailable
from tidegate.config import Settings
from tidegate.database import utcnow
from tidegate.exchange import pipeline as exchange
from tidegate.notices import log as notices
from tidegate.outbox.events import CHANNEL
from tidegate.parts import Parts, open_parts
from tidegate.transactions import books, payouts, withdraw
from tidegate.transactions import pipeline as transactions
from tidegate.transactions.liquidity import Moves
from tidegate.treasury.keep import keep
from tidegate.wallets import pipeline as wallets

log = structlog.get_logger(__name__)

STEPS = (
    "prepare",
    "deposits",
    "quotes",
    "hedge",
    "screen",
    "approve",
    "reserve",
    "sign",
    "broadcast",
    "confirm",
    "moves",
    "keep",
    "expire",
    "books",
    "forget",
)


@dataclass(frozen=True, slots=True)
class Step:
    """`run` answers how much it found to do; `every` is how long it may sleep unwoken."""

    name: str
    run: Callable[[], Awaitable[int]]
    every: float
    woken: bool = True


class Worker:
    def __init__(self, parts: Parts, wanted: Sequence[str]) -> None:
        self._parts = parts
        self._wanted = wanted
        self._bells: list[asyncio.Event] = []

    def steps(self) -> list[Step]:
        parts, office, spender = self._parts, self._parts.office, self._parts.spender
        found = [
            Step("prepare", self._prepare, 2, woken=False),
            Step("quotes", lambda: exchange.expire_quotes(parts.desk, utcnow()), 1, woken=False),
            Step("hedge", lambda: exchange.hedge(parts.desk, utcnow()), 1),
            Step("screen", lambda: transactions.screen_step(office, spender), 1),
            Step("approve", lambda: transactions.approve_step(office, spender), 1),
            Step("reserve", lambda: payouts.prepare_step(office, spender), 1),
            Step("sign", lambda: payouts.sign_step(office, spender), 1),
            Step("broadcast", lambda: payouts.broadcast_step(office, spender), 1),
            Step("confirm", lambda: payouts.confirm_step(office, spender), 0.5),
            Step("moves", Moves(office, parts.mover).step, 2, woken=False),
            Step("keep", lambda: keep(spender), 5, woken=False),
            Step("expire", lambda: withdraw.expire(office, utcnow()), 1, woken=False),
            Step("forget", self._forget, 3600, woken=False),
            Step("books", books.Checker(office).step, 10, woken=False),
        ]
        for network in parts.settings.networks:
            found.append(
                Step(f"deposits:{network}", self._deposits(network), parts.settings.networks[network].poll_seconds)
            )
        return [step for step in found if step.name.partition(":")[0] in self._wanted]

    async def _forget(self) -> int:
        """Drop what has had its time: events past their replay window, sessions long ended."""
        await notices.forget(self._parts.db)
        await self._parts.lane.forget(utcnow())
        await sessions.forget_old(self._parts.gate, now=utcnow())
        return 0

    async def _prepare(self) -> int:
        """Open chains and pass each node's start-up checks; until then nothing is credited or paid on it."""
        parts = self._parts
        if not parts.chains:
            with contextlib.suppress(NodeUnavailable):
                parts.open_chains()
        for network, chain in parts.chains.items():
            if network not in parts.prepared:
                await self._prepare_one(network, chain)
        return 0

    async def _prepare_one(self, network: str, chain: Chain) -> None:
        try:
            await chain.prepare()
        except NodeUnavailable as error:
            log.warning("node_not_ready", network=network, reason=str(error))
            return
        self._parts.prepared.add(network)
        log.info("node_ready", network=network)

    def _deposits(self, network: str) -> Callable[[], Awaitable[int]]:
        async def scan() -> int:
            parts = self._parts
            chain = parts.chains.get(network)
            if chain is None or network not in parts.prepared:
                return 0
            return await wallets.scan(parts.db, parts.lane, chain, parts.settings, utcnow())

        return scan

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; then every step ends what it is doing."""
        await self._prepare()
        steps = self.steps()
        log.info("worker_started", steps=[step.name for step in steps])
        loops = [asyncio.ensure_future(self._loop(step, stop)) for step in steps]
        markets = asyncio.ensure_future(self._parts.markets.run())
        listening = asyncio.ensure_future(self._listen(stop))
        await stop.wait()
        for bell in self._bells:
            bell.set()
        await asyncio.gather(*loops)
        for task in (listening, markets):
            task.cancel()
        await asyncio.gather(listening, markets, return_exceptions=True)

    async def _loop(self, step: Step, stop: asyncio.Event) -> None:
        bell = asyncio.Event()
        if step.woken:
            self._bells.append(bell)
        trouble = 0
        while not stop.is_set():
            bell.clear()
            found = 0
            try:
                found = await step.run()
                trouble = 0
            except (NodeUnavailable, OSError, asyncpg.PostgresError) as error:
                trouble += 1
                log.warning("step_waits", step=step.name, reason=str(error)[:200])
            except Exception:
                trouble += 1
                log.exception("step_failed", step=step.name)
            if found and not trouble:
                continue
            pause = step.every * min(2**trouble, 16) if trouble else step.every
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(bell.wait() if step.woken and not trouble else stop.wait(), pause)

    async def _listen(self, stop: asyncio.Event) -> None:
        """A connection of its own; after any trouble it listens anew, and the loops look by themselves meanwhile."""
        url = self._parts.settings.database_url("worker").replace("postgresql+asyncpg://", "postgresql://", 1)
        while not stop.is_set():
            try:
                connection = await asyncpg.connect(
                    url, timeout=5, server_settings={"application_name": "tidegate-worker-bell"}
                )
                try:
                    await connection.add_listener(CHANNEL, self._ring)
                    self._ring()
                    while not connection.is_closed():
                        await asyncio.sleep(10)
                        await connection.execute("SELECT 1", timeout=5)
                finally:
                    connection.terminate()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                log.warning("bell_lost", reason=str(error)[:200])
                await asyncio.sleep(1)

    def _ring(self, *_: object) -> None:
        for bell in self._bells:
            bell.set()


async def serve(settings: Settings, steps: Sequence[str]) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with open_parts(settings, process="worker", duty="worker") as parts:
        await Worker(parts, steps).run(stop)


def main(settings: Settings, steps: Sequence[str] = STEPS) -> None:
    """The process. Refuses (SystemExit) step names that do not exist."""
    unknown = set(steps) - set(STEPS)
    if unknown:
        raise SystemExit(f"No such steps: {', '.join(sorted(unknown))}. There are: {', '.join(STEPS)}.")
    logs.configure("worker")
    if settings.sandboxed:
        failpoints.arm_by(settings.sandbox.directory / "failpoint")
    asyncio.run(serve(settings, steps))
