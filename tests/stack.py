"""The whole system, running, as a fixture: what the walks of acceptance, browser and clients share.

    async def test_…(stack: Stack) -> None:
        ana = await stack.customer(BTC="0.05")        # registered, enrolled, funded by real deposits
        quote = await ana.quote(kind="withdrawal", from_asset="BTC", …)

`stack` starts `.venv/bin/tidegate up --port P --data TMP --no-browser` once for the whole run of pytest, waits for
`ready.json`, and ends it on teardown. TIDEGATE_TEST_DATA names the data folder of one that runs already; that one is
left alone. For the browser: `stack.url` is the origin, `stack.demo` the seeded people (`.authenticator.code()` gives
their next unused code), `stack.faucet`, `stack.mine` and `stack.bitcoin`/`stack.evm` (raw JSON-RPC) the chains.
Whoever signs in as a demo person takes codes from `person.authenticator` and nowhere else: a code counts once.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import tomllib
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest

from tests.customer import STEP, Authenticator, Customer
from tidegate.http import tls

ROOT = Path(__file__).parents[1]
TIDEGATE = ROOT / ".venv" / "bin" / "tidegate"
START_SECONDS = 240
"""Cold, on two busy cores, with downloads still to come."""
STOP_SECONDS = 30
ADDRESS_NETWORK = {"BTC": "bitcoin", "ETH": "ethereum", "USDT": "ethereum", "USDC": "ethereum"}


@dataclass(frozen=True)
class Person:
    """A seeded demo user."""

    email: str
    password: str
    totp_secret: str
    roles: tuple[str, ...]
    authenticator: Authenticator


@dataclass
class Stack:
    """A running system and the ways in that an outsider has."""

    data: Path
    ready: dict[str, Any]
    demo: list[Person]
    _customers: list[Customer] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The origin, without a slash at its end."""
        return str(self.ready["url"]).rstrip("/")

    @property
    def api(self) -> str:
        return f"{self.url}/api/v1"

    def http(self) -> httpx.AsyncClient:
        """A client of the API that is nobody. The caller closes it."""
        return httpx.AsyncClient(verify=tls(), base_url=self.api, timeout=30, trust_env=False)

    def person(self, role: str) -> Person:
        """The first demo user with this role."""
        return next(person for person in self.demo if role in person.roles)

    # ------------------------------------------------------------ customers

    async def customer(self, *, enrolled: bool = True, **funds: str) -> Customer:
        """A new customer with a second factor and, by real deposits, the funds asked for: `customer(BTC="0.1")`."""
        customer = await Customer.register(self.http(), self.mine)
        self._customers.append(customer)
        if enrolled:
            await customer.enrol()
        for asset, amount in funds.items():
            await self.fund(customer, asset, amount)
        return customer

    async def sign_in(self, person: Person) -> Customer:
        """A demo user, signed in by token."""
        customer = Customer(self.http(), person.email, person.password, person.authenticator, self.mine)
        self._customers.append(customer)
        await customer.sign_in()
        return customer

    async def fund(self, customer: Customer, asset: str, amount: str) -> dict[str, Any]:
        """Send real coins to the customer's own address and wait until they are credited. Answers the deposit."""
        network = ADDRESS_NETWORK[asset]
        address = await customer.address(asset, network)
        txid = await self.faucet(asset, network, address, amount)
        await self.mine(network, 4)
        return await customer.deposit_in(txid, "credited", asset=asset)

    async def close(self) -> None:
        for customer in self._customers:
            await customer.close()
        self._customers.clear()

    # ------------------------------------------------------------ the sandbox's doors

    async def sandbox(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self.http() as http:
            answer = await http.post(f"/sandbox/{path}", json=body)
            assert answer.status_code < 300, answer.text
            found: dict[str, Any] = answer.json()
            return found

    async def faucet(self, asset: str, network: str, address: str, amount: str) -> str:
        sent = await self.sandbox("faucet", {"asset": asset, "network": network, "address": address, "amount": amount})
        return str(sent["txid"])

    async def mine(self, network: str, blocks: int = 1) -> int:
        return int((await self.sandbox("mine", {"network": network, "blocks": blocks}))["height"])

    # ------------------------------------------------------------ the chains, past the product

    async def bitcoin(self, method: str, *params: Any, wallet: bool = False) -> Any:
        """Raw JSON-RPC to the node; with `wallet`, to its funded wallet."""
        return await self._bitcoin(f"/wallet/{self.ready['bitcoin_wallet']}" if wallet else "/", method, params)

    async def bitcoin_in(self, wallet: str, method: str, *params: Any) -> Any:
        """Raw JSON-RPC to any of the node's wallets."""
        return await self._bitcoin(f"/wallet/{wallet}", method, params)

    async def _bitcoin(self, path: str, method: str, params: tuple[Any, ...]) -> Any:
        url = urlsplit(self.ready["bitcoin_rpc_url"])
        plain = urlunsplit((url.scheme, f"{url.hostname}:{url.port}", path, "", ""))
        return await _rpc(plain, method, params, auth=(url.username or "", url.password or ""))

    async def evm(self, method: str, *params: Any) -> Any:
        """Raw JSON-RPC to the EVM node."""
        return await _rpc(self.ready["evm_rpc_url"], method, params)

    async def bitcoin_received(self, address: str) -> Decimal:
        """What lies confirmed on an address, by the node's own set of unspent outputs."""
        found = await self.bitcoin("scantxoutset", "start", [f"addr({address})"])
        return Decimal(str(found["total_amount"]))

    async def ether(self, address: str) -> int:
        return int(await self.evm("eth_getBalance", address, "latest"), 16)

    async def usdt(self, address: str) -> int:
        """`balanceOf`, in base units."""
        data = "0x70a08231" + address.removeprefix("0x").lower().rjust(64, "0")
        return int(await self.evm("eth_call", {"to": self.ready["usdt_contract"], "data": data}, "latest"), 16)

    async def usdt_transfers(self, address: str) -> list[int]:
        """The amounts of every `Transfer` log of the token to this address, oldest first."""
        topic = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
        wanted = {
            "address": self.ready["usdt_contract"],
            "fromBlock": "0x0",
            "topics": [topic, None, "0x" + address.removeprefix("0x").lower().rjust(64, "0")],
        }
        return [int(found["data"], 16) for found in await self.evm("eth_getLogs", wanted)]

    async def new_address(self, network: str) -> str:
        """An address of nobody here: from the node's own wallet, or a fresh key."""
        if network == "bitcoin":
            return str(await self.bitcoin("getnewaddress", "", "bech32", wallet=True))
        from eth_account import Account  # half a second of import that most tests do not need

        return str(Account.create().address)

    # ------------------------------------------------------------ the operator's ways in

    async def database(self) -> "asyncpg.Connection[asyncpg.Record]":
        """A superuser's connection. The caller closes it."""
        return await asyncpg.connect(self.ready["database_url"])

    async def command(self, *words: str) -> tuple[int, str]:
        """`tidegate …` on this system's data: its exit code and what it printed."""
        process = await asyncio.create_subprocess_exec(
            str(TIDEGATE),
            *words,
            "--data",
            str(self.data),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, printed.decode()

    async def audit(self) -> tuple[int, dict[str, Any]]:
        """`tidegate audit books --json`: exit code and report."""
        process = await asyncio.create_subprocess_exec(
            str(TIDEGATE), "audit", "books", "--data", str(self.data), "--json", stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, json.loads(printed)

    # ------------------------------------------------------------ its processes

    def processes(self, part: str) -> list[int]:
        """Ids of the running processes of a part: api, worker, signer, venue, bitcoind, anvil."""
        found = []
        for pid in _descendants(int(self.ready["pid"])):
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
                if _is(part, words):
                    found.append(pid)
        return found

    @contextlib.contextmanager
    def stopped(self, part: str) -> Iterator[None]:
        """The part hangs (SIGSTOP) inside the block, as a machine does that went away, and goes on after it."""
        pids = self.processes(part)
        assert pids, f"no process of {part}"
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def signer_unreachable(self) -> Iterator[None]:
        """Nobody listens at the signer's socket inside the block; `stopped("signer")` is one that hangs."""
        socket_path = Path(tomllib.loads((self.data / "tidegate.toml").read_text())["signer"]["socket"])
        away = socket_path.with_suffix(".away")
        socket_path.rename(away)
        try:
            yield
        finally:
            away.rename(socket_path)


def _is(part: str, words: list[str]) -> bool:
    programs = [Path(word).name for word in words if word]
    if part in ("bitcoind", "anvil"):
        return part in programs
    if part == "venue":
        return "tidegate.sandbox.venue" in words
    # `tidegate worker …`, `python -m tidegate.cli worker …` or `python -m tidegate.worker`
    return (
        f"tidegate.{part}" in words
        or f"tidegate.sandbox.{part}" in words
        or (part in words and any(program in ("tidegate", "tidegate.cli") for program in programs))
    )


def _descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.append(child)
            waiting.append(child)
    return found


async def _rpc(url: str, method: str, params: tuple[Any, ...], auth: tuple[str, str] | None = None) -> Any:
    async with httpx.AsyncClient(verify=tls(), timeout=60, trust_env=False, auth=auth) as http:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = await http.post(url, json=request)
        body = json.loads(answer.text, parse_float=Decimal)
        assert not body.get("error"), f"{method}: {body['error']}"
        return body["result"]


def free_port() -> int:
    """A port that nothing listened on a moment ago."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def load(data: Path) -> Stack:
    """The running system of a data folder."""
    ready = json.loads((data / "ready.json").read_text())
    people = [
        Person(
            email=person["email"],
            password=person["password"],
            totp_secret=person["totp_secret"],
            roles=tuple(person["roles"]),
            # The seed used codes too; that of the present step is the first it promises to have left.
            authenticator=Authenticator(person["totp_secret"], spent=int(time.time()) // STEP - 1),
        )
        for person in ready["demo"]
    ]
    return Stack(data=data, ready=ready, demo=people)


# Whole systems share two cores in a run: each asks its nodes less often than an installation does, and prices move less often.
_CALM = {f"TIDEGATE_NETWORKS__{network}__POLL_SECONDS": "1" for network in ("BITCOIN", "ETHEREUM")} | {
    "TIDEGATE_SANDBOX__MARKET_SECONDS": "2"
}


def start(data: Path, *, port: int | None = None, extra: tuple[str, ...] = ()) -> "subprocess.Popen[bytes]":
    """`tidegate up` on this folder, once it is ready. Whoever starts it ends it with `stop`."""
    port = port or free_port()
    data.mkdir(parents=True, exist_ok=True)
    (data / "ready.json").unlink(missing_ok=True)
    log = data / "up.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(TIDEGATE), "up", "--port", str(port), "--data", str(data), "--no-browser", *extra],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=_CALM | os.environ,
        )
    deadline = time.monotonic() + START_SECONDS
    while True:
        if process.poll() is not None:
            pytest.fail(f"tidegate up ended with {process.returncode}:\n{_tail(log)}", pytrace=False)
        if (data / "ready.json").is_file() and _healthy(data):
            return process
        if time.monotonic() > deadline:
            stop(process)
            pytest.fail(f"tidegate up was not ready after {START_SECONDS} s:\n{_tail(log)}", pytrace=False)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM, as Ctrl-C would; SIGKILL to the whole session when that takes too long."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)


_ours: "list[subprocess.Popen[bytes]]" = []
_asleep = False


def rest() -> None:
    """Stop the run's system where it stands: idle, it takes half a core."""
    global _asleep
    if not _asleep:
        _asleep = True
        _signal_all(signal.SIGSTOP)


def rouse() -> None:
    """Let it go on, as a laptop does that was closed for a while."""
    global _asleep
    if _asleep:
        _asleep = False
        _signal_all(signal.SIGCONT)


def _signal_all(number: signal.Signals) -> None:
    for process in _ours:
        # The supervisor sleeps first and wakes last: it never sees a child that stands still.
        pids = [process.pid, *_descendants(process.pid)]
        for pid in pids if number == signal.SIGSTOP else reversed(pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def _healthy(data: Path) -> bool:
    try:
        url = json.loads((data / "ready.json").read_text())["url"]
        with urllib.request.urlopen(f"{url}/api/v1/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, ValueError, KeyError):
        return False


def _tail(log: Path, lines: int = 40) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder of a system that is ready."""
    given = os.environ.get("TIDEGATE_TEST_DATA")
    if given:
        yield Path(given)
        return
    data = tmp_path_factory.mktemp("stack")
    # As root, its PostgreSQL runs as somebody else: without a way in it would lie outside, on the disk.
    for folder in (data.parent, tmp_path_factory.getbasetemp()):
        folder.chmod(0o711)
    process = start(data)
    _ours.append(process)
    try:
        yield data
    finally:
        rouse()
        _ours.remove(process)
        stop(process)


@pytest.fixture(scope="session")
async def stack(running: Path) -> AsyncIterator[Stack]:
    """The whole system, ready. One for the whole run."""
    found = load(running)
    yield found
    await found.close()
