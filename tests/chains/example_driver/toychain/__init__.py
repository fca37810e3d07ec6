"""Toychain: a chain of accounts with a JSON-RPC of its own, whose transactions are signed as Ethereum's are.

`[networks.toy] kind = "toychain"`, `family = "evm"`, `chain_id`, `rpc_url`, and of its own `[networks.toy.options]
look_back`: how many blocks a first scan reads.
"""

import json
from collections.abc import Container, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tidegate.chains.driver import Driver, Opening
from tidegate.chains.evm import build
from tidegate.chains.families import Family, GasFees, GasPrice, GasTerms
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
from tidegate.chains.rpc import AnswerLost, Rpc, RpcError, understood


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")

    look_back: int = Field(64, ge=1, le=1_000)


class ToyChain:
    """Implements `tidegate.chains.families.AccountChain`."""

    family: Family = "evm"
    compared = False

    def __init__(self, opening: Opening) -> None:
        settings = opening.settings
        assert isinstance(opening.options, Options)
        self.network = opening.network
        self.gas_asset = settings.gas_asset
        self.confirmations = settings.confirmations
        self.block_seconds = settings.block_seconds
        self.chain_id = settings.chain_id
        self.hot_address = opening.evm_keys.hot_address
        self._xpub = opening.evm_keys.deposit_xpub
        self._look_back = opening.options.look_back
        self._rpc = Rpc(settings.rpc_url.get_secret_value())

    async def close(self) -> None:
        await self._rpc.close()

    # --- pure

    def judge(self, text: str) -> Address | AddressProblem:
        return build.judge(text, ())

    def deposit_address(self, index: int) -> str:
        return build.derive_address(self._xpub, index)

    def contract_of(self, asset: str) -> str | None:
        if asset != self.gas_asset:
            raise KeyError(asset)
        return None

    # --- the node

    async def remember(self, height: int, cursor: str | None) -> None:
        """Its blocks are final: nothing to hold against the node but the chain's id."""

    @understood
    async def prepare(self) -> None:
        status = await self._rpc.call("toy_status")
        if status["chain_id"] != self.chain_id:
            raise NodeUnavailable(f"the node is on chain id {status['chain_id']}, we are set to {self.chain_id}")

    @understood
    async def occupant(self, address: str) -> Occupant:
        return Occupant(ours=address == self.hot_address)

    async def turns_down(self, asset: str, address: str, units: int) -> bool:
        """Nobody can: it has no contracts."""
        return False

    async def watch(self, upto_index: int) -> None:
        """Nothing to do: the scan compares with the addresses it is given."""

    async def health(self) -> Health:
        try:
            await self.prepare()
            return Health(True, (await self.tip()).height)
        except NodeUnavailable as error:
            return Health(False, None, str(error))

    @understood
    async def tip(self) -> Tip:
        status = await self._rpc.call("toy_status")
        return Tip(int(status["height"]), str(status["hash"]))

    # --- deposits: block by block, each linked to the one before

    @understood
    async def pulse(self) -> str | None:
        return None

    @understood
    async def arrivals(self, cursor: str | None, watched: Container[str], open_txids: Sequence[str]) -> Arrivals:
        tip = await self.tip()
        blocks: list[list[Any]] = json.loads(cursor) if cursor else []
        while blocks and (await self._block(blocks[-1][0]) or {}).get("hash") != blocks[-1][1]:
            blocks.pop()
        first = blocks[-1][0] + 1 if blocks else max(tip.height - self._look_back, 0)
        seen: list[Arrival] = []
        for height in range(first, tip.height + 1):
            block = await self._block(height)
            if block is None or (blocks and block["parent"] != blocks[-1][1]):
                break
            seen += [self._arrival(one, tip) for one in block["payments"] if one["to"] in watched]
            blocks.append([height, block["hash"]])
        gone = []
        for txid in open_txids:
            found = await self._rpc.call("toy_find", txid)
            if found is None:
                gone.append(txid)
            elif found["to"] in watched:
                seen.append(self._arrival(found, tip))
        return Arrivals(tuple(seen), json.dumps(blocks[-self._look_back :]), tuple(gone))

    @understood
    async def depths(self, blocks: Sequence[tuple[int, str]]) -> dict[str, int]:
        newest = (await self.tip()).height
        found: dict[str, int] = {}
        for height, block_hash in blocks:
            block = await self._block(height)
            if block is not None:
                found[block_hash] = newest - height + 1 if block["hash"] == block_hash else -1
        return found

    @understood
    async def reread(self, height: int) -> str:
        before = max(height - 1, 0)
        block = await self._block(before)
        if block is None:
            raise NodeUnavailable(f"the node has no block {before}")
        return json.dumps([[before, block["hash"]]])

    async def _block(self, height: int) -> dict[str, Any] | None:
        found: dict[str, Any] | None = await self._rpc.call("toy_block", height)
        return found

    def _arrival(self, found: dict[str, Any], tip: Tip) -> Arrival:
        height = found["height"]
        deep = tip.height - height + 1 if height is not None else 0
        return Arrival(self.gas_asset, found["to"], found["units"], found["txid"], -1, found["block"], height, deep)

    # --- payouts

    @understood
    async def gas_fees(self) -> GasFees:
        price = GasPrice(int(await self._rpc.call("toy_price")), 1)
        return GasFees(price, price, price)

    async def fee_rates(self) -> FeeRates:
        return (await self.gas_fees()).rates

    async def gas_for(self, asset: str, address: str, units: int) -> int:
        self.contract_of(asset)
        return build.GAS_ETHER

    @understood
    async def next_nonce(self, address: str | None = None) -> int:
        return int((await self._rpc.call("toy_account", address or self.hot_address))["nonce"])

    @understood
    async def final_nonce(self, depth: int) -> int:
        """Its blocks are final."""
        return await self.next_nonce()

    def terms_in(self, raw: bytes) -> GasTerms:
        return build.terms_of(raw)

    async def submit(self, raw: bytes) -> SubmitOutcome:
        txid = build.hash_of(raw)
        try:
            await self._rpc.call("toy_send", raw.hex(), once=True)
        except AnswerLost as error:
            return SubmitOutcome(Submitted.UNKNOWN, str(error))
        except RpcError as error:
            return await self._after_refusal(raw, txid, error)
        return SubmitOutcome(Submitted.ACCEPTED, txid)

    async def _after_refusal(self, raw: bytes, txid: str, error: RpcError) -> SubmitOutcome:
        """Facts before words: our own transaction, then our own nonce."""
        try:
            if (await self.sighting(txid, self.gas_asset)).fate is not Fate.UNSEEN:
                return SubmitOutcome(Submitted.ACCEPTED, txid)
            used = await self.next_nonce() > build.nonce_of(raw)
        except NodeUnavailable as silence:
            return SubmitOutcome(Submitted.UNKNOWN, str(silence))
        return SubmitOutcome(Submitted.REFUSED if used else Submitted.UNKNOWN, error.message)

    @understood
    async def sighting(self, txid: str, asset: str) -> Sighting:
        found = await self._rpc.call("toy_find", txid)
        if found is None:
            return Sighting(Fate.UNSEEN)
        if found["height"] is None:
            return Sighting(Fate.MEMPOOL)
        deep = (await self.tip()).height - found["height"] + 1
        paid = {found["to"]: found["units"]}
        return Sighting(Fate.MINED, deep, found["block"], found["height"], found["fee"], paid)

    @understood
    async def balances(self, addresses: Sequence[str]) -> dict[str, int]:
        held = [int((await self._rpc.call("toy_account", one))["units"]) for one in addresses]
        return {self.gas_asset: sum(held)}


DRIVER = Driver("evm", ToyChain, Options)
