"""The worker process: which steps run, at what cadence. PostgreSQL is all it shares with the others.

Steps run in loops of their own; a change anywhere (NOTIFY) wakes them early, and each looks again by itself when
nothing woke it. A step that found work runs again at once.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from tidegate import failpoints, logs
from tidegate.auth import sessions
from tidegate.chains.port import Chain, NodeUnavailable
from tidegate.compliance import freeze
from tidegate.config import Settings
from tidegate.database import Database, utcnow
from tidegate.exchange import pipeline as exchange
from tidegate.exchange import positions
from tidegate.ledger.lane import Lane
from tidegate.notices import log as notices
from tidegate.notices import post
from tidegate.notices.post import Post
from tidegate.outbox.events import WORK
from tidegate.parts import Parts, open_parts
from tidegate.transactions import compare, payouts, reconcile, recover, transfer, waiting, withdraw
from tidegate.transactions import pipeline as transactions
from tidegate.transactions.liquidity import Moves, Rebalancing
from tidegate.treasury.keep import keep
from tidegate.wallets import pipeline as wallets
from tidegate.wallets.progress import remind
from tidegate.webhooks import pipeline as webhooks

log = structlog.get_logger(__name__)

STEPS = (
    "prepare",
    "deposits",
    "quotes",
    "hedge",
    "positions",
    "screen",
    "approve",
    "reserve",
    "sign",
    "broadcast",
    "confirm",
    "moves",
    "rebalance",
    "keep",
    "expire",
    "arrivals",
    "alarm",
    "webhooks",
    "mail",
    "books",
    "forget",
)


Look = Callable[[Database, Lane, Chain, Settings, datetime], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Step:
    """`run` answers how much it found to do; `every` is how long it may sleep unwoken."""

    name: str
    run: Callable[[], Awaitable[int]]
    every: float
    kind: str | None = None
    """The kind of change that may give it work before that."""
    then: str | None = None
    """The step that what it moved on goes to: woken at once, without the way through the database."""


class Worker:
    def __init__(self, parts: Parts, wanted: Sequence[str]) -> None:
        self._parts = parts
        self._wanted = wanted
        self._bells: dict[str, tuple[str, asyncio.Event]] = {}
        """By step: the kind that may wake it, and what does."""
        self._kinds: set[str] = set()
        self._heard_any = asyncio.Event()
        self._behind = False
        """The signer signed what the books do not know."""
        self._rounds = webhooks.Rounds(parts.courier)
        self._post = Post(parts.db, parts.settings, parts.gate.keys)

    def steps(self) -> list[Step]:
        parts, office, spender = self._parts, self._parts.office, self._parts.spender
        found = [
            Step("prepare", self._prepare, 2),
            Step("quotes", lambda: exchange.expire_quotes(parts.desk, utcnow()), 1),
            Step("hedge", self._released(lambda: exchange.hedge(parts.desk, utcnow())), 1, "conversion"),
            Step("positions", lambda: positions.watch(parts.desk, utcnow()), 2),
            Step("screen", lambda: transactions.screen_step(office, spender), 1, "withdrawal", "reserve"),
            Step("approve", lambda: transactions.approve_step(office, spender), 1, "withdrawal", "reserve"),
            Step(
                "reserve",
                self._compared(lambda: payouts.prepare_step(office, spender, ahead=True)),
                1,
                "withdrawal",
                "sign",
            ),
            Step(
                "sign",
                self._released(self._compared(lambda: payouts.sign_step(office, spender, ahead=True))),
                1,
                "withdrawal",
                "broadcast",
            ),
            Step("broadcast", lambda: payouts.broadcast_step(office, spender), 1, "withdrawal", "confirm"),
            Step("confirm", lambda: payouts.confirm_step(office, spender), 0.5, "withdrawal"),
            Step("moves", self._released(self._compared(Moves(office, parts.mover).step, moves=True)), 2),
            Step(
                "rebalance", self._released(self._compared(Rebalancing(office, parts.rebalancer).step, moves=True)), 2
            ),
            Step("keep", lambda: keep(spender, parts.lane), 5),
            Step("expire", self._expire, 1),
            Step("arrivals", lambda: waiting.learn_step(office), 30),
            Step("alarm", lambda: waiting.alarm_step(office), 60),
            Step("webhooks", self._rounds.healthy, 0.5),
            Step("webhooks:failing", self._rounds.failing, 1),
            *([Step("mail", lambda: post.send(self._post), 1)] if parts.settings.mail.host else []),
            Step("forget", self._forget, 3600),
            Step("books", reconcile.Checker(office).step, parts.settings.reconciliation.every_seconds),
        ]
        found += [Step(f"{name}:compare", self._compare, 10) for name in self._signing[:1]]
        found += [Step(f"{name}:recover", lambda: recover.step(office, spender), 2) for name in self._signing[:1]]
        for network in parts.settings.networks:
            terms = parts.settings.networks[network]
            found.append(Step(f"deposits:{network}", self._deposits(network, wallets.look), terms.poll_seconds))
            if terms.kind == "evm":
                found.append(Step(f"deposits:{network}:ether", self._deposits(network, wallets.compare), 5))
        return [step for step in found if step.name.partition(":")[0] in self._wanted]

    @property
    def _signing(self) -> list[str]:
        """Those of its steps that ask the signer."""
        return [name for name in ("sign", "moves", "confirm") if name in self._wanted]

    async def _compare(self) -> int:
        """Whether the signer knows more than the books, as after a restored database: then nothing is paid or moved.

        While a restore is not released it is what the freeze itself is about.
        """
        parts = self._parts
        if await self._is_restored():
            self._behind = False
            return 0
        self._behind = await compare.compare(parts.db, parts.signer, list(parts.settings.networks)) > 0
        return 0

    def _compared(self, run: Callable[[], Awaitable[int]], *, moves: bool = False) -> Callable[[], Awaitable[int]]:
        """Once the signer knew more, nothing of this runs before another look: somebody may have resumed meanwhile."""

        async def step() -> int:
            if self._behind:
                await self._compare()
            # Withdrawals say themselves what they wait for; moves know of no pause.
            return 0 if self._behind and moves else await run()

        return step

    async def _is_restored(self) -> bool:
        async with self._parts.db.reading() as session:
            return await freeze.restored(session) is not None

    def _released(self, run: Callable[[], Awaitable[int]]) -> Callable[[], Awaitable[int]]:
        """Nothing of this runs on a restored database before somebody has released it: what is read here may have been
        done already."""

        async def step() -> int:
            return 0 if await self._is_restored() else await run()

        return step

    async def _expire(self) -> int:
        """End what its owner never confirmed: withdrawals and internal transfers."""
        office, now = self._parts.office, utcnow()
        return await withdraw.expire(office, now) + await transfer.expire(office, now)

    async def _forget(self) -> int:
        """Drop what has had its time: events past their replay window, sessions long ended."""
        await notices.forget(self._parts.db)
        await webhooks.forget(self._parts.courier)
        await post.forget(self._post)
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
            await remind(self._parts.db, chain)
            await chain.prepare()
        except NodeUnavailable as error:
            log.warning("node_not_ready", network=network, reason=str(error))
            return
        self._parts.prepared.add(network)
        log.info("node_ready", network=network)

    def _deposits(self, network: str, look: Look) -> Callable[[], Awaitable[int]]:
        async def run() -> int:
            parts = self._parts
            chain = parts.chains.get(network)
            if chain is None or network not in parts.prepared:
                return 0
            return await look(parts.db, parts.lane, chain, parts.settings, utcnow())

        return run

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; then every step ends what it is doing."""
        await self._prepare()
        if self._signing:
            with contextlib.suppress(OSError, asyncpg.PostgresError, SQLAlchemyError):
                await self._compare()
        steps = self.steps()
        log.info("worker_started", steps=[step.name for step in steps])
        loops = [asyncio.ensure_future(self._loop(step, stop)) for step in steps]
        markets = asyncio.ensure_future(self._parts.markets.run())
        ears = [asyncio.ensure_future(ear) for ear in (self._listen(stop), self._wake(), self._parts.db.keep_time())]
        await stop.wait()
        for _, bell in self._bells.values():
            bell.set()
        await asyncio.gather(*loops)
        await self._rounds.rest()
        for task in (*ears, markets):
            task.cancel()
        await asyncio.gather(*ears, markets, return_exceptions=True)

    async def _loop(self, step: Step, stop: asyncio.Event) -> None:
        bell = asyncio.Event()
        if step.kind is not None:
            self._bells[step.name] = step.kind, bell
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
                if step.then is not None and step.then in self._bells:
                    self._bells[step.then][1].set()
                continue
            pause = step.every * min(2**trouble, 16) if trouble else step.every
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(bell.wait() if step.kind and not trouble else stop.wait(), pause)

    async def _listen(self, stop: asyncio.Event) -> None:
        """A connection of its own; after any trouble it listens anew, and the loops look by themselves meanwhile."""
        url = self._parts.settings.database_url("worker").replace("postgresql+asyncpg://", "postgresql://", 1)
        while not stop.is_set():
            try:
                connection = await asyncpg.connect(
                    url, timeout=5, server_settings={"application_name": "tidegate-worker-bell"}
                )
                try:
                    await connection.add_listener(WORK, self._heard)
                    self._kinds.update(kind for kind, _ in self._bells.values())
                    self._heard_any.set()
                    while not connection.is_closed():
                        await asyncio.sleep(10)
                        await connection.execute("SELECT 1", timeout=5)
                finally:
                    connection.terminate()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                log.warning("bell_lost", reason=str(error)[:200])
                await asyncio.sleep(1)

    def _heard(self, _connection: object, _pid: int, _channel: str, kinds: object) -> None:
        self._kinds.update(str(kinds).split(","))
        self._heard_any.set()

    async def _wake(self) -> None:
        """Wake the steps whose kind was heard; of withdrawals' steps, those that one look finds something due for."""
        while True:
            await self._heard_any.wait()
            self._heard_any.clear()
            kinds, self._kinds = self._kinds, set()
            names = {name for name, (kind, _) in self._bells.items() if kind in kinds}
            if "withdrawal" in kinds:
                with contextlib.suppress(OSError, asyncpg.PostgresError, SQLAlchemyError):
                    due = await payouts.due(self._parts.office)
                    names = {name for name in names if self._bells[name][0] != "withdrawal" or name in due}
            for name in names:
                self._bells[name][1].set()


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
