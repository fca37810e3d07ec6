"""`tidegate up`: the whole system on one machine, from one command, with real parts.

The supervisor starts PostgreSQL, both nodes and the venue together, migrates as soon as the database answers, opens
the page as soon as the schema is there, and tells what is still starting. It is the only parent: it restarts what
dies, and when it ends, however it ends, its children end.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import webbrowser
from pathlib import Path
from typing import Any, Protocol

from tidegate.http import Outbound, OutboundError
from tidegate.sandbox import exchanges, people
from tidegate.sandbox.blocks import BitcoinBlocks, BlockMaker, EvmBlocks
from tidegate.sandbox.children import STOP_ORDER, Children, poll
from tidegate.sandbox.control import Control
from tidegate.sandbox.gate import Gate
from tidegate.sandbox.home import Home
from tidegate.sandbox.mail import MailCatcher
from tidegate.sandbox.nodes import FAUCET_WALLET, BitcoinNode, EvmNode
from tidegate.sandbox.process import StartFailed, end, tail, write_whole
from tidegate.sandbox.progress import Progress, State
from tidegate.sandbox.screen import Screen
from tidegate.sandbox.settings import BITCOIN, ETHEREUM
from tidegate.sandbox.supervisor import Supervisor

PARTS = {
    "postgres": "the database",
    "bitcoind": "a Bitcoin node of its own (regtest)",
    "anvil": "an Ethereum node of its own",
    "venue": "three exchanges",
    "migrate": "the database's tables",
    "signer": "keys and signing",
    "api": "the page and the API",
    "worker": "deposits, payouts, hedges",
    "seed": "demo people, funds, history",
}


def main(port: int, data: Path, open_browser: bool = True) -> int:
    """Run until SIGTERM or Ctrl-C. Returns the exit code: 0 when asked to stop, 1 when something did not start."""
    try:
        return asyncio.run(Up(port, data, open_browser).run())
    except (StartFailed, OSError) as failure:
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
                self.children.take_on()
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
        bitcoin_blocks = BitcoinBlocks(self.bitcoin, _seconds("BITCOIN", 5))
        self.evm_blocks = EvmBlocks(self.evm, _seconds("EVM", 2), self.gates[ETHEREUM])
        makers: dict[str, BlockMaker] = {BITCOIN: bitcoin_blocks, ETHEREUM: self.evm_blocks}
        self.control = Control(
            ports["control"],
            self.home.secrets["control"],
            supervisor=self.supervisor,
            makers=makers,
            gates=self.gates,
            venue_urls={name: exchanges.url(self.home, name) for name in exchanges.EXCHANGES},
        )
        self.mail = MailCatcher(ports["mail"], self.home.folder / "mail")
        self.children = Children(
            self.home,
            self.supervisor,
            self.progress,
            bitcoin=self.bitcoin,
            evm=self.evm,
            evm_gate=self.gates[ETHEREUM],
            bitcoin_blocks=bitcoin_blocks,
            evm_blocks=self.evm_blocks,
        )
        self.doors: list[_Door] = [*self.gates.values(), self.control, self.mail]
        for door in self.doors:
            await door.open()

    # ---- the end of the beginning

    async def _until_ready(self) -> None:
        """Everything up, people and funds there, health says so: then ready.json."""
        children = self.supervisor.children
        await children["api"].is_ready.wait()
        if self.open_browser and _has_a_screen():
            await asyncio.to_thread(webbrowser.open, self.home.url)
        first = not people.seeded(self.home.folder)
        if first:
            await self._seed()
        for name in ("venue", "worker", "bitcoind", "anvil"):
            await children[name].is_ready.wait()
        if not self.evm_blocks.may_work.is_set():
            # Unfit to pay by: never ready, but the page stays and says why.
            await asyncio.Event().wait()
        await self._healthy()
        write_whole(self.home.ready_file, json.dumps(self._ready(), indent=1) + "\n")
        # The api's health takes this for the last word, so it comes after ready.json.
        self.progress.set("seed", State.READY, "" if first else "from the first start")
        self.progress.finish()

    async def _seed(self) -> None:
        self.progress.set("seed", State.STARTING)
        log = self.home.logs / "seed.log"
        for attempt in range(3):
            process = await self.children.launch("seed", "tidegate.sandbox.seed")
            try:
                code = await process.wait()
            finally:
                await end(process, seconds=2)
            if code == 0:
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
            await poll(reached, "The system is not healthy")
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
            "database_url": self.children.database_url,
            "bitcoin_rpc_url": self.bitcoin.url,
            "bitcoin_wallet": FAUCET_WALLET,
            "evm_rpc_url": self.evm.url,
            "usdt_contract": self.evm.tokens["USDT"],
            "smtp_url": f"smtp://127.0.0.1:{home.ports['mail']}",
            "demo": [{key: person[key] for key in ("email", "password", "totp_secret", "roles")} for person in demo],
            "venues": exchanges.for_guests(home),
        }

    async def _stop(self) -> None:
        if not hasattr(self, "doors"):
            return
        await self.supervisor.stop(STOP_ORDER)
        for door in self.doors:
            await door.close()
        for node in (self.bitcoin, self.evm):
            await node.rpc.close()


def _seconds(network: str, default: float) -> float:
    """Between two blocks; the same variables win over `[sandbox]` in the children."""
    return float(os.environ.get(f"TIDEGATE_SANDBOX__{network}_BLOCK_SECONDS", default))


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
