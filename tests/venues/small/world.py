"""The three small venues as worlds of the contract (tidegate.venues.contract)."""

from collections.abc import Mapping
from decimal import Decimal

from tests.venues.small.engine import Engine
from tests.venues.small.server import Server
from tidegate.venues.port import Rights, Venue


class SmallWorld:
    asset, network, address = "BTC", "bitcoin", "bc1qhouse0000"

    def __init__(self, venue: Venue, symbol: str, server: Server, engine: Engine, rights: Rights) -> None:
        self.venue, self.symbol, self.server, self.engine, self.rights = venue, symbol, server, engine, rights

    async def held(self) -> Mapping[str, Decimal]:
        return dict(self.engine.balances)

    async def orders(self) -> int:
        return len(self.engine.orders)

    async def withdrawals(self) -> int:
        return len(self.engine.payouts)

    async def pay_out(self) -> None:
        self.engine.pay_out()

    async def lose_next_answer(self) -> None:
        self.server.lose = 1

    async def garble_next_answer(self) -> None:
        self.server.garble = 1

    async def fail_next(self) -> None:
        self.server.fail = 1

    async def limit_rate(self, seconds: int) -> None:
        self.server.limit = seconds

    async def down(self) -> None:
        await self.server.down()

    async def up(self) -> None:
        await self.server.up()
