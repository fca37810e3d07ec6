"""Making an unsigned payment out of the watch-only wallet's coins. Signs nothing, locks nothing, sends nothing."""

from collections.abc import Collection, Sequence
from typing import Any

from tidegate.chains.bitcoin import build, parse
from tidegate.chains.bitcoin.wallet import NodeWallet
from tidegate.chains.families import Coin, Funded, NotEnough, OutPoint, Outpoint
from tidegate.chains.port import NodeUnavailable
from tidegate.chains.rpc import RpcError

_SECONDS = 60.0


async def unspent(wallet: NodeWallet) -> list[Coin]:
    """Coins that may be spent: confirmed ones and our own change, dust gifts left out."""
    query = {"minimumAmount": build.amount_text(build.MIN_COIN_UNITS)}
    return parse.coins(await _ask(wallet, "listunspent", 0, 9_999_999, [], False, query))


async def fund(
    wallet: NodeWallet,
    recipients: Sequence[tuple[str, int]],
    kinds: Sequence[str],
    fee_rate: int,
    reserved: Collection[OutPoint],
    pinned: Sequence[OutPoint],
) -> Funded:
    """See BitcoinChain.fund. `kinds` are the recipients' address kinds, in order."""
    if len({address for address, _ in recipients}) != len(recipients):
        raise ValueError("one payment cannot hold two payouts to one address")
    coins = await _with_pinned(wallet, pinned)
    deliver = sum(units for _, units in recipients)
    chosen = build.choose_coins(
        coins, deliver_units=deliver, output_kinds=kinds, fee_rate=fee_rate, reserved=reserved, pinned=pinned
    )
    params = build.fund_params(chosen, recipients, fee_rate)
    try:
        answer = await wallet.call("walletcreatefundedpsbt", *params, timeout=_SECONDS)
    except RpcError as error:
        if "nsufficient funds" in error.message or "preselected coins total amount" in error.message:
            raise NotEnough(deliver, sum(coin.units for coin in chosen)) from error
        raise NodeUnavailable(error.message) from error
    fee = parse.sat(answer["fee"])
    change = sum(coin.units for coin in chosen) - deliver - fee
    inputs = tuple(Outpoint(coin.txid, coin.vout, coin.units, coin.address, coin.change) for coin in chosen)
    return Funded(answer["psbt"], inputs, change, fee)


async def _with_pinned(wallet: NodeWallet, pinned: Sequence[OutPoint]) -> list[Coin]:
    """The free coins and the pinned ones: the node's list leaves out what an attempt in the mempool already spends."""
    coins = await unspent(wallet)
    known = {coin.outpoint for coin in coins}
    for txid, vout in pinned:
        if (txid, vout) in known:
            continue
        parent = await _ask(wallet, "gettransaction", txid, True, True)
        for output in parent["decoded"]["vout"]:
            if output["n"] == vout:
                address = output["scriptPubKey"]["address"]
                info = await _ask(wallet, "getaddressinfo", address)
                change = parse.is_change(info.get("desc", ""))
                coins.append(Coin(txid, vout, parse.sat(output["value"]), address, parent["confirmations"], change))
    return coins


async def _ask(wallet: NodeWallet, method: str, *params: Any) -> Any:
    try:
        return await wallet.call(method, *params, timeout=_SECONDS)
    except RpcError as error:
        raise NodeUnavailable(error.message) from error
