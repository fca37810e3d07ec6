"""The house of the moves with an exchange beside it: a sandbox venue whose withdrawals the faucet really pays."""

import dataclasses
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from sqlalchemy import text

from tests.treasury.moving import House
from tests.venues.sandbox import Sandbox
from tidegate.database import utcnow
from tidegate.ledger import balances
from tidegate.ledger.rules import Outcome, house, venue
from tidegate.money import Amount, asset
from tidegate.sandbox.venue.funding import PENDING
from tidegate.sandbox.venue.prices import e8, number
from tidegate.transactions import audit
from tidegate.treasury import venue_steps, venue_store
from tidegate.treasury.fetch import Carrier
from tidegate.treasury.inventory import fund
from tidegate.venues.port import Venue

NETWORKS = {"BTC": "bitcoin", "USDT": "ethereum", "ETH": "ethereum"}
LATER = timedelta(minutes=11)
"""Past every pause between two looks at one move, and within the time for which a withdrawal is looked for."""


class Killed(BaseException):
    """The process ends here: nothing after it runs, no lease is given back."""


@dataclass
class Exchange:
    """One exchange beside the house; `later` is how far the clock is moved on, the first look being now."""

    house: House
    running: Sandbox
    client: Venue
    later: timedelta = -LATER

    @property
    def name(self) -> str:
        return self.running.dialect

    @property
    def carrier(self) -> Carrier:
        world = self.house.world
        return Carrier(db=world.db, lane=world.lane, chains=world.chains, venues={self.name: self.client})

    async def open(self) -> "Exchange":
        """Our books know what the account has, and the account may pay our hot addresses."""
        account = self.running.accounts[0]
        for code, network in NETWORKS.items():
            address = self.house.world.chains[network].hot_address
            self.running.world.allow(account.name, f"hot {code}", code, address)
        for held in await self.client.balances():
            if held.free:
                units = Amount.parse(
                    asset(held.asset), f"{held.free:f}"[: 9 if asset(held.asset).decimals == 6 else None]
                )
                place = venue(self.name, held.asset)
                verdict = await fund(self.house.world.lane, place, units.units, key=str(uuid.uuid4()))
                assert verdict.outcome is Outcome.POSTED
        return self

    async def wanted(self, code: str, amount: str, address: str | None = None) -> uuid.UUID:
        """A move to the wallet that somebody decided on."""
        network = NETWORKS[code]
        row = venue_store.to_wallet(
            venue=self.name,
            network=network,
            asset=code,
            units=Amount.parse(asset(code), amount).units,
            address=address or self.house.world.chains[network].hot_address,
            proposal_id=None,
            now=utcnow(),
        )
        found = row.id
        async with self.house.world.db.transaction() as session:
            session.add(row)
        return found

    async def step(self, *, after: timedelta = LATER) -> None:
        """One pass of the worker, so much later."""
        self.later += after
        await venue_steps.advance(self.carrier, utcnow() + self.later)

    async def row(self, move_id: uuid.UUID) -> Mapping[str, Any]:
        async with self.house.world.db.reading() as session:
            found = await session.execute(text("SELECT * FROM venue_moves WHERE id = :id"), {"id": move_id})
            return dict(found.mappings().one())

    async def receives_at(self, code: str, address: str) -> None:
        """The account's deposits of that asset go to this address."""
        self.running.world.funding.set_address(self.running.accounts[0].name, code, NETWORKS[code], address)

    def credit(self, code: str, amount: str, txid: str) -> None:
        """The exchange has seen this payment to the account, deep enough."""
        funding, now = self.running.world.funding, self.running.world.now()
        funding.credit(self.running.accounts[0].name, code, NETWORKS[code], e8(amount), txid, now)

    async def pay_out(self, network: str, blocks: int = 0) -> None:
        """The exchange sends what is pending there, from the faucet's wallet, and so many blocks are made."""
        funding = self.running.world.funding
        for one in funding.of(self.running.accounts[0].name):
            if one.state == PENDING:
                txid = await self.house.world.pay(one.asset, one.address, number(one.amount)[:-2])
                funding.complete(one.id, txid, self.running.world.now())
        await self.house.world.mine(network, blocks)

    def withdrawals(self) -> int:
        """How many the exchange ever made for us."""
        return len(self.running.world.funding.of(self.running.accounts[0].name))

    async def held(self, code: str) -> int:
        """What our books have at the exchange."""
        return await self.house.world.balance(venue(self.name, code))

    async def booked(self, name: Any, code: str) -> int:
        return await self.house.world.balance(house(name, code, NETWORKS[code] if name.startswith("wallet:") else ""))

    async def books_are_exact(self, network: str) -> None:
        """Ledger against the chain, the exchange and what is in transit, term by term."""
        world = self.house.world
        venues = {self.name: self.client}
        office: Any = SimpleNamespace(db=world.db, desk=SimpleNamespace(db=world.db, venues=venues))
        lines = await audit._chain_lines(office, world.chains[network])
        lines += await audit._venue_lines(office, self.name)
        for line in lines:
            assert line.difference == 0, dataclasses.asdict(line)
        async with world.db.snapshot() as session:
            totals = await balances.trial_balance(session)
            assert await audit._in_transit(session, totals) == []


def units(code: str, amount: str) -> int:
    return int(Decimal(amount).scaleb(asset(code).decimals))
