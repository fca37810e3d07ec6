"""The whole house on real nodes and a real signer: customers with coins, a worker's steps, books that must be exact."""

import time
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from tests.chains.conftest import House
from tests.chains.waiting import until
from tests.transactions.world import World
from tidegate.database import utcnow
from tidegate.ledger.rules import Posting, Transfer, customer, house
from tidegate.transactions import audit, pipeline
from tidegate.transactions import payouts as paying
from tidegate.treasury import move_steps
from tidegate.treasury.inventory import fund
from tidegate.treasury.moves import Mover
from tidegate.wallets import addresses
from tidegate.wallets import pipeline as wallets

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


class RealWorld(World):
    """A World whose chains and signer are the real ones of `house`."""

    house: House

    async def begin(self, found: House) -> "RealWorld":
        self.house = found
        await super().open()
        self.bitcoin, self.evm, self.signer = found.bitcoin, found.evm, found.door  # type: ignore[assignment]  # the real ones
        terms = found.settings.networks
        networks = {name: self.settings.networks[name].model_copy(update=_node(terms[name])) for name in terms}
        self.furnish(self.settings.model_copy(update={"networks": networks}))
        async with self.db.transaction() as session:
            # What the chain in memory called its beginning means nothing to a real one.
            await session.execute(text("UPDATE scan_cursors SET cursor = NULL"))
        for chain in (found.bitcoin, found.evm):
            await wallets.extend(self.db, chain)
        await self._take_stock()
        return self

    async def _take_stock(self) -> None:
        """The books begin with what the chains hold."""
        held = {
            "bitcoin": await self.house.bitcoin.balances([]),
            "ethereum": await self.house.evm.balances([self.house.evm.hot_address]),
        }
        for network, units in held.items():
            for code, amount in units.items():
                ref = house("wallet:hot", code, network)
                assert (await fund(self.lane, ref, amount, key=f"stock:{network}:{code}")).posted

    async def rich(self, **units: int) -> Any:
        """A customer who has this much; the coins are those of the hot wallet."""
        who = await self.someone()
        for code, amount in units.items():
            move = Transfer(house("capital", code), customer(who.id, "available", code), amount, "given")
            assert (await self.lane.submit(Posting(f"given:{uuid.uuid4()}", (move,), "deposit", who.id))).posted
        return who

    async def deposit_coin(self, units: int) -> None:
        """A customer's deposit of one coin, deep enough, booked as one."""
        who = await self.someone()
        async with self.db.transaction() as session:
            terms = self.settings.networks["bitcoin"]
            found, _ = await addresses.give(session, chain=self.house.bitcoin, terms=terms, user_id=who.id, asset="BTC")
        await self.house.send_bitcoin(found.address, units)
        await self.house.bitcoin_node.mine(2)
        move = Transfer(
            house("wallet:deposit", "BTC", "bitcoin"), customer(who.id, "available", "BTC"), units, "deposit"
        )
        assert (await self.lane.submit(Posting(f"deposit:{uuid.uuid4()}", (move,), "deposit", who.id))).posted

    async def payouts(
        self, code: str, to: Sequence[str], each: int, *, fee: int = 1_000, **offer: Any
    ) -> list[uuid.UUID]:
        """Verified withdrawals, one to each of these addresses, all in the queue."""
        who = await self.rich(**{code: (each + fee) * len(to)})
        found = []
        for address in to:
            made = await self.offer(who, code, deliver=each, fee=fee, **offer)
            found.append(uuid.UUID((await self.request(who, made, address=address)).body["id"]))
            await self.verify(who, found[-1])
        while await self.one("SELECT count(*) FROM withdrawals WHERE state = 'pending_screening'"):
            await self.soon()
            await pipeline.screen_step(self.office, self.spender)
        return found

    async def coins(self, count: int, each: int) -> None:
        """So many confirmed coins of the hot wallet, booked as capital."""
        faucet, amount = self.house.bitcoin_node.faucet, str(Decimal(each) / 10**8)
        for start in range(0, count, 100):
            call = self.house.bitcoin._wallet.call
            made = [await call("getrawchangeaddress", "bech32") for _ in range(min(100, count - start))]
            await faucet("sendmany", "", dict.fromkeys(made, amount))
        await self.house.bitcoin_node.mine(2)
        ref = house("wallet:hot", "BTC", "bitcoin")
        assert (await fund(self.lane, ref, count * each, key=f"coins:{uuid.uuid4()}")).posted

    async def rate(self, ids: Sequence[uuid.UUID]) -> float:
        """Payouts a second from the queue to the node's mempool, by the worker's own steps as they follow each other."""
        began = time.monotonic()
        steps = (paying.prepare_step, paying.sign_step, paying.broadcast_step)
        waiting = "SELECT count(*) FROM withdrawals WHERE state IN ('queued', 'signing', 'broadcasting')"
        while await self.one(waiting):
            for step in steps:
                await step(self.office, self.spender)
        assert await self.stand(ids) == [("confirming", None)]
        return len(ids) / (time.monotonic() - began)

    async def work(self, turns: int = 3) -> None:
        for _ in range(turns):
            await self.turn()

    async def mined(self, network: str, turns: int = 4) -> None:
        """A block after each turn of the worker."""
        for _ in range(turns):
            await self.block(network)
            await self.turn()

    async def turn_moves(self, mover: Mover) -> None:
        """Every step of the house's own moves once."""
        await self.soon()
        await move_steps.advance(mover, utcnow())

    def share(self, most: int) -> None:
        """So many payouts share a Bitcoin transaction at most."""
        bitcoin = self.settings.networks["bitcoin"].model_copy(update={"batch_most": most})
        self.furnish(self.settings.model_copy(update={"networks": {**self.settings.networks, "bitcoin": bitcoin}}))

    async def stand(self, ids: Sequence[uuid.UUID]) -> list[tuple[str, str | None]]:
        return sorted({await self.standing(one) for one in ids}, key=str)

    async def txids(self) -> list[str]:
        return [row[0] for row in await self.rows("SELECT txid FROM attempts ORDER BY created_at, id")]

    async def block(self, network: str, blocks: int = 1) -> None:
        """To a fresh address: the very block that a test declared invalid would be refused."""
        if network == "bitcoin":
            node = self.house.bitcoin_node
            await node.rpc.call("generatetoaddress", blocks, await node.faucet("getnewaddress"))
        else:
            await self.house.evm_node.mine(blocks)

    async def until_all(self, ids: Sequence[uuid.UUID], state: str, sub_status: str | None = None) -> None:
        """Until a worker's process has brought all of them there."""

        async def there() -> bool:
            return await self.stand(ids) == [(state, sub_status)]

        try:
            await until(there, state)
        except AssertionError as error:
            raise AssertionError(f"{error}: {await self.stand(ids)}") from None

    async def received(self, address: str, asset: str = "BTC") -> list[int]:
        """The payments that an address holds, by what the chain itself shows."""
        if asset == "BTC":
            found = await self.house.bitcoin_node.rpc.call("scantxoutset", "start", [f"addr({address})"])
            return [int(one["amount"] * 10**8) for one in found["unspents"]]
        topics = [TRANSFER, None, "0x" + address[2:].lower().rjust(64, "0")]
        wanted = {"address": self.house.evm_node.tokens[asset], "fromBlock": "0x0", "topics": topics}
        return [int(one["data"], 16) for one in await self.house.evm_node.rpc.call("eth_getLogs", wanted)]

    async def attempts(self, payout: uuid.UUID) -> list[Any]:
        """(state, txid, raw, set) of every transaction that was made for it, oldest first."""
        return await self.rows(
            "SELECT a.state, a.txid, a.raw, a.set_id FROM attempts a JOIN set_payouts p ON p.set_id = a.set_id"
            " WHERE p.payout_id = :id ORDER BY a.created_at, a.id",
            id=payout,
        )

    async def once(
        self, ids: Sequence[uuid.UUID], to: Sequence[str], units: int, asset: str = "BTC", *, but: Sequence[str] = ()
    ) -> None:
        """Each is completed, each recipient holds exactly what was asked, once, and the books are exact."""
        assert await self.stand(ids) == [("completed", None)]
        for address in to:
            assert await self.received(address, asset) == [units]
        await self.exact(but=but)

    async def long_ago(self) -> None:
        """What was sent was sent an hour ago."""
        await self.sql("UPDATE attempts SET broadcast_at = now() - interval '1 hour'")

    async def strangers(self, count: int) -> list[str]:
        calls = [await self.house.bitcoin_node.faucet("getnewaddress", "", "bech32") for _ in range(count)]
        return [str(one) for one in calls]

    async def exact(self, *, but: Sequence[str] = ()) -> None:
        """`but`: transactions that spent our coins behind the signer's back: told, and nothing else is."""
        report = await audit.run(self.office, now=utcnow())
        assert sorted(one.name for one in report.orphans) == sorted(but), report.to_json()
        report.orphans.clear()
        assert report.verdict == "exact", report.to_json()


def _node(terms: Any) -> dict[str, Any]:
    return {name: getattr(terms, name) for name in ("rpc_url", "confirmations", "tokens", "chain_id", "chain")}
