"""Many small Bitcoin coins become one while the network is cheap: each costs less to spend now than in a dear hour."""

from datetime import datetime

from tidegate.chains.bitcoin.build import INPUT_VSIZE
from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.families import Funded
from tidegate.money import BTC, parse_units
from tidegate.treasury import move_store, underway
from tidegate.treasury.move_rules import small_coins
from tidegate.treasury.moves import RETRY_AFTER, Mover, add, commit
from tidegate.treasury.rules import Purpose
from tidegate.treasury.store import Coin
from tidegate.wallets import destinations


async def consolidate(mover: Mover, chain: BitcoinChain, *, now: datetime) -> bool:
    """One transaction of up to a hundred of the smallest coins to our own change, when there are enough of them."""
    settings = mover.networks[chain.network]
    rate = (await mover.fees.rates(chain.network)).economy
    if rate > settings.consolidate_fee_rate:
        return False
    async with mover.db.reading() as session:
        if await move_store.busy(session, chain.network, BTC.code, Purpose.CONSOLIDATION, now - RETRY_AFTER):
            return False
        reserved = await underway.reserved_outpoints(session, chain.network)
    coins = small_coins(
        await chain.unspent(),
        reserved=reserved,
        depth=chain.confirmations,
        small_units=parse_units(settings.small_coin, BTC.decimals),
        input_cost=INPUT_VSIZE * rate,
    )
    if len(coins) < settings.consolidate_coins:
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
