"""Bitcoin's side of the port: a node asked over JSON-RPC, its watch-only wallet, no keys."""

from collections.abc import Collection, Container, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from tidegate.chains.bitcoin import build, gather, own, parse, spend
from tidegate.chains.bitcoin.fitness import BitcoinWitness, Fitness
from tidegate.chains.bitcoin.spend import Purse, Terms
from tidegate.chains.bitcoin.wallet import NodeWallet
from tidegate.chains.families import Coin, Family, Funded, OutPoint, Outpoint
from tidegate.chains.opinions import Opinions
from tidegate.chains.port import (
    Address,
    AddressProblem,
    Arrival,
    Arrivals,
    Fate,
    FeeRates,
    Health,
    NodeUnavailable,
    Occupant,
    Sighting,
    SubmitOutcome,
    Submitted,
    Tip,
)
from tidegate.chains.public import BitcoinKeys
from tidegate.chains.rpc import AnswerLost, Rpc, RpcError, headers_from, understood
from tidegate.config import NetworkSettings

_TARGET_BLOCKS = {"economy": 36, "standard": 6, "fast": 2}
_SLOW = 60.0
_RESCAN_SECONDS = 3600.0

_UNKNOWN_TRANSACTION = -5
_NOT_DECODED = -22
_REJECTED = -26  # by a rule of consensus or of the mempool
_VERIFY_ERROR = -25  # inputs missing or spent, also for a mined transaction whose outputs are spent
_ALREADY_IN_CHAIN = -27
# Reasons (-26) that a later mempool may not have: the same bytes are sent again.
_PASSING_REASONS = (
    "mempool",
    "insufficient fee",
    "too-long-mempool-chain",
    "too many",
    "min relay fee",
    "non-final",
    "non-BIP68-final",
    "premature-spend",
)


class BitcoinChain:
    """One Bitcoin network. Implements `chains.families.UtxoChain`."""

    family: Family = "bitcoin"
    compared = False
    gas_asset = "BTC"

    def __init__(self, network: str, settings: NetworkSettings, keys: BitcoinKeys, born: int) -> None:
        self.network = network
        self.confirmations = settings.confirmations
        self.block_seconds = settings.block_seconds
        self.compared = bool(settings.others)
        # One deeper than the deepest count in use, so that every deposit not yet credited is seen on each call.
        deepest = max([settings.confirmations, *(tier.confirmations for tier in settings.deposit_tiers)])
        self._list_depth = deepest + 1
        self._settings = settings
        self._keys = keys
        headers = headers_from(settings.rpc_headers, settings.rpc_headers_file)
        self._rpc = Rpc(settings.rpc_url.get_secret_value(), headers=headers)
        self._wallet = NodeWallet(self._rpc, settings.wallet, keys, born)
        others = [BitcoinWitness(name, node, settings.chain) for name, node in settings.others.items()]
        self._opinions = Opinions(others, settings.confirmations)
        self._fitness = Fitness(self._rpc, self._wallet, settings, keys.chain, self._opinions)
        self._purse = Purse(self._wallet, Terms(deepest, settings.consolidate_fee_rate))

    async def close(self) -> None:
        await self._rpc.close()
        await self._opinions.close()

    def judge(self, text: str) -> Address | AddressProblem:
        return build.judge(text, self._settings.chain)

    def deposit_address(self, index: int) -> str:
        return build.derive_address(self._keys.external, self._keys.chain, index)

    @understood
    async def occupant(self, address: str) -> Occupant:
        """The node knows every address of our descriptors, change that nobody wrote down included."""
        try:
            info = await self._wallet.call("getaddressinfo", address)
        except RpcError as error:
            raise NodeUnavailable(str(error)) from error
        return Occupant(ours=bool(info.get("ismine") or info.get("iswatchonly")))

    async def turns_down(self, asset: str, address: str, units: int) -> bool:
        """No bitcoin recipient can."""
        return False

    @understood
    async def remember(self, height: int, cursor: str | None) -> None:
        await self._fitness.remember(height, cursor)

    @understood
    async def prepare(self) -> None:
        """The node follows the configured chain by known rules and watches our descriptors."""
        await self._fitness.rules()
        await self._wallet.prepare()

    async def watch(self, upto_index: int) -> None:
        await self._wallet.watch(upto_index)

    async def health(self) -> Health:
        return await self._fitness.look()

    @understood
    async def tip(self) -> Tip:
        info = await self._rpc.call("getblockchaininfo")
        return Tip(info["blocks"], info["bestblockhash"])

    @understood
    async def pulse(self) -> str:
        """The tip and the wallet's own sums: a payment that comes, one that is replaced and a rescan each move one."""
        calls = [("getbestblockhash", ()), ("getwalletinfo", ()), ("getbalances", ())]
        tip, info, balances = await self._wallet.batch(calls)
        for answer in (tip, info, balances):
            if isinstance(answer, RpcError):
                raise answer
        return f"{tip} {info['txcount']} {info['scanning']} {sorted(balances['mine'].items())}"

    @understood
    async def arrivals(self, cursor: str | None, watched: Container[str], open_txids: Sequence[str]) -> Arrivals:
        """The list from the cursor on, and each open transaction asked for by name.

        Both are needed: a deposit that its sender replaced, and one whose block was reorganised away, leave the list
        without a word (chains.md 2.4).
        """
        answer = await self._since(cursor)
        seen: dict[tuple[str, int], Arrival] = {
            (arrival.txid, arrival.index): arrival for arrival in parse.listed_arrivals(answer, watched)
        }
        listed = {txid for txid, _ in seen}
        to_ask = sorted((set(open_txids) | parse.removed_txids(answer)) - listed)
        gone = []
        told = await self._transactions(to_ask)
        for transaction in told:
            if transaction["confirmations"] < 0:
                gone.append(transaction["txid"])
            for arrival in parse.transaction_arrivals(transaction, watched):
                seen[arrival.txid, arrival.index] = arrival
        unknown = set(to_ask) - {transaction["txid"] for transaction in told}
        found = Arrivals(tuple(seen.values()), answer["lastblock"], tuple(gone), unknown=tuple(unknown))
        return await self._opinions.temper(found)

    async def _since(self, cursor: str | None) -> Any:
        depth = self._list_depth
        try:
            return await self._wallet.call("listsinceblock", cursor, depth, True, True, False, timeout=_SLOW)
        except RpcError as error:
            if error.code != _UNKNOWN_TRANSACTION or cursor is None:
                raise NodeUnavailable(error.message) from error
        # The node does not know the cursor's block (another node, a rebuilt one): look from the beginning.
        return await self._wallet.call("listsinceblock", None, depth, True, True, False, timeout=_SLOW)

    async def depths(self, blocks: Sequence[tuple[int, str]]) -> dict[str, int]:
        answers = await self._rpc.batch([("getblockheader", (block_hash,)) for _, block_hash in blocks])
        for answer in answers:
            if isinstance(answer, RpcError) and answer.code != _UNKNOWN_TRANSACTION:
                raise NodeUnavailable(answer.message)
        return {
            block_hash: int(answer["confirmations"])
            for (_, block_hash), answer in zip(blocks, answers, strict=True)
            if not isinstance(answer, RpcError)
        }

    async def reread(self, height: int) -> str:
        """The wallet itself looks at those blocks again: it may have been made after them."""
        try:
            await self._wallet.call("rescanblockchain", height, timeout=_RESCAN_SECONDS)
            block_hash: str = await self._rpc.call("getblockhash", max(height - 1, 0))
        except RpcError as error:
            raise NodeUnavailable(error.message) from error
        return block_hash

    async def _transactions(self, txids: Sequence[str]) -> list[Any]:
        """What the wallet knows of them; one that it never saw proves nothing and is left out."""
        answers = await self._wallet.batch([("gettransaction", (txid, True, True)) for txid in txids]) if txids else []
        for answer in answers:
            if isinstance(answer, RpcError) and answer.code != _UNKNOWN_TRANSACTION:
                raise NodeUnavailable(answer.message)
        return [answer for answer in answers if not isinstance(answer, RpcError)]

    @understood
    async def fee_rates(self) -> FeeRates:
        """sat/vB. A node without estimates answers with multiples of the floor."""
        calls = [("estimatesmartfee", (blocks, "economical")) for blocks in _TARGET_BLOCKS.values()]
        *answers, mempool = await self._rpc.batch([*calls, ("getmempoolinfo", ())])
        if isinstance(mempool, RpcError):
            raise NodeUnavailable(mempool.message)
        estimates = dict(zip(_TARGET_BLOCKS, answers, strict=True))
        return parse.fee_rates(
            estimates, mempool, floor=self._settings.min_fee_rate, ceiling=self._settings.max_fee_rate
        )

    async def gather(self, coins: Sequence[Coin], fee_rate: int) -> Funded:
        """An unsigned transaction that makes one coin of these, at a fresh change address of ours."""
        return await gather.gather(self._wallet, coins, fee_rate)

    async def submit(self, raw: bytes) -> SubmitOutcome:
        txid = build.txid_of(raw)
        limit = build.amount_text(self._settings.max_fee_rate * 1000)
        try:
            await self._rpc.call("sendrawtransaction", raw.hex(), limit, once=True)
        except AnswerLost as error:
            return SubmitOutcome(Submitted.UNKNOWN, str(error))
        except RpcError as error:
            return await self._after_refusal(raw, txid, error)
        return SubmitOutcome(Submitted.ACCEPTED, txid)

    async def _after_refusal(self, raw: bytes, txid: str, error: RpcError) -> SubmitOutcome:
        """A refusal is judged by where our own transaction stands, then by its code; its text only delays."""
        if error.code == _ALREADY_IN_CHAIN:
            return SubmitOutcome(Submitted.ACCEPTED, error.message)
        try:
            fate = (await self.sighting(txid, "BTC")).fate
            if fate in (Fate.MEMPOOL, Fate.MINED):
                return SubmitOutcome(Submitted.ACCEPTED, error.message)
            if fate is Fate.CONFLICTED:
                return SubmitOutcome(Submitted.REFUSED, "another transaction spent an input of it")
            missing = error.code == _VERIFY_ERROR and not await self._spent_on_chain(raw)
        except NodeUnavailable as silence:
            return SubmitOutcome(Submitted.UNKNOWN, f"{error.message}; then {silence}")
        if missing or error.code not in (_NOT_DECODED, _VERIFY_ERROR, _REJECTED):
            # A parent may be on its way back into the mempool (a node that restarts, a reorg); other codes judge the
            # call, not the bytes.
            return SubmitOutcome(Submitted.UNKNOWN, error.message)
        if any(reason in error.message for reason in _PASSING_REASONS):
            return SubmitOutcome(Submitted.UNKNOWN, error.message)
        return SubmitOutcome(Submitted.REFUSED, error.message)

    @understood
    async def _spent_on_chain(self, raw: bytes) -> bool:
        """True when a confirmed coin that this transaction spends is not there any more: it can never be valid."""
        for txid, vout in build.inputs_of(raw):
            parents = await self._transactions([txid])
            confirmed = any(parent["confirmations"] > 0 for parent in parents)
            if confirmed and await self._rpc.call("gettxout", txid, vout, False) is None:
                return True
        return False

    @understood
    async def sighting(self, txid: str, asset: str) -> Sighting:
        try:
            transaction = await self._wallet.call("gettransaction", txid, True, True)
        except RpcError as error:
            if error.code != _UNKNOWN_TRANSACTION:
                raise NodeUnavailable(error.message) from error
            return Sighting(Fate.UNSEEN)
        in_mempool = transaction["confirmations"] == 0 and await self._in_mempool(txid)
        return await self._opinions.temper_sighting(txid, parse.sighting(transaction, in_mempool))

    async def _in_mempool(self, txid: str) -> bool:
        try:
            await self._rpc.call("getmempoolentry", txid)
        except RpcError as error:
            if error.code != _UNKNOWN_TRANSACTION:
                raise NodeUnavailable(error.message) from error
            return False
        return True

    @understood
    async def balances(self, addresses: Sequence[str]) -> dict[str, int]:
        """The whole wallet: confirmed coins and our own unconfirmed change; `addresses` play no part."""
        try:
            mine = (await self._wallet.call("getbalances"))["mine"]
        except RpcError as error:
            raise NodeUnavailable(error.message) from error
        return {"BTC": parse.sat(mine["trusted"])}

    async def unspent(self) -> list[Coin]:
        """Coins that may be spent: confirmed ones and our own change, dust gifts left out."""
        return await spend.unspent(self._wallet, self._purse.terms.deposit_depth)

    async def fund(
        self,
        recipients: Sequence[tuple[str, int]],
        fee_rate: int,
        reserved: Collection[OutPoint],
        pinned: Sequence[OutPoint] = (),
    ) -> Funded:
        """An unsigned payment of exactly these units to each recipient at `fee_rate` sat/vB, from unreserved coins.

        Nothing is locked in the node: two calls with the same `reserved` choose the same coins, so the caller commits
        the reservation (unique on txid and vout) before it has anything signed. `pinned` coins are spent in any case:
        the transaction that replaces an earlier attempt shares an input with it. Raises NotEnough, NodeUnavailable.
        """
        kinds = []
        for address, _ in recipients:
            judged = self.judge(address)
            if isinstance(judged, AddressProblem):
                raise ValueError(f"not a payable address: {judged}")
            kinds.append(judged.kind)
        return await self._purse.fund(recipients, kinds, fee_rate, reserved, pinned)

    def unpayable(self, address: str, units: int) -> str | None:
        """Pure. Why no transaction can pay this, None when one can."""
        judged = self.judge(address)
        if isinstance(judged, AddressProblem):
            return f"not a payable address: {judged.value}"
        return "less than the network relays" if units < build.DUST[judged.kind] else None

    async def relay_step(self) -> int:
        """sat/vB that a replacement has to pay on top of what it replaces."""
        try:
            mempool = await self._rpc.call("getmempoolinfo")
        except RpcError as error:
            raise NodeUnavailable(error.message) from error
        return max(1, parse.sat_per_vbyte(mempool["incrementalrelayfee"]))

    def change_of(self, raw: bytes, paid: Collection[str]) -> tuple[int, int] | None:
        """Pure. (vout, units) of our change in signed bytes of ours that pay these addresses; None when there is none."""
        outputs = enumerate(build.outputs_of(raw, self._settings.chain))
        return next(((vout, units) for vout, (address, units) in outputs if address not in paid), None)

    def vsize_of(self, raw: bytes) -> int:
        """Pure. Virtual size of signed bytes."""
        return build.vsize_of(raw)

    @understood
    async def spends(self, since: datetime) -> list[str]:
        """Transactions of the last weeks, and not before `since`, that spend our coins, in blocks and not."""
        return await own.spends(self._rpc, self._wallet, since)

    @understood
    async def coins_in(self, raw: bytes) -> list[Outpoint]:
        """Our coins that these signed bytes of ours spend."""
        return await own.coins_in(self._wallet, raw)

    async def child(self, change: OutPoint, units: int, fee_units: int) -> str:
        """An unsigned transaction (PSBT) that moves our change `change`, worth `units`, to new change for this fee."""
        return await self._purse.child(change, units, fee_units)

    @cached_property
    def hot_address(self) -> str:
        """Where the operator puts coins into the hot wallet: the first address of the internal chain, no one's deposit."""
        return build.derive_address(self._keys.internal, self._keys.chain, 0)
