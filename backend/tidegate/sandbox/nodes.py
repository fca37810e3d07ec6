"""Real nodes for a laptop: `bitcoind -regtest` and anvil. Blocks are made by blocks.py, never by the nodes themselves.

async with bitcoind(folder) as node:   node.url, node.wallet, await node.mine(3)
async with anvil(folder) as node:      node.url, node.tokens["USDT"], await node.mine(3)
"""

import asyncio
import gzip
import hashlib
import hmac
import json
import os
import secrets
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

import platformdirs

from tidegate.sandbox.debian import BITCOIND, folder_of
from tidegate.sandbox.process import NotHere, StartFailed, end, free_port, run, spawn, tail, write_whole
from tidegate.sandbox.rpc import Rpc, RpcGone, RpcRefused

FAUCET_WALLET = "faucet"
CHAIN_ID = 31337
# Anvil's first account deploys them with its first two nonces, so that every sandbox has them at the same address.
TOKENS = {"USDT": "0x5FbDB2315678afecb367f032d93F642f64180aa3", "USDC": "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"}
_CONTRACTS = {"USDT": "TetherLike", "USDC": "PlainDollar"}
TOKEN_DECIMALS = 6
_SUPPLY_UNITS = 10**9 * 10**TOKEN_DECIMALS
_START_SECONDS = 60.0
# Newly made coins are spendable after 100 blocks; 200 leave a hundred mature ones of 50 BTC.
_FIRST_BLOCKS = 200
# Later blocks pay an output that anybody may spend: the faucet's wallet must not grow by a coin every few seconds.
_NOBODY = "raw(51)#8lvh9jxk"


async def find_bitcoind() -> Path:
    """TIDEGATE_BITCOIND, PATH, the user cache; else it is fetched once through apt. StartFailed says what to install."""
    named = os.environ.get("TIDEGATE_BITCOIND")
    if named:
        if not os.access(named, os.X_OK) or Path(named).is_dir():
            raise NotHere(f"TIDEGATE_BITCOIND names {named}, which is not a program.")
        return Path(named)
    if found := shutil.which("bitcoind"):
        return Path(found)
    cached = folder_of(BITCOIND) / "bitcoind"
    if not cached.is_file():
        try:
            await run([sys.executable, "-m", "tidegate.sandbox.debian", BITCOIND.name], seconds=300)
        except StartFailed as failure:
            raise NotHere(
                "There is no bitcoind. Install Bitcoin Core 28 or newer so that `bitcoind` is on PATH, or set "
                f"TIDEGATE_BITCOIND to it. Fetching it through apt did not work: {failure}"
            ) from failure
    return cached


async def find_anvil() -> Path:
    """TIDEGATE_ANVIL, the npm package beside this file, PATH, the user cache; else npm installs the pinned one there."""
    named = os.environ.get("TIDEGATE_ANVIL")
    if named:
        if not os.access(named, os.X_OK) or Path(named).is_dir():
            raise NotHere(f"TIDEGATE_ANVIL names {named}, which is not a program.")
        return Path(named)
    packaged = Path(str(resources.files("tidegate.sandbox"))) / "npm"
    if found := _anvil_in(packaged):
        return found
    if on_path := shutil.which("anvil"):
        return Path(on_path)
    lock = (packaged / "package-lock.json").read_bytes()
    cache = platformdirs.user_cache_path("tidegate") / f"npm-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not _anvil_in(cache):
        await _install_npm(packaged, cache)
    found = _anvil_in(cache)
    if found is None:
        raise NotHere("The npm package @foundry-rs/anvil has no program for this machine; set TIDEGATE_ANVIL.")
    return found


async def _install_npm(packaged: Path, cache: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotHere("There is no anvil and no npm to fetch it with. Install Node 20 or set TIDEGATE_ANVIL.")
    cache.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(packaged / name, cache / name)
    await run([npm, "ci"], cwd=cache, seconds=300)


def _anvil_in(folder: Path) -> Path | None:
    # The platform's package holds the program itself; the wrapper beside it would cost a Node process.
    found = sorted((folder / "node_modules/@foundry-rs").glob("anvil-*/bin/anvil"))
    return found[0] if found and os.access(found[0], os.X_OK) else None


class BitcoinNode:
    """`bitcoind -regtest` in a folder of its own, with generated credentials and no peers."""

    name = "bitcoind"

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder.resolve()
        self.port = port
        self.wallet = FAUCET_WALLET
        self.password = self._password()
        self.rpc = Rpc(self.url)
        self.process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://tidegate:{self.password}@127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "bitcoind.log"

    def _password(self) -> str:
        self.folder.mkdir(parents=True, exist_ok=True)
        note = self.folder / "rpc-password"
        if not note.is_file():
            write_whole(note, secrets.token_hex(24))
        return note.read_text()

    def _configure(self) -> Path:
        """The node keeps only a salted hash of the password, and its command line shows no secret."""
        salt = secrets.token_hex(16)
        digest = hmac.new(salt.encode(), self.password.encode(), hashlib.sha256).hexdigest()
        lines = ["regtest=1", "server=1", "listen=0", "dnsseed=0", "txindex=1", "fallbackfee=0.00005"]
        lines += ["rpcworkqueue=128", "persistmempool=1", f"rpcauth=tidegate:{salt}${digest}"]
        lines += ["[regtest]", "connect=0", "rpcbind=127.0.0.1", "rpcallowip=127.0.0.1", f"rpcport={self.port}"]
        write_whole(self.folder / "bitcoin.conf", "\n".join(lines) + "\n")
        return self.folder / "bitcoin.conf"

    async def launch(self) -> asyncio.subprocess.Process:
        program = await find_bitcoind()
        argv: list[str | Path] = [program, f"-datadir={self.folder}", f"-conf={self._configure()}", "-printtoconsole=0"]
        self.process = await spawn(argv, log=self.log)
        return self.process

    async def ready(self) -> None:
        """Until it answers and the faucet's wallet has mature coins."""
        await _answers(self.name, self.log, self.process, self.rpc, "getblockchaininfo")
        if FAUCET_WALLET not in await self.rpc.call("listwallets"):
            try:
                await self.rpc.call("loadwallet", FAUCET_WALLET, True)
            except RpcRefused:
                await self.rpc.call("createwallet", FAUCET_WALLET, False, False, "", False, True, True)
        if await self.height() < _FIRST_BLOCKS:
            address = await self.faucet("getnewaddress", "", "bech32")
            await self.rpc.call("generatetoaddress", _FIRST_BLOCKS, address)
            await self.keep()

    async def faucet(self, method: str, *params: Any) -> Any:
        """A call to the wallet with the coins."""
        return await self.rpc.call(method, *params, path=f"/wallet/{FAUCET_WALLET}")

    async def height(self) -> int:
        return int(await self.rpc.call("getblockcount"))

    async def mine(self, blocks: int = 1) -> int:
        """Make blocks now; the new height."""
        await self.rpc.call("generatetodescriptor", blocks, _NOBODY)
        return await self.height()

    async def mine_empty(self) -> None:
        """A block that takes nothing from the mempool."""
        await self.rpc.call("generateblock", _NOBODY, [])

    async def keep(self) -> None:
        """Put on disk what a killed node would forget: without peers it could never fetch its own blocks again."""
        await self.rpc.call("gettxoutsetinfo", "none")  # flushes the block index and the coins
        await self.rpc.call("savemempool")

    async def stop(self) -> None:
        if self.process is not None:
            await end(self.process, seconds=20)
        await self.rpc.close()


class EvmNode:
    """anvil without a miner of its own. It writes no state by itself: `keep` stores a snapshot, the next start loads it."""

    name = "anvil"

    def __init__(
        self, folder: Path, port: int, chain_id: int = CHAIN_ID, tokens: Mapping[str, str] = MappingProxyType(TOKENS)
    ) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = port
        self.chain_id = chain_id
        # In the order of their deployment, which decides their addresses.
        self.tokens = dict(tokens)
        self.rpc = Rpc(self.url)
        self.process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "anvil.log"

    @property
    def state(self) -> Path:
        return self.folder / "state.json"

    async def launch(self) -> asyncio.subprocess.Process:
        argv: list[str | Path] = [await find_anvil(), "--host", "127.0.0.1", "--port", str(self.port), "--silent"]
        argv += ["--chain-id", str(self.chain_id), "--no-mining", "--balance", "1000000", "--slots-in-an-epoch", "4"]
        # A few minutes of history answer every question of ours; without the limit each block costs a file.
        argv += ["--prune-history", "128"]
        if self.state.is_file():
            argv += ["--load-state", self.state]
        env = {key: value for key, value in os.environ.items() if not key.startswith(("ANVIL_", "FOUNDRY_"))}
        self.process = await spawn(argv, log=self.log, env={**env, "HOME": str(self.folder)}, cwd=self.folder)
        return self.process

    async def ready(self) -> None:
        """Until it answers and the tokens are deployed where they are expected."""
        await _answers(self.name, self.log, self.process, self.rpc, "eth_chainId")
        missing = [asset for asset in self.tokens if await self._code(asset) == "0x"]
        if missing:
            await self._deploy(missing)
            await self.keep()

    async def _code(self, asset: str) -> str:
        return str(await self.rpc.call("eth_getCode", self.tokens[asset], "latest"))

    async def _deploy(self, assets: list[str]) -> None:
        compiled = json.loads((resources.files("tidegate.sandbox") / "contracts" / "compiled.json").read_text())
        owner = (await self.accounts())[0]
        for asset in assets:
            code = compiled[_CONTRACTS[asset]]["bytecode"] + f"{_SUPPLY_UNITS:064x}"
            await self.rpc.call("eth_sendTransaction", {"from": owner, "data": code, "gas": hex(3_000_000)})
        await self.mine()
        for asset in assets:
            if await self._code(asset) == "0x":
                raise StartFailed(f"The sandbox's {asset} was not deployed at {self.tokens[asset]}.")

    async def accounts(self) -> list[str]:
        """Unlocked accounts with ether; the first one owns the tokens."""
        found: list[str] = await self.rpc.call("eth_accounts")
        return found

    async def height(self) -> int:
        return int(await self.rpc.call("eth_blockNumber"), 16)

    async def mine(self, blocks: int = 1) -> int:
        """Make blocks now; the new height."""
        await self.rpc.call("anvil_mine", hex(blocks))
        return await self.height()

    async def token_call(self, asset: str, data: str) -> str:
        answer: str = await self.rpc.call("eth_call", {"to": self.tokens[asset], "data": data}, "latest")
        return answer

    async def keep(self) -> None:
        """Store the chain in one step; a kill in the middle leaves the snapshot before."""
        packed: str = await self.rpc.call("anvil_dumpState")
        write_whole(self.state, gzip.decompress(bytes.fromhex(packed[2:])).decode())

    async def stop(self) -> None:
        if self.process is not None:
            if self.process.returncode is None:
                with suppress(RpcGone, RpcRefused):
                    await self.keep()
            await end(self.process, seconds=5)
        await self.rpc.close()


async def _answers(
    name: str,
    log: Path,
    process: asyncio.subprocess.Process | None,
    rpc: Rpc,
    method: str,
    seconds: float = _START_SECONDS,
) -> None:
    """Until the node answers a first question, however long it reads its disk."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while True:
        if process is not None and process.returncode is not None:
            raise StartFailed(f"{name} ended at start: {tail(log)}")
        try:
            await rpc.call(method)
            return
        except (RpcGone, RpcRefused) as error:  # -28: still loading
            if clock() > deadline:
                raise StartFailed(f"{name} does not answer after {seconds:.0f} s: {error}") from error
        await asyncio.sleep(0.05)


@asynccontextmanager
async def bitcoind(folder: Path, port: int | None = None) -> AsyncIterator[BitcoinNode]:
    """A regtest node for the length of a block."""
    node = BitcoinNode(folder, port or free_port())
    try:
        await node.launch()
        await node.ready()
        yield node
    finally:
        await asyncio.shield(node.stop())


@asynccontextmanager
async def anvil(
    folder: Path,
    port: int | None = None,
    chain_id: int = CHAIN_ID,
    tokens: Mapping[str, str] = MappingProxyType(TOKENS),
) -> AsyncIterator[EvmNode]:
    """An EVM node with the sandbox's tokens for the length of a block."""
    node = EvmNode(folder, port or free_port(), chain_id, tokens)
    try:
        await node.launch()
        await node.ready()
        yield node
    finally:
        await asyncio.shield(node.stop())
