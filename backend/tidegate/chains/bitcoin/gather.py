"""Making one coin out of many of the watch-only wallet's own. Signs nothing, locks nothing, sends nothing."""

from collections.abc import Sequence

from tidegate.chains.bitcoin import build, parse
from tidegate.chains.bitcoin.wallet import NodeWallet
from tidegate.chains.families import Coin, Funded, Outpoint
from tidegate.chains.port import NodeUnavailable
from tidegate.chains.rpc import RpcError

_SECONDS = 60.0


async def gather(wallet: NodeWallet, coins: Sequence[Coin], fee_rate: int) -> Funded:
    """All of these coins to one change address, less the fee. Raises NodeUnavailable."""
    total = sum(coin.units for coin in coins)
    try:
        address = await wallet.call("getrawchangeaddress", "bech32")
        inputs, outputs, locktime, options, derivations = build.fund_params(coins, [(address, total)], fee_rate)
        answer = await wallet.call(
            "walletcreatefundedpsbt",
            inputs,
            outputs,
            locktime,
            {**options, "subtractFeeFromOutputs": [0]},
            derivations,
            timeout=_SECONDS,
        )
    except RpcError as error:
        raise NodeUnavailable(error.message) from error
    spent = tuple(Outpoint(coin.txid, coin.vout, coin.units, coin.address, coin.change) for coin in coins)
    fee = parse.sat(answer["fee"])
    return Funded(answer["psbt"], spent, total - fee, fee)
