"""How much the hot wallets hold: what is above the cap goes to cold storage, what is missing is asked for."""

from datetime import datetime
from types import MappingProxyType

import structlog

from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.evm.client import EvmChain
from tidegate.chains.families import NotEnough, WouldRevert
from tidegate.chains.port import Chain, NodeUnavailable
from tidegate.money import asset as asset_of
from tidegate.money import parse_units
from tidegate.treasury import move_store, underway
from tidegate.treasury.consolidate import consolidate, out_of_reach_of, taken
from tidegate.treasury.from_hot import from_hot
from tidegate.treasury.inventory import payable
from tidegate.treasury.move_rules import Need, Queued, needed, surplus
from tidegate.treasury.moves import RETRY_AFTER, Bound, Mover, add, commit
from tidegate.treasury.rules import ProposalKind, Purpose
from tidegate.treasury.sweep import sweep

log = structlog.get_logger(__name__)

NOTHING: Queued = MappingProxyType({})


async def look(mover: Mover, queued: Queued, now: datetime, largest: Queued = NOTHING) -> None:
    """Propose, cool, sweep and consolidate on every network whose node is fit. `queued`: what waits to be paid, and
    `largest` the largest one of those that wait for liquidity."""
    for network, chain in mover.chains.items():
        try:
            if not (await chain.health()).fit:
                continue
            lacks = None
            if isinstance(chain, BitcoinChain):
                lacks = await out_of_reach_of(mover, chain, largest.get((network, chain.gas_asset), 0))
            above = await _balance(mover, chain, queued, lacks, now)
            if isinstance(chain, BitcoinChain):
                await consolidate(mover, chain, beyond=lacks is not None, now=now)
            elif isinstance(chain, EvmChain):
                await sweep(mover, chain, above_cap=above, now=now)
        except NodeUnavailable as error:
            log.info("moves_wait", network=network, reason=str(error)[:200])


async def _balance(mover: Mover, chain: Chain, queued: Queued, lacks: Need | None, now: datetime) -> frozenset[str]:
    """Each asset against its cap and floor, and `lacks` of the network's own; those of which there is more than enough."""
    settings, network = mover.networks[chain.network], chain.network
    cold = mover.cold().get(network, "")
    above = set()
    for code in (chain.gas_asset, *settings.tokens):
        decimals = asset_of(code).decimals
        cap = parse_units(settings.hot_cap[code], decimals) if code in settings.hot_cap else None
        floor = parse_units(settings.hot_floor.get(code, "0"), decimals)
        waiting = queued.get((network, code), 0)
        async with mover.db.transaction() as session:
            free = await payable(session, network, code, bitcoin=isinstance(chain, BitcoinChain))
            need = needed(payable=free, queued=waiting, floor=floor, cap=cap, cold=bool(cold))
            if code == chain.gas_asset and lacks is not None and (need is None or need.kind is not ProposalKind.REFILL):
                need = lacks
            await move_store.propose(
                session, network=network, asset=code, address=hot_address(chain), need=need, now=now
            )
        if cap is not None and free - waiting >= cap:
            above.add(code)
        over = surplus(payable=free, queued=waiting, cap=cap)
        if over and cold:
            await cool(mover, chain, code, over, now=now)
    return frozenset(above)


def hot_address(chain: Chain) -> str:
    """Where a refill is to be sent."""
    assert isinstance(chain, BitcoinChain | EvmChain)
    return chain.hot_address


async def cool(mover: Mover, chain: Chain, code: str, units: int, *, now: datetime) -> bool:
    """Send so much from the hot wallet to cold storage; False when it has to wait, or one is under way."""
    return await away(mover, chain, code, units, address=mover.cold()[chain.network], purpose=Purpose.COLD, now=now)


async def away(
    mover: Mover,
    chain: Chain,
    code: str,
    units: int,
    *,
    address: str,
    purpose: Purpose,
    now: datetime,
    bound: Bound | None = None,
) -> bool:
    """Send so much from the hot wallet to where the signer lets moves of this purpose go; False when it has to wait."""
    network, to_cold = chain.network, purpose is Purpose.COLD
    async with mover.db.reading() as session:
        if await move_store.busy(session, network, code, purpose, now - RETRY_AFTER):
            return False
        reserved = await underway.reserved_outpoints(session, network)
    if isinstance(chain, EvmChain):
        try:
            gas = await chain.gas_for(code, address, units)
        except WouldRevert as error:
            log.warning("move_would_revert", purpose=purpose, network=network, asset=code, reason=str(error))
            return False
        return await from_hot(
            mover,
            chain,
            purpose=purpose,
            asset=code,
            units=units,
            address=address,
            gas=gas,
            price=(await chain.gas_fees()).economy,
            to_cold=to_cold,
            bound=bound,
            now=now,
        )
    assert isinstance(chain, BitcoinChain)
    rate = (await mover.fees.rates(network)).economy
    try:
        funded = await chain.fund([(address, units)], rate, reserved)
    except NotEnough:
        return False
    spent = await taken(mover, chain, funded)
    plan = {"psbt": funded.psbt, "fee_rate": rate, "inputs": [[coin.txid, coin.vout] for coin in spent]}
    return await commit(
        mover,
        lambda session: add(
            session,
            network=network,
            purpose=purpose,
            asset=code,
            units=units,
            address=address,
            plan=plan,
            now=now,
            to_cold=to_cold,
            bound=bound,
            coins=spent,
        ),
    )
