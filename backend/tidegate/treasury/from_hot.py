"""A move from the hot address of an EVM network: its nonce and its money are shared with the payouts' (chains.md 3.2)."""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError

from tidegate.chains.evm.client import EvmChain
from tidegate.chains.families import GasPrice
from tidegate.treasury import store, underway
from tidegate.treasury.inventory import payable
from tidegate.treasury.moves import Bound, Mover, add
from tidegate.treasury.rules import Purpose

log = structlog.get_logger(__name__)

MOST_UNMINED = 8
"""Half of what may wait for a block at once: house moves leave the rest to payouts."""


def plan_of(chain: EvmChain, gas: int, price: GasPrice) -> dict[str, Any]:
    """What a member of an EVM set is signed with."""
    return {
        "gas": gas,
        "max_fee_per_gas": str(price.max_fee),
        "max_priority_fee_per_gas": str(price.tip),
        "chain_id": chain.chain_id,
    }


async def from_hot(
    mover: Mover,
    chain: EvmChain,
    *,
    purpose: Purpose,
    asset: str,
    units: int,
    address: str,
    gas: int,
    price: GasPrice,
    now: datetime,
    index: int | None = None,
    to_cold: bool = False,
    bound: Bound | None = None,
) -> bool:
    """Take the next nonce for it, under the lock that payouts take theirs. False when it has to wait."""
    on_chain = await chain.next_nonce(chain.hot_address)
    try:
        async with mover.db.transaction() as session:
            count = await store.lock_wallet(session, chain.network, chain.hot_address)
            if count and on_chain > count:
                log.error("hot_nonce_behind", network=chain.network, chain=on_chain, ours=count)
                return False
            if await store.unmined(session, chain.network, chain.hot_address) >= MOST_UNMINED:
                return False
            wei = gas * price.max_fee + (units if asset == chain.gas_asset else 0)
            free = await payable(session, chain.network, chain.gas_asset, bitcoin=False)
            short = free - await underway.committed_gas(session, chain.network) < wei
            if short or await payable(session, chain.network, asset, bitcoin=False) < units:
                log.warning("move_without_funds", network=chain.network, purpose=purpose, asset=asset)
                return False
            (nonce,) = await store.free_nonces(session, chain.network, chain.hot_address, on_chain)
            await store.take_nonce(session, chain.network, nonce)
            await add(
                session,
                network=chain.network,
                purpose=purpose,
                asset=asset,
                units=units,
                address=address,
                plan=plan_of(chain, gas, price),
                now=now,
                index=index,
                to_cold=to_cold,
                bound=bound,
                sender=chain.hot_address,
                nonce=nonce,
            )
    except IntegrityError:
        return False
    return True
