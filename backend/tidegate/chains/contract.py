"""What every chain driver must pass, ours and those of other distributions (docs/chains.md).

Subclass `ChainContract` in a test module and give it a fixture `world`; pytest with pytest-asyncio runs the rest. The
world is a driver on a node of a test chain, prepared and with money in its hot wallet, and the hands of everybody else
on that chain.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from tidegate.chains.families import keeps_accounts, keeps_coins
from tidegate.chains.port import Address, AddressProblem, Arrival, Chain, Fate, NodeUnavailable, Sighting, Submitted

_MOST_SCANS = 200


class World(Protocol):
    """One driver and its surroundings. `units`: a payment well above dust that the hot wallet holds fifty times."""

    chain: Chain
    units: int
    refused: Mapping[str, AddressProblem]
    """Texts that must not be paid on this network, and why."""

    async def stranger(self) -> str:
        """Somebody else's address, canonically spelled, that was never paid."""
        ...

    async def pay(self, address: str, units: int) -> str:
        """Somebody pays in the network's own coin; nothing is mined. The transaction's id."""
        ...

    async def resend(self, txid: str) -> None:
        """Make the node know a payment again that a reorg may have thrown out of its memory."""
        ...

    async def mine(self, blocks: int = 1) -> None: ...

    async def reorg(self, depth: int) -> None:
        """Another branch takes over: the newest `depth` blocks give way to one more, all of them empty."""
        ...

    async def sign(self, address: str, units: int) -> bytes:
        """A payment from the hot wallet in the network's own coin, signed and not sent."""
        ...

    def lose_next_answer(self) -> None:
        """The node acts on the next sending, and its answer never comes back."""
        ...

    async def down(self) -> None:
        """The node cannot be reached until `up`."""
        ...

    async def up(self) -> None: ...

    async def restart(self) -> None:
        """The node's process ends and starts again with its chain; what waited for a block may be forgotten."""
        ...


class Scan:
    """Scans as the worker does: on from the stored cursor, again while there is more."""

    def __init__(self, chain: Chain, watched: Sequence[str], cursor: str | None = None) -> None:
        self.chain = chain
        self.watched = watched
        self.cursor = cursor
        self.found: dict[tuple[str, int], Arrival] = {}
        self.gone: set[str] = set()

    async def run(self, open_txids: Sequence[str] = ()) -> "Scan":
        self.gone = set()
        for _ in range(_MOST_SCANS):
            seen = await self.chain.arrivals(self.cursor, self.watched, open_txids)
            self.found |= {(one.txid, one.index): one for one in seen.seen}
            self.gone |= set(seen.gone)
            if seen.cursor == self.cursor:
                return self
            self.cursor = seen.cursor
        raise AssertionError("the scan never comes to an end")

    def of(self, txid: str) -> list[Arrival]:
        return [one for (found, _), one in self.found.items() if found == txid]


class ChainContract:
    """Each method is one promise of chains.port, kept on a living node."""

    # --- addresses

    async def test_our_deposit_addresses_are_payable_and_spelled_as_they_are_judged(self, world: World) -> None:
        for index in (0, 1, 999):
            address = world.chain.deposit_address(index)
            judged = world.chain.judge(address)
            assert isinstance(judged, Address) and judged.text == address

    async def test_deposit_addresses_differ_and_none_of_them_is_the_hot_wallets(self, world: World) -> None:
        addresses = [world.chain.deposit_address(index) for index in range(50)]
        assert len({*addresses, world.chain.hot_address}) == 51
        assert addresses == [world.chain.deposit_address(index) for index in range(50)]

    async def test_what_must_not_be_paid_is_refused_with_the_reason(self, world: World) -> None:
        assert {text: world.chain.judge(text) for text in world.refused} == dict(world.refused)
        for text in ("", " ", "x" * 10_000, "\x00", "0x", "ü", world.chain.deposit_address(0) + "0"):
            assert isinstance(world.chain.judge(text), AddressProblem)

    # --- the chain

    async def test_the_tip_rises_block_by_block_under_new_hashes(self, world: World) -> None:
        before = await world.chain.tip()
        await world.mine(2)
        after = await world.chain.tip()
        assert after.height == before.height + 2 and after.hash != before.hash

    async def test_a_node_that_is_well_is_fit(self, world: World) -> None:
        found = await world.chain.health()
        assert found.fit and found.height == (await world.chain.tip()).height

    async def test_faster_never_costs_less(self, world: World) -> None:
        rates = await world.chain.fee_rates()
        assert 0 < rates.economy <= rates.standard <= rates.fast

    # --- deposits

    async def test_a_payment_is_seen_exactly_and_counts_its_blocks(self, world: World) -> None:
        address = world.chain.deposit_address(10)
        scan = await Scan(world.chain, [address]).run()
        txid = await world.pay(address, world.units)
        await world.mine()
        for confirmations in (1, 2, 3):
            (seen,) = (await scan.run([txid])).of(txid)
            assert (seen.address, seen.units, seen.asset) == (address, world.units, world.chain.gas_asset)
            assert seen.confirmations == confirmations and seen.block_hash and seen.block_height
            await world.mine()

    async def test_what_is_paid_to_others_is_nothing_of_ours(self, world: World) -> None:
        scan = await Scan(world.chain, [world.chain.deposit_address(11)]).run()
        await world.pay(await world.stranger(), world.units)
        await world.mine()
        assert (await scan.run()).of("") == [] and not scan.found

    async def test_nothing_between_two_cursors_is_lost_and_an_old_cursor_shows_it_again(self, world: World) -> None:
        address = world.chain.deposit_address(12)
        scan = await Scan(world.chain, [address]).run()
        start, paid = scan.cursor, []
        for _ in range(3):
            paid.append(await world.pay(address, world.units))
            await world.mine()
            await scan.run()
        await world.mine(3)
        assert {txid for txid, _ in (await scan.run()).found} == set(paid)
        again = await Scan(world.chain, [address], start).run()
        assert {txid for txid, _ in again.found} == set(paid) and len(again.found) == len(paid)

    async def test_an_open_payment_is_told_by_name_though_the_cursor_is_past_it(self, world: World) -> None:
        address = world.chain.deposit_address(13)
        scan = await Scan(world.chain, [address]).run()
        txid = await world.pay(address, world.units)
        await world.mine(12)
        await scan.run()
        await world.mine(12)
        (seen,) = (await scan.run([txid])).of(txid)
        assert seen.confirmations == 24 and txid not in scan.gone

    async def test_a_reorg_takes_a_payment_back_and_it_may_return(self, world: World) -> None:
        address = world.chain.deposit_address(14)
        scan = await Scan(world.chain, [address]).run()
        txid = await world.pay(address, world.units)
        await world.mine(2)
        await scan.run()
        await world.reorg(2)
        scan.found.clear()
        await scan.run([txid])
        assert txid in scan.gone or [one.confirmations for one in scan.of(txid)] == [0]
        await world.resend(txid)
        await world.mine(2)
        (seen,) = (await scan.run([txid])).of(txid)
        assert seen.confirmations == 2 and txid not in scan.gone

    # --- payouts

    async def _paid(self, world: World, txid: str) -> Sighting:
        seen = await world.chain.sighting(txid, world.chain.gas_asset)
        assert seen.fate is Fate.MINED and seen.fee_units is not None and seen.fee_units > 0
        return seen

    async def _held(self, world: World) -> int:
        return (await world.chain.balances([world.chain.hot_address]))[world.chain.gas_asset]

    async def test_a_payout_arrives_once_however_often_it_is_sent(self, world: World) -> None:
        address, before = await world.stranger(), await self._held(world)
        raw = await world.sign(address, world.units)
        sent = await world.chain.submit(raw)
        assert sent.outcome is Submitted.ACCEPTED
        assert (await world.chain.submit(raw)).outcome is Submitted.ACCEPTED
        await world.mine()
        assert (await world.chain.submit(raw)).outcome is Submitted.ACCEPTED
        await world.mine(2)
        seen = await self._paid(world, sent.detail)
        assert seen.paid[address] == world.units and seen.confirmations == 3
        assert await self._held(world) == before - world.units - (seen.fee_units or 0)

    async def test_an_answer_that_was_lost_is_unknown_and_never_a_second_payout(self, world: World) -> None:
        address, before = await world.stranger(), await self._held(world)
        raw = await world.sign(address, world.units)
        world.lose_next_answer()
        assert (await world.chain.submit(raw)).outcome is Submitted.UNKNOWN
        again = await world.chain.submit(raw)
        assert again.outcome is Submitted.ACCEPTED
        await world.mine(2)
        final = await world.chain.submit(raw)
        assert final.outcome is Submitted.ACCEPTED
        assert await self._held(world) < before - world.units
        assert await self._held(world) > before - 2 * world.units

    async def test_a_node_that_restarts_between_two_sendings_pays_once(self, world: World) -> None:
        scan = await Scan(world.chain, [world.chain.deposit_address(15)]).run()
        address, before = await world.stranger(), await self._held(world)
        raw = await world.sign(address, world.units)
        sent = await world.chain.submit(raw)
        await world.restart()
        assert (await world.chain.submit(raw)).outcome is Submitted.ACCEPTED
        await world.mine(2)
        seen = await self._paid(world, sent.detail)
        assert seen.paid[address] == world.units
        assert await self._held(world) == before - world.units - (seen.fee_units or 0)
        await scan.run()

    async def test_a_node_that_is_away_is_said_to_be_and_nothing_was_sent(self, world: World) -> None:
        raw = await world.sign(await world.stranger(), world.units)
        chain, asset = world.chain, world.chain.gas_asset
        await world.down()
        try:
            assert not (await chain.health()).fit
            for question in (
                chain.tip(),
                chain.fee_rates(),
                chain.arrivals(None, [], []),
                chain.sighting("0" * 64, asset),
                chain.balances([chain.hot_address]),
                chain.prepare(),
                chain.submit(raw),
            ):
                try:
                    answer = await question
                except NodeUnavailable:
                    continue
                raise AssertionError(f"an answer without a node: {answer}")
        finally:
            await world.up()
        assert (await chain.health()).fit
        sent = await chain.submit(raw)
        assert sent.outcome is Submitted.ACCEPTED
        await world.mine()

    async def test_what_nobody_sent_is_unseen_and_what_is_no_transaction_is_not_accepted(self, world: World) -> None:
        raw = await world.sign(await world.stranger(), world.units)
        for bytes_ in (b"", b"\x00", b"\x02\xff" * 50, raw[:-1]):
            try:
                assert (await world.chain.submit(bytes_)).outcome is not Submitted.ACCEPTED
            except ValueError:
                continue
        sent = await world.chain.submit(raw)
        await world.mine()
        other = sent.detail[:-4] + ("0000" if not sent.detail.endswith("0000") else "1111")
        assert (await world.chain.sighting(other, world.chain.gas_asset)).fate is Fate.UNSEEN

    # --- by family

    async def test_coins_that_are_reserved_are_not_chosen_and_nonces_follow_the_chain(self, world: World) -> None:
        chain, address = world.chain, await world.stranger()
        assert keeps_coins(chain) is not keeps_accounts(chain)
        if keeps_coins(chain):
            rate = (await chain.fee_rates()).standard
            first = await chain.fund([(address, world.units)], rate, ())
            taken = {(coin.txid, coin.vout) for coin in first.inputs}
            second = await chain.fund([(address, world.units)], rate, taken)
            assert not taken & {(coin.txid, coin.vout) for coin in second.inputs}
        elif keeps_accounts(chain):
            nonce = await chain.next_nonce()
            assert await chain.gas_for(chain.gas_asset, address, world.units) >= 21_000
            await chain.submit(await world.sign(address, world.units))
            assert await chain.next_nonce() == nonce
            await world.mine()
            assert await chain.next_nonce() == nonce + 1
