"""`tidegate up`: the whole system on one machine, from one command, with real parts.

The supervisor starts PostgreSQL, both nodes and the venue together, migrates as soon as the database answers, opens
the page as soon as the schema is there, and tells what is still starting. It is the only parent: it restarts what
dies, and when it ends, however it ends, its children end.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import webbrowser
from pathlib import Path
from typing import Any, Protocol

from tidegate.http import Outbound, OutboundError
from tidegate.sandbox import people, postgres
from tidegate.sandbox.blocks import BitcoinBlocks, BlockMaker, EvmBlocks
from tidegate.sandbox.control import Control
from tidegate.sandbox.gate import Gate
from tidegate.sandbox.home import Home
from tidegate.sandbox.mail import MailCatcher
from tidegate.sandbox.nodes import FAUCET_WALLET, BitcoinNode, EvmNode
from tidegate.sandbox.process import StartFailed, end, spawn, tail, write_whole
from tidegate.sandbox.progress import Progress, State
from tidegate.sandbox.rpc import RpcGone, RpcRefused
from tidegate.sandbox.screen import Screen
from tidegate.sandbox.settings import BITCOIN, ETHEREUM, settings_of, toml, venue_config, write_deny_list
from tidegate.sandbox.supervisor import Child, Supervisor, Unfit

PARTS = {
    "postgres": "the database",
    "bitcoind": "a Bitcoin node of its own (regtest)",
    "anvil": "an Ethereum node of its own",
    "venue": "the exchange",
    "migrate": "the database's tables",
    "signer": "keys and signing",
    "api": "the page and the API",
    "worker": "deposits, payouts, hedges",
    "seed": "demo people, funds, history",
}
_STOP_ORDER = (("api", "worker", "signer", "venue"), ("anvil", "bitcoind", "postgres"))
_READY_SECONDS = 60.0


def main(port: int, data: Path, open_browser: bool = True) -> int:
    """Run until SIGTERM or Ctrl-C. Returns the exit code: 0 when asked to stop, 1 when something did not start."""
    try:
        return asyncio.run(Up(port, data, open_browser).run())
    except StartFailed as failure:
        sys.stderr.write(f"tidegate up: {failure}\n")
        return 1


class _Door(Protocol):
    async def open(self) -> None: ...

    async def close(self) -> None: ...


class Up:
    """One run of the supervisor on one data folder."""

    def __init__(self, port: int, data: Path, open_browser: bool) -> None:
        self.home = Home(data, port)
        self.open_browser = open_browser
        self.bitcoin_seconds = float(os.environ.get("TIDEGATE_SANDBOX__BITCOIN_BLOCK_SECONDS", "5"))
        self.evm_seconds = float(os.environ.get("TIDEGATE_SANDBOX__EVM_BLOCK_SECONDS", "2"))
        self.own_database = os.environ.get("DATABASE_URL")
        self.configured = asyncio.Event()
        self.migrated = asyncio.Event()

    async def run(self) -> int:
        self.home.take()
        stop = asyncio.Event()
        for wanted in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(wanted, stop.set)
        self.progress = Progress(self.home.progress_file, PARTS)
        self.supervisor = Supervisor(self.progress)
        screen = Screen(self.progress, self.home.url)
        try:
            with screen:
                await self._open_doors()
                self._take_on_children()
                ready = asyncio.ensure_future(self._until_ready())
                await self._first(stop.wait(), self.supervisor.failure(), ready)
                if not stop.is_set():
                    screen.ready(self.home.ready_file)
                    await self._first(stop.wait(), self.supervisor.failure())
                screen.stopping()
            return 0
        finally:
            self.home.ready_file.unlink(missing_ok=True)
            await self._stop()
            self.home.release()

    @staticmethod
    async def _first(*waits: Any) -> None:
        """Until one of them is over; its exception is ours."""
        tasks = [asyncio.ensure_future(wait) for wait in waits]
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for task in done:
            task.result()

    # ---- doors of our own

    async def _open_doors(self) -> None:
        ports = self.home.ports
        self.bitcoin = BitcoinNode(self.home.folder / "bitcoin", ports["bitcoin"])
        self.evm = EvmNode(self.home.folder / "evm", ports["evm"])
        self.gates = {
            BITCOIN: Gate(ports["bitcoin_gate"], f"http://127.0.0.1:{ports['bitcoin']}"),
            ETHEREUM: Gate(ports["evm_gate"], self.evm.url),
        }
        self.evm_blocks = EvmBlocks(self.evm, self.evm_seconds, self.gates[ETHEREUM])
        self.makers: dict[str, BlockMaker] = {
            BITCOIN: BitcoinBlocks(self.bitcoin, self.bitcoin_seconds),
            ETHEREUM: self.evm_blocks,
        }
        self.control = Control(
            ports["control"],
            self.home.secrets["control"],
            supervisor=self.supervisor,
            makers=self.makers,
            gates=self.gates,
            venue_url=self.home.venue_url,
        )
        self.mail = MailCatcher(ports["mail"], self.home.folder / "mail")
        self.doors: list[_Door] = [*self.gates.values(), self.control, self.mail]
        for door in self.doors:
            await door.open()

    # ---- children

    def _take_on_children(self) -> None:
        up, home = self.supervisor, self.home
        if self.own_database:
            self.progress.set("postgres", State.READY, "DATABASE_URL")
            up.run(self._configure(self.own_database))
        else:
            up.keep(self._postgres())
        self.bitcoin_child = up.keep(
            Child("bitcoind", self.bitcoin.log, self._launch_bitcoin, self._bitcoin_ready, stop_seconds=15)
        )
        self.evm_child = up.keep(
            Child("anvil", self.evm.log, self._launch_evm, self._evm_ready, stop_seconds=3, before_stop=self._keep_evm)
        )
        venue_ready = self._answers(home.venue_url, "/api/v3/ping")
        self.venue_child = up.keep(Child("venue", home.logs / "venue.log", self._launch_venue, venue_ready))
        up.run(self._migrate())
        self.signer_child = up.keep(
            Child("signer", home.logs / "signer.log", self._launch_signer, self._signer_ready, needs=[self.configured])
        )
        live = self._answers(f"http://127.0.0.1:{home.port}", "/api/v1/health/live")
        self.api_child = up.keep(Child("api", home.logs / "api.log", self._launch_api, live, needs=[self.configured]))
        parts = [self.migrated, self.bitcoin_child.is_ready, self.evm_child.is_ready, self.signer_child.is_ready]
        self.worker_child = up.keep(
            Child(
                "worker",
                home.logs / "worker.log",
                lambda: self._launch("worker", "tidegate.cli", "worker"),
                self._worker_ready,
                needs=parts,
            )
        )
        for maker in self.makers.values():
            up.run(maker.run())

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
        gate = self.bitcoin.url.replace(f":{self.bitcoin.port}", f":{self.home.ports['bitcoin_gate']}")
        settings = settings_of(
            self.home,
            database_url=database_url,
            bitcoin_rpc_url=gate,
            bitcoin_seconds=self.bitcoin_seconds,
            evm_seconds=self.evm_seconds,
        )
        write_deny_list(self.home)
        write_whole(self.home.settings_file, toml(settings))
        self.configured.set()

    async def _launch(self, name: str, module: str, *words: str | Path) -> asyncio.subprocess.Process:
        """One of our own processes, `python -m module …`, its output in logs/name.log."""
        argv: list[str | Path] = [sys.executable, "-m", module, *words]
        env = {**os.environ, "TIDEGATE_CONFIG": str(self.home.settings_file), "PYTHONUNBUFFERED": "1"}
        return await spawn(argv, log=self.home.logs / f"{name}.log", env=env)

    async def _launch_venue(self) -> asyncio.subprocess.Process:
        folder = self.home.folder / "venue"
        folder.mkdir(exist_ok=True, mode=0o700)
        config = folder / "config.json"
        write_whole(config, venue_config(self.home))
        port = str(self.home.ports["venue"])
        words = ("--port", port, "--data", folder, "--config", config)
        return await self._launch("venue", "tidegate.sandbox.venue", *words)

    async def _launch_api(self) -> asyncio.subprocess.Process:
        return await self._launch("api", "tidegate.sandbox.api", "--after", self.home.migrated_file)

    async def _launch_bitcoin(self) -> asyncio.subprocess.Process:
        self.makers[BITCOIN].may_work.clear()
        return await self.bitcoin.launch()

    async def _launch_evm(self) -> asyncio.subprocess.Process:
        self.gates[ETHEREUM].closed_because = "The node is starting."
        self.evm_blocks.may_work.clear()
        return await self.evm.launch()

    async def _launch_signer(self) -> asyncio.subprocess.Process:
        if not self.home.signer_public_file.is_file():
            await self._finish("signer", "tidegate.signer", "init")
        self.home.signer_socket.unlink(missing_ok=True)
        return await self._launch("signer", "tidegate.signer", "run")

    async def _finish(self, name: str, module: str, *words: str) -> None:
        """Run one of our commands to its end."""
        process = await self._launch(name, module, *words)
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
            self.makers[BITCOIN].may_work.set()
            return f"block {await self.bitcoin.height()}"
        except (RpcGone, RpcRefused) as failure:
            raise StartFailed(str(failure)) from failure

    async def _evm_ready(self, _: asyncio.subprocess.Process) -> str:
        try:
            await self.evm.ready()
            if not await self.evm_blocks.check_age():
                raise Unfit(self.gates[ETHEREUM].closed_because or "")
            return f"block {await self.evm.height()}"
        except (RpcGone, RpcRefused) as failure:
            raise StartFailed(str(failure)) from failure

    async def _keep_evm(self) -> None:
        with contextlib.suppress(RpcGone, RpcRefused, TimeoutError):
            await asyncio.wait_for(self.evm_blocks.keep_what_is_new(), 5)

    async def _signer_ready(self, _: asyncio.subprocess.Process) -> str:
        """Until its socket takes a connection."""

        async def reached() -> bool:
            try:
                _, writer = await asyncio.open_unix_connection(str(self.home.signer_socket))
            except OSError:
                return False
            writer.close()
            return True

        await _poll(reached, "The signer does not listen")
        return ""

    async def _worker_ready(self, process: asyncio.subprocess.Process) -> str:
        """It has no door to knock at: alive after its imports; the api's health says later whether it is connected."""
        await asyncio.sleep(1)
        return ""

    def _answers(self, origin: str, path: str) -> Any:
        """A `ready` that waits for 200 there."""

        async def ready(_: asyncio.subprocess.Process) -> str:
            server = Outbound(origin, timeout=5)

            async def reached() -> bool:
                try:
                    return (await server.call("GET", path)).status == 200
                except OutboundError:
                    return False

            try:
                await _poll(reached, f"No answer from {origin}{path}")
            finally:
                await server.close()
            return origin.replace("127.0.0.1", "localhost")

        return ready

    # ---- the end of the beginning

    async def _until_ready(self) -> None:
        """Everything up, people and funds there, health says so: then ready.json."""
        await self.api_child.is_ready.wait()
        if self.open_browser and _has_a_screen():
            await asyncio.to_thread(webbrowser.open, self.home.url)
        await self._seed()
        for child in (self.venue_child, self.worker_child, self.bitcoin_child, self.evm_child):
            await child.is_ready.wait()
        if self.evm_child.is_ready.is_set() and not self.evm_blocks.may_work.is_set():
            # Unfit to pay by: never ready, but the page stays and says why.
            await asyncio.Event().wait()
        await self._healthy()
        write_whole(self.home.ready_file, json.dumps(self._ready(), indent=1) + "\n")
        self.progress.finish()

    async def _seed(self) -> None:
        if people.seeded(self.home.folder):
            self.progress.set("seed", State.READY, "from the first start")
            return
        self.progress.set("seed", State.STARTING)
        log = self.home.logs / "seed.log"
        for attempt in range(3):
            process = await self._launch("seed", "tidegate.sandbox.seed")
            try:
                code = await process.wait()
            finally:
                await end(process, seconds=2)
            if code == 0:
                self.progress.set("seed", State.READY)
                return
            self.progress.set("seed", State.FAILED, f"{tail(log, 1)}; trying again" if attempt < 2 else tail(log, 1))
        raise StartFailed(f"The demo people and funds could not be made: {tail(log, 1)}")

    async def _healthy(self) -> None:
        """Every dependency of the api but the last, which is ready.json itself."""
        server = Outbound(f"http://127.0.0.1:{self.home.port}", timeout=10)
        down: list[str] = []

        async def reached() -> bool:
            try:
                answer = await server.call("GET", "/api/v1/health/ready")
                dependencies = json.loads(answer.body)["dependencies"]
            except (OutboundError, ValueError, KeyError):
                return False
            down[:] = [one["name"] for one in dependencies if not one["up"] and one["name"] != "sandbox"]
            return not down

        try:
            await _poll(reached, "The system is not healthy")
        except StartFailed as failure:
            raise StartFailed(f"{failure} Down: {', '.join(down) or 'api'}.") from failure
        finally:
            await server.close()

    def _ready(self) -> dict[str, Any]:
        home = self.home
        demo = json.loads(home.demo_file.read_text())["people"]
        return {
            "url": home.url,
            "pid": os.getpid(),
            "database_url": self.database_url,
            "bitcoin_rpc_url": self.bitcoin.url,
            "bitcoin_wallet": FAUCET_WALLET,
            "evm_rpc_url": self.evm.url,
            "usdt_contract": self.evm.tokens["USDT"],
            "smtp_url": f"smtp://127.0.0.1:{home.ports['mail']}",
            "demo": [{key: person[key] for key in ("email", "password", "totp_secret", "roles")} for person in demo],
            "venues": {
                "binance": {
                    "rest_url": home.venue_url,
                    "ws_url": None,
                    "api_key": home.secrets["guest_key"],
                    "secret": home.secrets["guest_secret"],
                }
            },
        }

    async def _stop(self) -> None:
        if not hasattr(self, "doors"):
            return
        await self.supervisor.stop(_STOP_ORDER)
        for door in self.doors:
            await door.close()
        for node in (self.bitcoin, self.evm):
            await node.rpc.close()


async def _poll(reached: Any, complaint: str, seconds: float = _READY_SECONDS) -> None:
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while not await reached():
        if clock() > deadline:
            raise StartFailed(f"{complaint} after {seconds:.0f} s.")
        await asyncio.sleep(0.1)


def _has_a_screen() -> bool:
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tidegate up", description="The whole system in sandbox mode.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--data", type=Path, default=Path(".data"))
    parser.add_argument("--no-browser", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    given = _arguments()
    sys.exit(main(given.port, given.data, open_browser=not given.no_browser))
