"""A house on real nodes that moves its own money: deposits seen by the scanner, moves signed by the signer's own rules."""

import dataclasses
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import text

from tests.wallets.world import World, credited, units
from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.evm.client import EvmChain
from tidegate.config import NetworkSettings, SignerSettings
from tidegate.database import utcnow
from tidegate.ledger.rules import Outcome, house
from tidegate.signer.bitcoin import BitcoinVault
from tidegate.signer.desk import Desk, open_vaults, policies_of
from tidegate.signer.journal import Journal
from tidegate.signing.client import SignerDoor
from tidegate.signing.frames import canonical, parse
from tidegate.signing.messages import Answer, Failed, Fence, SignMove, fence_of, request_of, wrap
from tidegate.transactions import audit
from tidegate.treasury import liquidity, move_steps
from tidegate.treasury.fees import Fees
from tidegate.treasury.inventory import fund
from tidegate.treasury.moves import Mover

COLD_BITCOIN = "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry"
COLD_ETHEREUM = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
COLD = {"bitcoin": COLD_BITCOIN, "ethereum": COLD_ETHEREUM}
FAR = timedelta(minutes=5)
"""Past every pause between two looks at one move."""
WEI_PER_UNIT = 5 * 10**8
"""A token's unit (a millionth) in wei, at 2,000 tokens an ether."""


class DeskDoor(SignerDoor):
    """The signer's desk behind the door's own messages, without a process in between."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.asked: list[SignMove] = []
        self.silent = 0
        """So many of the next answers are lost after the signer gave them."""

    async def sign_move(self, move: SignMove, *, under: Fence | None = None) -> Answer:
        self.asked.append(move)
        document = parse(canonical(wrap(move, under)))
        assert fence_of(document) is not None, "a request that names no lease"
        answer = self.desk.sign(request_of(document), fence_of(document))  # type: ignore[arg-type]  # it is a move
        if self.silent:
            self.silent -= 1
            return Failed("the answer was lost")
        return answer


@dataclass
class House:
    world: World
    folder: Path
    cold: dict[str, str] = field(default_factory=dict)
    venues: dict[str, dict[str, str]] = field(default_factory=dict)
    queued: dict[tuple[str, str], int] = field(default_factory=dict)
    door: DeskDoor = field(init=False)
    mover: Mover = field(init=False)
    journal: Journal | None = None
    later: timedelta = timedelta(0)

    def open(
        self,
        *,
        cold: Mapping[str, str] | None = None,
        venues: Mapping[str, dict[str, str]] | None = None,
        to_venue: Mapping[str, str] | None = None,
        **network: Any,
    ) -> "House":
        """`network`: settings of every network. Opened again it goes on with the same journal and other settings.

        `venues`: where the signer lets money go at exchanges, each move at most `to_venue`.
        """
        self.close()
        self.cold, self.venues = dict(cold or {}), dict(venues or {})
        networks = {
            name: NetworkSettings.model_validate(one.model_dump() | network)
            for name, one in self.world.settings.networks.items()
        }
        signer = SignerSettings(
            cold_addresses=self.cold, venue_addresses=self.venues, max_to_venue=dict(to_venue or {}), max_payout={}
        )
        settings = self.world.settings.model_copy(update={"networks": networks, "signer": signer})
        self.journal = Journal(self.folder / "journal.jsonl")
        vaults = open_vaults(self.world.seed, settings)
        desk = Desk(vaults, policies_of(settings), self.journal, self.folder / "frozen", lambda: utcnow().isoformat())
        self.door = DeskDoor(desk)
        self.mover = Mover(
            db=self.world.db,
            lane=self.world.lane,
            chains=self.world.chains,
            networks=networks,
            fees=Fees(self.world.chains, networks),
            signer=self.door,
            worth=lambda _, code, units: units if code == "ETH" else units * WEI_PER_UNIT,
            cold=lambda: self.cold,
            at_venues=lambda: self.venues,
        )
        return self

    def close(self) -> None:
        if self.journal is not None:
            self.journal.close()

    @property
    def evm(self) -> EvmChain:
        chain = self.world.chains["ethereum"]
        assert isinstance(chain, EvmChain)
        return chain

    @property
    def bitcoin(self) -> BitcoinChain:
        chain = self.world.chains["bitcoin"]
        assert isinstance(chain, BitcoinChain)
        return chain

    async def funded(self, code: str, amount: str) -> None:
        """The operator's capital on the hot address, mined and booked."""
        network = "bitcoin" if code == "BTC" else "ethereum"
        address = self.bitcoin.hot_address if code == "BTC" else self.evm.hot_address
        await self.world.pay(code, address, amount)
        await self.world.mine(network, self.world.chains[network].confirmations)
        hot = house("wallet:hot", code, network)
        verdict = await fund(self.world.lane, hot, units(code, amount), key=str(uuid.uuid4()))
        assert verdict.outcome is Outcome.POSTED

    async def stored_cold(self, code: str, units: int, network: str) -> None:
        """The books have so much in cold storage."""
        await fund(self.world.lane, house("wallet:cold", code, network), units, key=str(uuid.uuid4()))

    async def deposited(self, code: str, amount: str) -> str:
        """A customer's deposit that nothing can undo any more; its address."""
        user = await credited(self.world, code, amount)
        network = "bitcoin" if code == "BTC" else "ethereum"
        await self.world.mine(network, 18)
        await self.world.scan(network)
        row = await self.world.deposit(user)
        assert row["final_at"] is not None
        return str(row["address"])

    async def look(self) -> None:
        await liquidity.look(self.mover, self.queued, utcnow())

    async def advance(self) -> None:
        """As the worker does: whatever is due, a few steps of it."""
        for _ in range(3):
            self.later += FAR
            await move_steps.advance(self.mover, utcnow() + self.later)

    async def settle(self, network: str = "ethereum", blocks: int = 3) -> None:
        """Take what is under way to its end."""
        await self.advance()
        await self.world.mine(network, blocks)
        await self.advance()

    async def rows(self) -> list[dict[str, Any]]:
        """Moves, oldest first, with what became of their sets."""
        async with self.world.db.reading() as session:
            found = await session.execute(
                text("SELECT m.*, s.outcome FROM moves m JOIN attempt_sets s ON s.id = m.set_id ORDER BY m.created_at")
            )
            return [dict(row) for row in found.mappings()]

    async def books_are_exact(self, network: str = "ethereum") -> None:
        office: Any = SimpleNamespace(db=self.world.db, desk=SimpleNamespace(venues={}))
        for line in await audit._chain_lines(office, self.world.chains[network]):
            assert line.difference == 0, dataclasses.asdict(line)

    async def booked(self, name: Any, code: str, network: str = "") -> int:
        return await self.world.balance(house(name, code, network))

    async def on_chain(self, address: str, code: str = "ETH") -> int:
        return (await self.evm.balances([address]))[code]

    async def rival(self, set_id: uuid.UUID) -> str:
        """Signed bytes, in hex, that spend a coin of this set to ourselves, and were never the signer's answer."""
        async with self.world.db.reading() as session:
            row = (
                await session.execute(
                    text("SELECT txid, vout, units FROM reserved_inputs WHERE set_id = :id LIMIT 1"), {"id": set_id}
                )
            ).one()
        wallet = self.bitcoin._wallet
        address = await wallet.call("getrawchangeaddress", "bech32")
        inputs = [{"txid": row.txid, "vout": row.vout}]
        outputs = [{address: f"0.{int(row.units) - 1_000:08d}"}]
        psbt = await wallet.call("createpsbt", inputs, outputs, 0, True)
        psbt = (await wallet.call("walletprocesspsbt", psbt, False, "ALL", True))["psbt"]
        vault = BitcoinVault(self.world.seed, "regtest")
        decoded, txid, spend = vault.decode(psbt)
        return vault.sign(decoded, txid, spend, 500).raw.hex()
