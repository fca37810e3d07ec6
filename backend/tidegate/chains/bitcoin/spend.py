"""Making an unsigned payment out of the watch-only wallet's coins. Signs nothing, locks nothing, sends nothing."""

import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tidegate.chains.bitcoin import build, parse
from tidegate.chains.bitcoin.choose import choose_coins
from tidegate.chains.bitcoin.wallet import NodeWallet
from tidegate.chains.families import Coin, Funded, NotEnough, OutPoint, Outpoint
from tidegate.chains.port import NodeUnavailable
from tidegate.chains.rpc import RpcError

_SECONDS = 60.0


async def unspent(wallet: NodeWallet, depth: int) -> list[Coin]:
    """Coins that may be spent: confirmed ones and our own change, dust gifts left out."""
    query = {"minimumAmount": build.amount_text(build.MIN_COIN_UNITS)}
    coins = parse.coins(await _ask(wallet, "listunspent", 0, 9_999_999, [], False, query))
    return await _own_change(wallet, coins, depth)


async def _own_change(wallet: NodeWallet, coins: list[Coin], depth: int) -> list[Coin]:
    """Those below `depth` at our change addresses that a stranger paid there are no change: anybody may pay any address.

    What the wallet has a fee for, it spent coins of ours for: our own transaction.
    """
    shallow = sorted({coin.txid for coin in coins if coin.change and 0 < coin.confirmations < depth})
    if not shallow:
        return coins
    answers = await wallet.batch([("gettransaction", (txid, True)) for txid in shallow])
    for answer in answers:
        if isinstance(answer, RpcError):
            raise NodeUnavailable(answer.message)
    foreign = {txid for txid, answer in zip(shallow, answers, strict=True) if "fee" not in answer}
    return [replace(coin, change=False) if coin.txid in foreign else coin for coin in coins]


MANY = 2_000
"""Coins above which the whole list takes seconds and locks the wallet for everybody else (chains.md 2.5)."""
SOME = 200
"""Coins that are asked for then."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the network's settings say about choosing coins."""

    deposit_depth: int = 1
    cheap_rate: int = 0


class Purse:
    """The coins of one wallet, asked for in the way that its size allows."""

    def __init__(self, wallet: NodeWallet, terms: Terms) -> None:
        self._wallet = wallet
        self.terms = terms
        self._known = 0
        """How many coins the last whole list had."""

    async def fund(
        self,
        recipients: Sequence[tuple[str, int]],
        kinds: Sequence[str],
        fee_rate: int,
        reserved: Collection[OutPoint],
        pinned: Sequence[OutPoint],
    ) -> Funded:
        """See BitcoinChain.fund. `kinds` are the recipients' address kinds, in order."""
        if len({address for address, _ in recipients}) != len(recipients):
            raise ValueError("one payment cannot hold two payouts to one address")
        deliver = sum(units for _, units in recipients)

        def choose(coins: Sequence[Coin]) -> tuple[Coin, ...]:
            return choose_coins(
                coins,
                deliver_units=deliver,
                output_kinds=kinds,
                fee_rate=fee_rate,
                reserved=reserved,
                pinned=pinned,
                deposit_depth=self.terms.deposit_depth,
                cheap_rate=self.terms.cheap_rate,
            )

        chosen = await self._chosen(choose, deliver, pinned)
        params = build.fund_params(chosen, recipients, fee_rate)
        answer = await self._made(params, deliver, chosen)
        fee = parse.sat(answer["fee"])
        change = sum(coin.units for coin in chosen) - deliver - fee
        inputs = tuple(Outpoint(coin.txid, coin.vout, coin.units, coin.address, coin.change) for coin in chosen)
        return Funded(answer["psbt"], inputs, change, fee)

    async def _chosen(
        self, choose: Callable[[Sequence[Coin]], tuple[Coin, ...]], deliver: int, pinned: Sequence[OutPoint]
    ) -> tuple[Coin, ...]:
        """From a part of a long list where that suffices."""
        if self._known > MANY:
            with contextlib.suppress(NotEnough):
                least = max(build.MIN_COIN_UNITS, deliver // SOME)
                query = {"minimumAmount": build.amount_text(least), "maximumCount": SOME}
                some = parse.coins(await _ask(self._wallet, "listunspent", 1, 9_999_999, [], False, query))
                some = await _own_change(self._wallet, some, self.terms.deposit_depth)
                return choose(await self._with_pinned(some, pinned))
        coins = await unspent(self._wallet, self.terms.deposit_depth)
        self._known = len(coins)
        return choose(await self._with_pinned(coins, pinned))

    async def _made(self, params: Sequence[Any], deliver: int, chosen: Sequence[Coin]) -> Any:
        try:
            return await self._wallet.call("walletcreatefundedpsbt", *params, timeout=_SECONDS)
        except RpcError as error:
            if "nsufficient funds" in error.message or "preselected coins total amount" in error.message:
                raise NotEnough(deliver, sum(coin.units for coin in chosen)) from error
            raise NodeUnavailable(error.message) from error

    async def child(self, change: OutPoint, units: int, fee_units: int) -> str:
        """An unsigned transaction that spends one change output to new change and pays this fee."""
        address = await _ask(self._wallet, "getrawchangeaddress", "bech32")
        inputs = [{"txid": change[0], "vout": change[1]}]
        outputs = [{address: build.amount_text(units - fee_units)}]
        psbt = await _ask(self._wallet, "createpsbt", inputs, outputs, 0, True)
        # Adds the parent and the derivations that the signer asks for; there is no key here to sign with.
        answer = await _ask(self._wallet, "walletprocesspsbt", psbt, False, "ALL", True)
        return str(answer["psbt"])

    async def _with_pinned(self, coins: list[Coin], pinned: Sequence[OutPoint]) -> list[Coin]:
        """The free coins and the pinned ones: the node's list leaves out what a member in the mempool already spends."""
        known = {coin.outpoint for coin in coins}
        for txid, vout in pinned:
            if (txid, vout) in known:
                continue
            parent = await _ask(self._wallet, "gettransaction", txid, True, True)
            for output in parent["decoded"]["vout"]:
                if output["n"] == vout:
                    address = output["scriptPubKey"]["address"]
                    info = await _ask(self._wallet, "getaddressinfo", address)
                    change = parse.is_change(info.get("desc", ""))
                    coins.append(Coin(txid, vout, parse.sat(output["value"]), address, parent["confirmations"], change))
        return coins


async def _ask(wallet: NodeWallet, method: str, *params: Any) -> Any:
    try:
        return await wallet.call(method, *params, timeout=_SECONDS)
    except RpcError as error:
        raise NodeUnavailable(error.message) from error
