"""What the watch-only wallet knows of our own spending: every transaction that takes our coins, and whose coins it took."""

from datetime import datetime

from tidegate.chains.bitcoin import build, parse
from tidegate.chains.bitcoin.wallet import NodeWallet
from tidegate.chains.families import Outpoint
from tidegate.chains.port import NodeUnavailable
from tidegate.chains.rpc import Rpc, RpcError

RECENT_BLOCKS = 2016
"""How far back spending is listed: about two weeks. What is older shows in the balance."""
_SECONDS = 60.0


async def spends(rpc: Rpc, wallet: NodeWallet, since: datetime) -> list[str]:
    """Of the last weeks and not before `since`, those that spend our coins, in blocks or waiting. Raises NodeUnavailable."""
    try:
        tip: int = await rpc.call("getblockcount")
        start = await rpc.call("getblockhash", tip - RECENT_BLOCKS) if tip > RECENT_BLOCKS else None
        answer = await wallet.call("listsinceblock", start, 1, True, False, True, timeout=_SECONDS)
    except RpcError as error:
        raise NodeUnavailable(error.message) from error
    return parse.spending(answer, int(since.timestamp()))


async def coins_in(wallet: NodeWallet, raw: bytes) -> list[Outpoint]:
    """The coins that these signed bytes spend, each read from the transaction that made it. Raises NodeUnavailable."""
    wanted = build.inputs_of(raw)
    made = sorted({txid for txid, _ in wanted})
    answers = await wallet.batch([("gettransaction", (txid, True, True)) for txid in made])
    outputs = {}
    for txid, answer in zip(made, answers, strict=True):
        if isinstance(answer, RpcError):
            raise NodeUnavailable(f"the wallet does not know {txid}: {answer.message}")
        for output in answer["decoded"]["vout"]:
            outputs[txid, output["n"]] = output
    return [
        Outpoint(
            txid,
            vout,
            parse.sat(outputs[txid, vout]["value"]),
            outputs[txid, vout]["scriptPubKey"].get("address", ""),
            change=False,
        )
        for txid, vout in wanted
    ]
