"""Two EVM chains at once: same keys, same tokens, one the mirror of the other's contracts; nothing crosses over."""

import asyncio
import contextlib
import os
import sys
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from pydantic import ValidationError

from tests.chains.waiting import until
from tests.transactions.world import STEPS, World
from tests.venues.running import Running, running_venue
from tidegate.auth.gate import open_gate
from tidegate.chains.open import close_chains, open_chains
from tidegate.chains.port import Chain
from tidegate.chains.public import load_public
from tidegate.config import Settings
from tidegate.database import Database, utcnow
from tidegate.exchange import quote
from tidegate.exchange.desk import Desk
from tidegate.exchange.schemas import QuoteIn
from tidegate.idempotency import Keyed
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import house
from tidegate.markets.books import Markets
from tidegate.sandbox.nodes import TOKENS, EvmNode, anvil
from tidegate.sandbox.settings import toml
from tidegate.signing.client import SignerDoor
from tidegate.signing.messages import SignerStatus
from tidegate.transactions.office import Office
from tidegate.transactions.request import Asked, request
from tidegate.treasury.fees import Fees
from tidegate.treasury.inventory import fund
from tidegate.treasury.spend import Spender
from tidegate.wallets import addresses
from tidegate.wallets import pipeline as wallets
from tidegate.wallets.cashier import Cashier
from tidegate.wallets.recognise import recognise

# Deployed in the other order: on the second chain USDC stands where USDT stands on the first.
MIRRORED = {"USDC": TOKENS["USDT"], "USDT": TOKENS["USDC"]}
NETWORKS = ("ethereum", "mirror")
NO_KEY = Keyed(None, "")
MILLION = 10**6


@dataclass
class Twice(World):
    """The house on two real EVM chains, with a real signer and a venue for prices."""

    nodes: dict[str, EvmNode] = field(default_factory=dict)
    chains: dict[str, Chain] = field(default_factory=dict)

    async def furnish_with(self, markets: Markets) -> None:
        self.gate = open_gate(self.db, self.settings)
        settings, chains, fees = self.settings, self.chains, Fees(self.chains, self.settings.networks)
        desk = Desk(db=self.db, lane=self.lane, markets=markets, venues={}, fees=fees, chains=chains, settings=settings)
        cashier = Cashier(self.db, settings, chains, markets.estimate)
        self.office = Office(
            db=self.db, lane=self.lane, settings=settings, chains=chains, fees=fees, desk=desk, cashier=cashier
        )
        door = SignerDoor(settings.signer.socket)
        self.spender = Spender(db=self.db, chains=chains, networks=settings.networks, fees=fees, signer=door)
        for network, chain in chains.items():
            await chain.prepare()
            await wallets.extend(self.db, chain)
            await self.send(network, "ETH", chain.hot_address, 10**18)
            await self.send(network, "USDT", chain.hot_address, 1_000 * MILLION)
            await self.nodes[network].mine()
            for code, units in (("ETH", 10**18), ("USDT", 1_000 * MILLION)):
                assert (await fund(self.lane, house("wallet:hot", code, network), units, key=f"{network}{code}")).posted

    async def send(self, network: str, code: str, address: str, units: int) -> None:
        node = self.nodes[network]
        owner = (await node.accounts())[0]
        call = {"from": owner, "to": address, "value": hex(units)}
        if code != "ETH":
            data = f"0xa9059cbb{int(address, 16):064x}{units:064x}"
            call = {"from": owner, "to": node.tokens[code], "data": data, "gas": hex(200_000)}
        await node.rpc.call("eth_sendTransaction", call)

    async def held(self, network: str, code: str, address: str) -> int:
        node = self.nodes[network]
        if code == "ETH":
            return int(await node.rpc.call("eth_getBalance", address, "latest"), 16)
        return int(await node.token_call(code, f"0x70a08231{int(address, 16):064x}"), 16)

    async def address(self, user_id: uuid.UUID, network: str) -> str:
        async with self.db.transaction() as session:
            found, _ = await addresses.give(
                session,
                chain=self.chains[network],
                terms=self.settings.networks[network],
                user_id=user_id,
                asset="USDT",
            )
        return found.address

    async def deposited(self, user_id: uuid.UUID, network: str, units: int) -> None:
        address = await self.address(user_id, network)
        await self.send(network, "USDT", address, units)
        await self.nodes[network].mine(self.chains[network].confirmations)
        for name in NETWORKS:
            while await wallets.scan(self.db, self.lane, self.chains[name], self.settings, utcnow()):
                pass

    async def turn(self, *, mine: int = 0) -> int:
        await self.soon()
        found = 0
        for step in reversed(STEPS):
            found += await step(self.office, self.spender)
        for node in self.nodes.values():
            await node.mine(mine or 1)
        return found


@contextlib.asynccontextmanager
async def signing(settings_file: Path, door: SignerDoor) -> AsyncIterator[None]:
    env = {**os.environ, "TIDEGATE_CONFIG": str(settings_file)}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tidegate.signer", env=env)

    async def answers() -> bool:
        assert process.returncode is None, "the signer ended at start"
        return isinstance(await door.status(), SignerStatus)

    try:
        await until(answers, "the signer to answer")
        yield
    finally:
        process.terminate()
        await process.wait()


def networks_of(nodes: dict[str, EvmNode]) -> dict[str, Any]:
    return {
        name: {
            "kind": "evm",
            "name": name.title(),
            "rpc_url": node.url,
            "chain_id": node.chain_id,
            "confirmations": 2,
            "block_seconds": 1,
            "tokens": {code: {"contract": contract, "decimals": 6} for code, contract in node.tokens.items()},
        }
        for name, node in nodes.items()
    }


@pytest.fixture(scope="module")
async def surroundings(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[dict[str, EvmNode], Running]]:
    folder = tmp_path_factory.mktemp("two")
    async with (
        anvil(folder / "first") as first,
        anvil(folder / "second", chain_id=31_338, tokens=MIRRORED) as second,
        running_venue(folder / "venue") as running,
    ):
        yield dict(zip(NETWORKS, (first, second), strict=True)), running


@pytest.fixture
async def twice(
    db: Database,
    lane: Lane,
    settings: Settings,
    superuser_db: Database,
    tmp_path: Path,
    surroundings: tuple[dict[str, EvmNode], Running],
) -> AsyncIterator[Twice]:
    nodes, running = surroundings
    caps = {"ETH": "10", "USDT": "1000"}
    tables: dict[str, Any] = {
        "mode": "sandbox",
        "networks": networks_of(nodes),
        "signer": {
            "socket": tmp_path / "run" / "signer.sock",
            "directory": tmp_path / "signer",
            "passphrase_file": tmp_path / "passphrase",
            "public_file": tmp_path / "signer-public.json",
            "max_payout": caps,
        },
    }
    (tmp_path / "tidegate.toml").write_text(toml(tables))
    told = Settings.model_validate({**tables, "database": settings.database, "auth": settings.auth})
    async with signing(tmp_path / "tidegate.toml", SignerDoor(told.signer.socket)):
        chains = open_chains(told, load_public(told.signer.public_file))
        client = running.client(timeout=3)
        world = Twice(db, lane, told, (), superuser_db, nodes=nodes, chains=chains)  # type: ignore[arg-type]
        await world.furnish_with(Markets({"binance": client}, told))
        yield world
        await client.close()
        await close_chains(chains)


async def quoted(world: Twice, user_id: uuid.UUID, network: str, amount: str) -> dict[str, Any]:
    asked = QuoteIn.model_validate(
        {
            "kind": "withdrawal",
            "side": "exact_out",
            "from_asset": "USDT",
            "to_asset": "USDT",
            "network": network,
            "amount": amount,
        }
    )
    return (await quote.create(world.office.desk, user_id=user_id, asked=asked, keyed=NO_KEY)).body


async def test_a_deposit_a_quote_and_a_withdrawal_on_the_second_chain_leave_the_first_alone(twice: Twice) -> None:
    ana = await twice.someone()
    await twice.deposited(ana.id, "mirror", 200 * MILLION)
    assert await twice.available(ana.id, "USDT") == (200 * MILLION, 0)
    assert await twice.balance(house("wallet:deposit", "USDT", "mirror")) == 200 * MILLION
    assert await twice.balance(house("wallet:deposit", "USDT", "ethereum")) == 0

    recipient = str(Account.create().address)
    offer = await quoted(twice, ana.id, "mirror", "50")
    asked = Asked(quote_id=uuid.UUID(offer["id"]), address=recipient, beneficiary_id=None, reference=None)
    made = await request(twice.office, ana.subject, asked, NO_KEY, utcnow())
    withdrawal = uuid.UUID(made.body["id"])
    await twice.verify(ana, withdrawal)
    await twice.until(withdrawal, "completed")

    assert await twice.held("mirror", "USDT", recipient) == 50 * MILLION
    assert await twice.held("mirror", "USDC", recipient) == 0
    assert await twice.held("ethereum", "USDT", recipient) == await twice.held("ethereum", "USDC", recipient) == 0
    assert await twice.balance(house("wallet:hot", "USDT", "mirror")) == 950 * MILLION
    assert await twice.balance(house("wallet:hot", "USDT", "ethereum")) == 1_000 * MILLION
    assert await twice.balance(house("wallet:hot", "ETH", "ethereum")) == 10**18
    assert await twice.balance(house("wallet:hot", "ETH", "mirror")) < 10**18


@pytest.mark.slow
async def test_while_no_other_node_agrees_nothing_is_credited_and_nothing_is_paid_and_it_says_so(twice: Twice) -> None:
    ana = await twice.someone()
    await twice.deposited(ana.id, "mirror", 200 * MILLION)
    told = networks_of(twice.nodes)
    told["mirror"]["others"] = {"second": {"url": twice.nodes["ethereum"].url}}
    settings = Settings.model_validate({**twice.settings.model_dump(), "networks": told})
    doubted = open_chains(settings, load_public(settings.signer.public_file))
    well, twice.chains["mirror"] = twice.chains["mirror"], doubted["mirror"]

    await twice.deposited(ana.id, "mirror", 30 * MILLION)
    assert await twice.available(ana.id, "USDT") == (200 * MILLION, 0)
    assert "second: it is on chain id 31337" in await twice.one(
        "SELECT reason FROM scan_cursors WHERE network = 'mirror' AND NOT fit"
    )
    recipient = str(Account.create().address)
    offer = await quoted(twice, ana.id, "mirror", "50")
    asked = Asked(quote_id=uuid.UUID(offer["id"]), address=recipient, beneficiary_id=None, reference=None)
    withdrawal = uuid.UUID((await request(twice.office, ana.subject, asked, NO_KEY, utcnow())).body["id"])
    await twice.verify(ana, withdrawal)
    for _ in range(6):
        await twice.turn()
    assert await twice.standing(withdrawal) == ("queued", "awaiting_node")
    assert await twice.held("mirror", "USDT", recipient) == 0

    twice.chains["mirror"] = well
    await twice.until(withdrawal, "completed")
    assert await twice.held("mirror", "USDT", recipient) == 50 * MILLION
    while await wallets.scan(twice.db, twice.lane, well, twice.settings, utcnow()):
        pass
    assert sum(await twice.available(ana.id, "USDT")) > 175 * MILLION
    await close_chains(doubted)


@pytest.mark.slow
async def test_an_invoice_names_its_chain_and_a_contract_means_what_it_is_there(twice: Twice) -> None:
    ana = await twice.someone()
    recipient = str(Account.create().address)

    async def read(text: str) -> tuple[Any, Any]:
        found = await recognise(
            twice.office.cashier, user_id=ana.id, asset="USDT", network=None, text=text, keyed=NO_KEY
        )
        return found.body["networks"], found.body["reason"]

    assert await read(recipient) == (["ethereum", "mirror"], None)
    transfer = f"/transfer?address={recipient}&uint256=5e6"
    assert await read(f"ethereum:{TOKENS['USDT']}@31337{transfer}") == (["ethereum"], None)
    assert await read(f"ethereum:{TOKENS['USDC']}@31338{transfer}") == (["mirror"], None)
    assert await read(f"ethereum:{TOKENS['USDT']}@31338{transfer}") == ([], "other_asset")
    # Without a chain it is one token here and another there: it is not for us to guess.
    assert await read(f"ethereum:{TOKENS['USDT']}{transfer}") == ([], "other_asset")


@pytest.mark.slow
async def test_a_token_with_other_decimals_than_the_house_reckons_with_is_refused_on_that_chain_alone(
    twice: Twice,
) -> None:
    told = networks_of(twice.nodes)
    told["mirror"]["tokens"]["USDT"]["decimals"] = 18
    settings = Settings.model_validate({**twice.settings.model_dump(), "networks": told})
    chains = open_chains(settings, load_public(settings.signer.public_file))
    assert (await chains["ethereum"].health()).fit
    assert "USDT is set to 18 decimals" in (await chains["mirror"].health()).reason
    await close_chains(chains)


def test_the_same_chain_under_two_names_is_refused() -> None:
    network = {"kind": "evm", "chain_id": 1}
    with pytest.raises(ValidationError, match="is the same chain as"):
        Settings(networks={"a": network, "b": network})
    Settings(networks={"a": network, "b": {"kind": "evm", "chain_id": 10}})
