"""Emptying deposit addresses of an EVM network into the hot wallet, or past it to cold storage.

What is swept is what our own records say, never a balance: the node must show at least that much at a block that is deep
enough. A token's sweep needs ether at its address; a top-up brings it, and is waited for until it is as deep.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog

from tidegate.chains.evm.build import GAS_ETHER
from tidegate.chains.evm.client import EvmChain
from tidegate.chains.families import GasPrice, WouldRevert
from tidegate.treasury import move_store
from tidegate.treasury.from_hot import from_hot, plan_of
from tidegate.treasury.move_rules import TOP_UP_ROOM, worth_it
from tidegate.treasury.moves import RETRY_AFTER, Mover, add, commit
from tidegate.treasury.rules import TOKEN_GAS, Purpose
from tidegate.wallets import sweepable
from tidegate.wallets.sweepable import Unswept

log = structlog.get_logger(__name__)

AT_ONCE = 10
"""New moves a look: each costs the node a few calls."""


async def sweep(mover: Mover, chain: EvmChain, *, above_cap: frozenset[str], now: datetime) -> int:
    """Start what is worth its cost; how many. Of the assets in `above_cap` the hot wallet has enough."""
    async with mover.db.reading() as session:
        found = await sweepable.unswept(session, network=chain.network)
        busy = await move_store.busy_addresses(session, chain.network, now - RETRY_AFTER)
        tanks = await move_store.tanks(session, chain.network)
    # Tokens before the ether that their own sweep may need.
    waiting = sorted((one for one in found if one.index not in busy), key=lambda one: one.asset == chain.gas_asset)
    if not waiting:
        return 0
    price = (await chain.gas_fees()).economy
    started = 0
    for one in waiting:
        if one.index in busy or started == AT_ONCE:
            continue
        to_cold = one.asset in above_cap and chain.network in mover.cold()
        place = mover.cold()[chain.network] if to_cold else chain.hot_address
        job = _Job(mover, chain, one, place, to_cold, now)
        token = one.asset != chain.gas_asset
        done = await (job.token(price) if token else job.ether(price, tanks.get(one.index, 0)))
        if done:
            busy.add(one.index)
            started += 1
    return started


@dataclass(frozen=True, slots=True)
class _Job:
    mover: Mover
    chain: EvmChain
    held: Unswept
    place: str
    to_cold: bool
    now: datetime

    @property
    def _multiple(self) -> int:
        return self.mover.networks[self.chain.network].sweep_min_multiple

    async def token(self, price: GasPrice) -> bool:
        """Sweep a token, or first bring the ether that this takes."""
        held, chain = self.held, self.chain
        worth = self.mover.worth(chain.network, held.asset, held.units)
        if not worth_it(worth, TOKEN_GAS * price.max_fee, self._multiple):
            return False
        units, wei = await chain.held(held.address, held.asset)
        if not self._there(units, held.units):
            return False
        try:
            gas = await chain.gas_from(held.address, held.asset, self.place, held.units)
        except WouldRevert as error:
            log.warning("sweep_would_revert", address=held.address, asset=held.asset, reason=str(error))
            return False
        cost = gas * price.max_fee
        if wei >= cost:
            return await self._sweep(gas, price, held.units)
        if not worth_it(worth, cost + GAS_ETHER * price.max_fee, self._multiple):
            return False
        return await self._top_up(int(cost * TOP_UP_ROOM) - wei, price)

    async def ether(self, price: GasPrice, tank: int) -> bool:
        """Sweep all the ether that we know of, the house's own with it: nothing is left when the place is an account."""
        held, chain = self.held, self.chain
        there = held.units + tank
        try:
            gas = await chain.gas_from(held.address, held.asset, self.place, 1)
        except WouldRevert as error:
            log.warning("sweep_would_revert", address=held.address, asset=held.asset, reason=str(error))
            return False
        # What is offered is what is paid: the tip takes all that the base fee leaves.
        offered = price.max_fee // 2 + price.tip
        if not worth_it(there, gas * offered, self._multiple):
            return False
        _, wei = await chain.held(held.address, held.asset)
        if not self._there(wei, there):
            return False
        return await self._sweep(gas, GasPrice(offered, offered), there - gas * offered)

    def _there(self, shown: int, booked: int) -> bool:
        if shown < booked:
            log.error("sweep_not_there", address=self.held.address, asset=self.held.asset, booked=booked, shown=shown)
        return shown >= booked

    async def _sweep(self, gas: int, price: GasPrice, units: int) -> bool:
        held, chain = self.held, self.chain
        nonce = await chain.next_nonce(held.address)
        plan = plan_of(chain, gas, price) | {"deposited": str(held.units)}
        return await commit(
            self.mover,
            lambda session: add(
                session,
                network=chain.network,
                purpose=Purpose.SWEEP,
                asset=held.asset,
                units=units,
                address=self.place,
                plan=plan,
                now=self.now,
                index=held.index,
                to_cold=self.to_cold,
                sender=held.address,
                nonce=nonce,
                deposits=held.deposits,
            ),
        )

    async def _top_up(self, units: int, price: GasPrice) -> bool:
        return await from_hot(
            self.mover,
            self.chain,
            purpose=Purpose.TOP_UP,
            asset=self.chain.gas_asset,
            units=units,
            address=self.held.address,
            gas=GAS_ETHER,
            price=price,
            index=self.held.index,
            now=self.now,
        )
