"""Real nodes, a real database, and the words tests use for what customers and chains do."""

import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.evm.client import EvmChain
from tidegate.chains.port import Chain
from tidegate.chains.public import BitcoinKeys, EvmKeys
from tidegate.config import NetworkSettings, Settings
from tidegate.database import Database, new_id, utcnow
from tidegate.ledger.balances import balance, balances_of
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import AccountRef
from tidegate.money import Amount, asset
from tidegate.sandbox.nodes import BitcoinNode, EvmNode
from tidegate.signer.bitcoin import BitcoinVault
from tidegate.signer.keys import Seed, make_seed
from tidegate.wallets import addresses, pipeline, store
from tidegate.wallets.cashier import Cashier

NETWORK = {"BTC": "bitcoin", "ETH": "ethereum", "USDT": "ethereum", "USDC": "ethereum"}
TRANSFER = "a9059cbb"


def bitcoin_chain(settings: NetworkSettings, seed: Seed) -> BitcoinChain:
    external, internal = BitcoinVault(seed, "regtest").public_descriptors()
    return BitcoinChain("bitcoin", settings, BitcoinKeys("regtest", external, internal), seed.born)


def evm_chain(settings: NetworkSettings, seed: Seed) -> EvmChain:
    return EvmChain("ethereum", settings, EvmKeys(seed.evm_address(), seed.evm_deposit_xpub()))


def on_nodes(settings: Settings, bitcoin: BitcoinNode, evm: EvmNode) -> Settings:
    """The test's settings, pointed at running nodes; the wallet's name is this test's own."""
    networks = {name: network.model_dump() for name, network in settings.networks.items()}
    networks["bitcoin"] |= {"rpc_url": bitcoin.url, "wallet": f"watch-{uuid.uuid4().hex[:12]}"}
    networks["ethereum"] |= {"rpc_url": evm.url}
    for code, contract in evm.tokens.items():
        networks["ethereum"]["tokens"][code]["contract"] = contract
    return settings.model_copy(
        update={"networks": {name: NetworkSettings.model_validate(one) for name, one in networks.items()}}
    )


async def a_user(db: Database, email: str | None = None) -> uuid.UUID:
    """A customer, without a password anybody knows."""
    user_id, now = new_id(), utcnow()
    address = email or f"{user_id}@demo.example"
    async with db.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO users (id, email, email_canonical, password_hash, password_changed_at, created_at)"
                " VALUES (:id, :email, :email, 'none', :now, :now)"
            ),
            {"id": user_id, "email": address, "now": now},
        )
    return user_id


async def begun(db: Database, network: str, cursor: str) -> None:
    """As when it is written down where the scans of this network begin: before it none of its addresses is handed out."""
    async with db.transaction() as session:
        await store.lock_scan(session, network=network, now=utcnow())
        await store.save_scan(session, network=network, values={"cursor": cursor})


@dataclass
class World:
    """One installation: its own keys, its own database, on shared nodes."""

    db: Database
    lane: Lane
    settings: Settings
    bitcoin: BitcoinNode
    evm: EvmNode
    seed: Seed = field(default_factory=lambda: make_seed(int(time.time())))
    chains: dict[str, Chain] = field(default_factory=dict)

    async def open(self) -> "World":
        self.chains = {
            "bitcoin": bitcoin_chain(self.settings.networks["bitcoin"], self.seed),
            "ethereum": evm_chain(self.settings.networks["ethereum"], self.seed),
        }
        for chain in self.chains.values():
            await chain.prepare()
            await pipeline.extend(self.db, chain)
        return self

    async def close(self) -> None:
        for chain in self.chains.values():
            assert isinstance(chain, BitcoinChain | EvmChain)
            await chain.close()

    @property
    def cashier(self) -> Cashier:
        return Cashier(self.db, self.settings, self.chains)

    async def user(self) -> uuid.UUID:
        return await a_user(self.db)

    async def address(self, user_id: uuid.UUID, code: str) -> str:
        network = NETWORK[code]
        async with self.db.transaction() as session:
            found, _ = await addresses.give(
                session,
                chain=self.chains[network],
                terms=self.settings.networks[network],
                user_id=user_id,
                asset=code,
            )
        return found.address

    async def pay(self, code: str, address: str, amount: str) -> str:
        """Somebody outside pays; nothing is mined. The txid."""
        units = Amount.parse(asset(code), amount).units
        if code == "BTC":
            txid = await self.bitcoin.faucet("sendtoaddress", address, amount)
            return str(txid)
        sender = (await self.evm.accounts())[0]
        if code == "ETH":
            call = {"from": sender, "to": address, "value": hex(units)}
        else:
            data = f"0x{TRANSFER}{int(address, 16):064x}{units:064x}"
            call = {"from": sender, "to": self.evm.tokens[code], "data": data, "gas": hex(100_000)}
        return str(await self.evm.rpc.call("eth_sendTransaction", call))

    async def mine(self, network: str, blocks: int = 1) -> None:
        if network == "ethereum":
            await self.evm.mine(blocks)
            return
        # To a fresh address: after a reorg the very block that was invalidated would be refused.
        miner = await self.bitcoin.faucet("getnewaddress")
        await self.bitcoin.rpc.call("generatetoaddress", blocks, miner)

    async def scan_once(self, network: str, now: datetime | None = None) -> bool:
        return await pipeline.scan(self.db, self.lane, self.chains[network], self.settings, now or utcnow())

    async def scan(self, network: str, now: datetime | None = None) -> None:
        """As the worker does: again while there is more."""
        while await self.scan_once(network, now):
            pass

    async def deposits(self, user_id: uuid.UUID) -> list[dict[str, Any]]:
        """The user's deposits, newest first, as stored."""
        async with self.db.reading() as session:
            rows = await session.execute(
                text("SELECT * FROM deposits WHERE user_id = :user ORDER BY id DESC"), {"user": user_id}
            )
            return [dict(row) for row in rows.mappings()]

    async def deposit(self, user_id: uuid.UUID) -> dict[str, Any]:
        (found,) = await self.deposits(user_id)
        return found

    async def available(self, user_id: uuid.UUID, code: str) -> str:
        async with self.db.reading() as session:
            held = (await balances_of(session, user_id)).get(code)
        return Amount(asset(code), held.available if held else 0).text

    async def balance(self, ref: AccountRef) -> int:
        async with self.db.reading() as session:
            return await balance(session, ref)

    async def events(self, user_id: uuid.UUID) -> list[tuple[str, int]]:
        """(kind, version) of everything told to the user, in order."""
        async with self.db.reading() as session:
            rows = await session.execute(
                text("SELECT kind, version FROM events WHERE user_id = :user ORDER BY sequence"), {"user": user_id}
            )
            return [(row[0], row[1]) for row in rows]


def units(code: str, amount: str) -> int:
    return Amount.parse(asset(code), amount).units


def text_of(code: str, found: int | Decimal) -> str:
    return Amount(asset(code), int(found)).text


AMOUNTS = {"BTC": "0.12345678", "ETH": "1.234567890123456789", "USDT": "25.000001", "USDC": "3.500000"}


async def paid(world: World, code: str, amount: str | None = None) -> uuid.UUID:
    """A new customer with one payment in the mempool."""
    user = await world.user()
    await world.pay(code, await world.address(user, code), amount or AMOUNTS[code])
    return user


async def credited(world: World, code: str, amount: str | None = None) -> uuid.UUID:
    """A new customer with one credited deposit."""
    user = await paid(world, code, amount)
    await world.mine(NETWORK[code], world.chains[NETWORK[code]].confirmations)
    await world.scan(NETWORK[code])
    assert (await world.deposit(user))["state"] == "credited"
    return user
