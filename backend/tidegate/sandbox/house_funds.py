"""What the house owns at the start: real coins in its hot wallets, balances at the venues, all booked as capital."""

from collections.abc import Awaitable, Callable
from decimal import Decimal

from tidegate.chains.bitcoin.build import derive_address
from tidegate.chains.public import load_public
from tidegate.config import Settings
from tidegate.database import Database
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import AccountRef, Outcome, house, venue
from tidegate.money import Amount, asset
from tidegate.sandbox import faucet
from tidegate.sandbox.exchanges import FUNDS
from tidegate.sandbox.rpc import Rpc
from tidegate.sandbox.settings import BITCOIN, ETHEREUM
from tidegate.treasury import inventory

# Many coins, so that many payouts can be under way without waiting for each other's change.
_BITCOIN_COINS = 12
_BITCOIN_COIN = "1"
_EVM_FUNDS = {"ETH": "250", "USDT": "500000", "USDC": "250000"}
_SAT = Decimal(100_000_000)

Mine = Callable[[str], Awaitable[None]]


async def fund_house(settings: Settings, db: Database, mine: Mine) -> None:
    """Send, mine, then book what is there. Nothing can have been paid out before it is booked, so what the chain shows
    on the hot addresses is exactly what came in, also when an earlier run was killed in between."""
    lane = Lane(db)
    for name, funds in FUNDS.items():
        for code, text in funds.items():
            units = Amount.parse(asset(code), text).units
            await _book(lane, venue(name, code), units, f"sandbox:venue:{name}:{code}")
    keys = load_public(settings.signer.public_file)
    # The first address of the internal chain: the hot wallet's own, nobody's deposit.
    bitcoin = derive_address(keys.bitcoin[BITCOIN].internal, keys.bitcoin[BITCOIN].chain, 0)
    await _fund_bitcoin(settings, lane, bitcoin, mine)
    await _fund_evm(settings, lane, keys.evm[ETHEREUM].hot_address, mine)


async def _fund_bitcoin(settings: Settings, lane: Lane, address: str, mine: Mine) -> None:
    async with Rpc(settings.networks[BITCOIN].rpc_url.get_secret_value()) as rpc:
        await mine(BITCOIN)
        there = await rpc.call("scantxoutset", "start", [f"addr({address})"])
        for _ in range(_BITCOIN_COINS - len(there["unspents"])):
            await faucet.give(settings, asset="BTC", network=BITCOIN, address=address, text=_BITCOIN_COIN)
        await mine(BITCOIN)
        there = await rpc.call("scantxoutset", "start", [f"addr({address})"])
    await _book(lane, house("wallet:hot", "BTC", BITCOIN), int(there["total_amount"] * _SAT), "sandbox:hot:BTC")


async def _fund_evm(settings: Settings, lane: Lane, address: str, mine: Mine) -> None:
    network = settings.networks[ETHEREUM]

    async def held(rpc: Rpc, code: str) -> int:
        token = network.tokens.get(code)
        if token is None:
            return int(await rpc.call("eth_getBalance", address, "latest"), 16)
        call = {"to": token.contract, "data": f"0x70a08231{int(address, 16):064x}"}
        return int(await rpc.call("eth_call", call, "latest"), 16)

    async with Rpc(network.rpc_url.get_secret_value()) as rpc:
        await mine(ETHEREUM)
        for code, text in _EVM_FUNDS.items():
            if await held(rpc, code) == 0:
                await faucet.give(settings, asset=code, network=ETHEREUM, address=address, text=text)
        await mine(ETHEREUM)
        for code in _EVM_FUNDS:
            await _book(lane, house("wallet:hot", code, ETHEREUM), await held(rpc, code), f"sandbox:hot:{code}")


async def _book(lane: Lane, account: AccountRef, units: int, key: str) -> None:
    verdict = await inventory.fund(lane, account, units, key=key)
    if verdict.outcome not in (Outcome.POSTED, Outcome.DUPLICATE):
        raise RuntimeError(f"{key} was not booked: {verdict.outcome}")
