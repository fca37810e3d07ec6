"""The children of `tidegate up`: how each is started, and when it counts as ready."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from tidegate.http import Outbound, OutboundError
from tidegate.sandbox import exchanges, postgres
from tidegate.sandbox.blocks import BlockMaker, EvmBlocks
from tidegate.sandbox.database import prepare_database
from tidegate.sandbox.gate import Gate
from tidegate.sandbox.home import Home
from tidegate.sandbox.nodes import BitcoinNode, EvmNode
from tidegate.sandbox.process import StartFailed, end, spawn, tail, write_whole
from tidegate.sandbox.progress import Progress, State
from tidegate.sandbox.rpc import RpcGone, RpcRefused
from tidegate.sandbox.settings import settings_of, toml, write_deny_list
from tidegate.sandbox.supervisor import Child, Supervisor, Unfit

STOP_ORDER = (("api", "worker", "signer", "venue"), ("anvil", "bitcoind", "postgres"))
_READY_SECONDS = 60.0

Ready = Callable[[asyncio.subprocess.Process], Awaitable[str]]


class Children:
    """Everything that `up` starts. The order comes from what each needs; whatever needs nothing starts at once."""

    def __init__(
        self,
        home: Home,
        supervisor: Supervisor,
        progress: Progress,
        *,
        bitcoin: BitcoinNode,
        evm: EvmNode,
        evm_gate: Gate,
        bitcoin_blocks: BlockMaker,
        evm_blocks: EvmBlocks,
    ) -> None:
        self.home = home
        self.supervisor = supervisor
        self.progress = progress
        self.bitcoin = bitcoin
        self.evm = evm
        self.evm_gate = evm_gate
        self.bitcoin_blocks = bitcoin_blocks
        self.evm_blocks = evm_blocks
        self.database_url = ""
        self.configured = asyncio.Event()
        self.migrated = asyncio.Event()

    def take_on(self) -> None:
        up, home = self.supervisor, self.home
        if own_database := os.environ.get("DATABASE_URL"):
            self.progress.set("postgres", State.READY, "DATABASE_URL")
            up.run(self._configure(own_database))
        else:
            up.keep(self._postgres())
        bitcoin = up.keep(
            Child("bitcoind", self.bitcoin.log, self._launch_bitcoin, self._bitcoin_ready, stop_seconds=15)
        )
        evm = up.keep(
            Child("anvil", self.evm.log, self._launch_evm, self._evm_ready, stop_seconds=3, before_stop=self._keep_evm)
        )
        up.keep(Child("venue", home.logs / "venue.log", self._launch_venue, self._venue_ready))
        up.run(self._migrate())
        signer = up.keep(
            Child("signer", home.logs / "signer.log", self._launch_signer, self._signer_ready, needs=[self.configured])
        )
        live = answers(f"http://127.0.0.1:{home.port}", "/api/v1/health/live")
        up.keep(Child("api", home.logs / "api.log", self._launch_api, live, needs=[self.configured]))
        parts = [self.migrated, bitcoin.is_ready, evm.is_ready, signer.is_ready]
        up.keep(
            Child(
                "worker",
                home.logs / "worker.log",
                lambda: self.launch("worker", "tidegate.cli", "worker"),
                self._worker_ready,
                needs=parts,
            )
        )
        up.run(self.bitcoin_blocks.run())
        up.run(self.evm_blocks.run())

    def _postgres(self) -> Child:
        cluster: postgres.Cluster | None = None

        async def launch() -> asyncio.subprocess.Process:
            nonlocal cluster
            if cluster is None:
                cluster = await postgres.prepare(self.home.folder / "postgres", port=self.home.ports["postgres"])
            return await postgres.launch(cluster)

        async def ready(process: asyncio.subprocess.Process) -> str:
            assert cluster is not None
            await postgres.wait_ready(cluster, process)
            await self._configure(cluster.url)
            return f"127.0.0.1:{cluster.port}"

        log = self.home.folder / "postgres" / "postgres.log"
        return Child("postgres", log, launch, ready, stop_signal=signal.SIGINT, stop_seconds=15)

    async def _configure(self, database_url: str) -> None:
        """Write what the children read. Once: a child that restarts must find the settings of the others."""
        if self.configured.is_set():
            return
        self.database_url = database_url
        logins = await prepare_database(database_url, self.home.secrets, brought="DATABASE_URL" in os.environ)
        gate = self.bitcoin.url.replace(f":{self.bitcoin.port}", f":{self.home.ports['bitcoin_gate']}")
        settings = settings_of(
            self.home,
            database=logins,
            bitcoin_rpc_url=gate,
            bitcoin_seconds=self.bitcoin_blocks.seconds,
            evm_seconds=self.evm_blocks.seconds,
        )
        write_deny_list(self.home)
        write_whole(self.home.settings_file, toml(settings))
        self.configured.set()

    async def launch(self, name: str, module: str, *words: str | Path) -> asyncio.subprocess.Process:
        """One of our own processes, `python -m module …`, its output in logs/name.log."""
        argv: list[str | Path] = [sys.executable, "-m", module, *words]
        # DATABASE_URL would win over each one's own login.
        ours = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
        env = {**ours, "TIDEGATE_CONFIG": str(self.home.settings_file), "PYTHONUNBUFFERED": "1"}
        return await spawn(argv, log=self.home.logs / f"{name}.log", env=env)

    async def _launch_venue(self) -> asyncio.subprocess.Process:
        words = exchanges.arguments(self.home)
        bank = exchanges.write_bank(self.home, bitcoin_url=self.bitcoin.url, evm_url=self.evm.url)
        return await self.launch("venue", "tidegate.sandbox.venue", *words, "--bank", bank)

    async def _launch_api(self) -> asyncio.subprocess.Process:
        return await self.launch("api", "tidegate.sandbox.api", "--after", self.home.migrated_file)

    async def _launch_bitcoin(self) -> asyncio.subprocess.Process:
        self.bitcoin_blocks.may_work.clear()
        return await self.bitcoin.launch()

    async def _launch_evm(self) -> asyncio.subprocess.Process:
        self.evm_gate.closed_because = "The node is starting."
        self.evm_blocks.may_work.clear()
        return await self.evm.launch()

    async def _launch_signer(self) -> asyncio.subprocess.Process:
        if not self.home.signer_public_file.is_file():
            await self._finish("signer", "tidegate.signer", "init")
        self.home.signer_socket.unlink(missing_ok=True)
        return await self.launch("signer", "tidegate.signer", "run")

    async def _finish(self, name: str, module: str, *words: str) -> None:
        """Run one of our commands to its end."""
        process = await self.launch(name, module, *words)
        try:
            code = await process.wait()
        finally:
            await end(process, seconds=2)
        if code != 0:
            raise StartFailed(f"`{module} {' '.join(words)}` failed: {tail(self.home.logs / f'{name}.log')}")

    async def _migrate(self) -> None:
        await self.configured.wait()
        self.progress.set("migrate", State.STARTING)
        try:
            await self._finish("migrate", "tidegate.cli", "migrate")
        except StartFailed as failure:
            self.progress.set("migrate", State.FAILED, str(failure))
            raise
        self.progress.set("migrate", State.READY)
        self.home.migrated_file.touch()
        self.migrated.set()

    # ---- when is a child ready

    async def _bitcoin_ready(self, _: asyncio.subprocess.Process) -> str:
        try:
            await self.bitcoin.ready()
            self.bitcoin_blocks.may_work.set()
            return f"block {await self.bitcoin.height()}"
        except (RpcGone, RpcRefused) as failure:
            raise StartFailed(str(failure)) from failure

    async def _evm_ready(self, _: asyncio.subprocess.Process) -> str:
        try:
            await self.evm.ready()
            if not await self.evm_blocks.check_age():
                raise Unfit(self.evm_gate.closed_because or "")
            return f"block {await self.evm.height()}"
        except (RpcGone, RpcRefused) as failure:
            raise StartFailed(str(failure)) from failure

    async def _keep_evm(self) -> None:
        with contextlib.suppress(RpcGone, RpcRefused, TimeoutError):
            await asyncio.wait_for(self.evm_blocks.keep_what_is_new(), 5)

    async def _venue_ready(self, process: asyncio.subprocess.Process) -> str:
        for origin, path in exchanges.readiness(self.home):
            await answers(origin, path)(process)
        return ", ".join(exchanges.EXCHANGES)

    async def _signer_ready(self, _: asyncio.subprocess.Process) -> str:
        """Until its socket takes a connection."""

        async def reached() -> bool:
            try:
                _, writer = await asyncio.open_unix_connection(str(self.home.signer_socket))
            except OSError:
                return False
            writer.close()
            return True

        await poll(reached, "The signer does not listen")
        return ""

    async def _worker_ready(self, process: asyncio.subprocess.Process) -> str:
        """It has no door to knock at: alive after its imports; the api's health says later whether it is connected."""
        await asyncio.sleep(1)
        return ""


def answers(origin: str, path: str) -> Ready:
    """A `ready` that waits for 200 there."""

    async def ready(_: asyncio.subprocess.Process) -> str:
        server = Outbound(origin, timeout=5)

        async def reached() -> bool:
            try:
                return (await server.call("GET", path)).status == 200
            except OutboundError:
                return False

        try:
            await poll(reached, f"No answer from {origin}{path}")
        finally:
            await server.close()
        return origin.replace("127.0.0.1", "localhost")

    return ready


async def poll(reached: Callable[[], Awaitable[bool]], complaint: str, seconds: float = _READY_SECONDS) -> None:
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while not await reached():
        if clock() > deadline:
            raise StartFailed(f"{complaint} after {seconds:.0f} s.")
        await asyncio.sleep(0.1)
