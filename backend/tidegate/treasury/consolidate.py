"""Many small Bitcoin coins become one while the network is cheap: each costs less to spend now than in a dear hour."""

from datetime import datetime

from tidegate.chains.bitcoin.build import INPUT_VSIZE
from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.families import Funded
from tidegate.money import BTC, parse_units
from tidegate.treasury import move_store, underway
from tidegate.treasury.move_rules import Need, largest_coins, out_of_reach, reach_of, small_coins
from tidegate.treasury.moves import RETRY_AFTER, Mover, add, commit
from tidegate.treasury.rules import BITCOIN_PAYOUT_VBYTES, Purpose
from tidegate.treasury.store import Coin
from tidegate.wallets import destinations


async def out_of_reach_of(mover: Mover, chain: BitcoinChain, largest: int) -> Need | None:
    """Whether the largest withdrawal that waits for liquidity is beyond what one transaction can spend."""
    if not largest:
        return None
    rate = (await mover.fees.rates(chain.network)).economy
    async with mover.db.reading() as session:
        reserved = await underway.reserved_outpoints(session, chain.network)
    units = [coin.units for coin in await chain.unspent() if coin.outpoint not in reserved]
    return out_of_reach(largest + BITCOIN_PAYOUT_VBYTES * rate, reach_of(units, INPUT_VSIZE * rate))


async def consolidate(mover: Mover, chain: BitcoinChain, *, beyond: bool = False, now: datetime) -> bool:
    """One transaction of up to a hundred of the smallest coins to our own change, when there are enough of them.

    `beyond`: a withdrawal is too large for the hundred largest coins; then those become one.
    """
    settings = mover.networks[chain.network]
    rate = (await mover.fees.rates(chain.network)).economy
    if rate > settings.consolidate_fee_rate:
        return False
    async with mover.db.reading() as session:
        if await move_store.busy(session, chain.network, BTC.code, Purpose.CONSOLIDATION, now - RETRY_AFTER):
            return False
        reserved = await underway.reserved_outpoints(session, chain.network)
    cost, unspent = INPUT_VSIZE * rate, await chain.unspent()
    if beyond:
        coins = largest_coins(unspent, reserved=reserved, depth=chain.confirmations, input_cost=cost)
    else:
        small = parse_units(settings.small_coin, BTC.decimals)
        coins = small_coins(unspent, reserved=reserved, depth=chain.confirmations, small_units=small, input_cost=cost)
    if len(coins) < (2 if beyond else settings.consolidate_coins):
        return False
    funded = await chain.gather(coins, rate)
    spent = await taken(mover, chain, funded)
    plan = {"psbt": funded.psbt, "fee_rate": rate, "inputs": [[coin.txid, coin.vout] for coin in spent]}
    return await commit(
        mover,
        lambda session: add(
            session,
            network=chain.network,
            purpose=Purpose.CONSOLIDATION,
            asset=BTC.code,
            units=0,
            address="",
            plan=plan,
            now=now,
            coins=spent,
        ),
    )


async def taken(mover: Mover, chain: BitcoinChain, funded: Funded) -> list[Coin]:
    """The coins to reserve, and which of them came in at a customer's deposit address."""
    async with mover.db.reading() as session:
        ours = {coin.address for coin in funded.inputs}
        deposits = await destinations.deposit_addresses(session, network=chain.network, addresses=ours)
    return [Coin(coin.txid, coin.vout, coin.units, coin.address in deposits) for coin in funded.inputs]
