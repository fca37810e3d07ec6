"""An EVM chain's side of the port: plain JSON-RPC, no keys, no nonces of its own."""

import time
from collections.abc import Sequence
from typing import Any

from tidegate import money
from tidegate.chains.evm import build, parse
from tidegate.chains.evm.build import GasFees
from tidegate.chains.evm.scan import Scan
from tidegate.chains.port import (
    Address,
    AddressProblem,
    Arrivals,
    FeeRates,
    Health,
    NodeUnavailable,
    Sighting,
    SubmitOutcome,
    Submitted,
    Tip,
)
from tidegate.chains.public import EvmKeys
from tidegate.chains.rpc import AnswerLost, Rpc, RpcError
from tidegate.config import NetworkSettings

OLDEST_TIP_SECONDS = 600
DEVELOPMENT_CHAINS = {1337, 31337}
"""Blocks come when somebody makes them: an old tip says nothing there."""
MOST_GAS = 1_000_000
"""No payout of ours is worth more; a contract that asks for it is not a wallet."""


class WouldRevert(ValueError):
    """The node says that this payment cannot succeed as things are (blocked recipient, paused token, no funds)."""


class EvmChain:
    """One EIP-1559 network. Implements `chains.port.Chain`; nonce and gas methods are EVM's own."""

    gas_asset = "ETH"

    def __init__(self, network: str, settings: NetworkSettings, keys: EvmKeys) -> None:
        self.network = network
        self.confirmations = settings.confirmations
        self.block_seconds = settings.block_seconds
        self.chain_id = settings.chain_id
        self.hot_address = keys.hot_address
        self._settings = settings
        self._keys = keys
        self._rpc = Rpc(settings.rpc_url.get_secret_value())
        # asset → contract and contract → asset, EIP-55.
        self._contracts = {asset: build.checksummed(token.contract) for asset, token in settings.tokens.items()}
        self._assets = {contract: asset for asset, contract in self._contracts.items()}

    async def close(self) -> None:
        await self._rpc.close()

    def contract_of(self, asset: str) -> str | None:
        """The token's contract, None for ether. Refuses (KeyError) an asset that this network does not carry."""
        return None if asset == self.gas_asset else self._contracts[asset]

    def judge(self, text: str) -> Address | AddressProblem:
        return build.judge(text, self._assets)

    def deposit_address(self, index: int) -> str:
        return build.derive_address(self._keys.deposit_xpub, index)

    async def prepare(self) -> None:
        """The node is on the configured chain; each token has code and the decimals this house reckons with."""
        chain_id = parse.quantity(await self._read("eth_chainId"))
        if chain_id != self.chain_id:
            raise NodeUnavailable(f"the node is on chain id {chain_id}, we are set to {self.chain_id}")
        for asset, contract in self._contracts.items():
            pinned = self._settings.tokens[asset].decimals
            if pinned != money.asset(asset).decimals:
                raise NodeUnavailable(f"{asset} is set to {pinned} decimals, the house reckons with another number")
            if await self._read("eth_getCode", contract, "latest") in ("0x", None):
                raise NodeUnavailable(f"there is no contract at the address set for {asset}")
            decimals = parse.quantity(await self._read("eth_call", build.decimals_call(contract), "latest"))
            if decimals != pinned:
                raise NodeUnavailable(f"the contract of {asset} says {decimals} decimals, we are set to {pinned}")

    async def watch(self, upto_index: int) -> None:
        """Nothing to do: the scan compares with the addresses it is given."""

    async def health(self) -> Health:
        calls: list[tuple[str, Sequence[Any]]] = [
            ("eth_chainId", ()),
            ("eth_syncing", ()),
            ("eth_getBlockByNumber", ("latest", False)),
        ]
        try:
            chain_id, syncing, block = await self._rpc.batch(calls)
            for answer in (chain_id, syncing, block):
                if isinstance(answer, RpcError):
                    return Health(False, None, str(answer))
            height = parse.quantity(block["number"])
            if parse.quantity(chain_id) != self.chain_id:
                return Health(False, height, f"The node is on chain id {int(chain_id, 16)}, not {self.chain_id}.")
        except NodeUnavailable as error:
            return Health(False, None, str(error))
        if syncing is not False:
            return Health(False, height, "The node is still downloading the chain.")
        age = time.time() - parse.quantity(block["timestamp"])
        if self.chain_id not in DEVELOPMENT_CHAINS and age > OLDEST_TIP_SECONDS:
            return Health(False, height, "The node's newest block is more than ten minutes old.")
        return Health(True, height)

    async def tip(self) -> Tip:
        block = await self._read("eth_getBlockByNumber", "latest", False)
        return Tip(parse.quantity(block["number"]), block["hash"])

    async def arrivals(self, cursor: str | None, watched: Sequence[str], open_txids: Sequence[str]) -> Arrivals:
        """Direct ether transfers and Transfer logs of our tokens, each with the receipt that proves it.

        Ether that a contract sends (an internal transfer) leaves no such trace and is found by comparing balances.
        """
        scan = Scan(self._rpc, watched, self._assets, self.gas_asset)
        try:
            return await scan.run(cursor, open_txids, await self.tip())
        except RpcError as error:
            raise NodeUnavailable(str(error)) from error

    async def gas_fees(self) -> GasFees:
        """Gas prices by speed from the last 20 blocks, within the network's bounds."""
        history = await self._read("eth_feeHistory", hex(build.FEE_BLOCKS), "latest", list(build.FEE_PERCENTILES))
        floor, ceiling = self._settings.min_fee_rate * build.GWEI, self._settings.max_fee_rate * build.GWEI
        return build.gas_fees(history, floor=floor, ceiling=ceiling)

    async def fee_rates(self) -> FeeRates:
        """Wei per gas: the `max_fee` of gas_fees()."""
        return (await self.gas_fees()).rates

    async def gas_for(self, asset: str, address: str, units: int) -> int:
        """Gas to allow for this payment from the hot account: exact for an account, a fifth above the estimate else.

        Raises WouldRevert when the node's dry run fails.
        """
        return await self.gas_from(self.hot_address, asset, address, units)

    async def gas_from(self, sender: str, asset: str, address: str, units: int) -> int:
        """The same of another account of ours."""
        contract = self.contract_of(asset)
        if contract is None and await self._read("eth_getCode", address, "latest") == "0x":
            return build.GAS_ETHER
        call = build.transfer_call(sender, contract, address, units)
        try:
            estimate = parse.quantity(await self._rpc.call("eth_estimateGas", call))
        except RpcError as error:
            raise WouldRevert(error.message) from error
        if estimate > MOST_GAS:
            raise WouldRevert(f"it would take {estimate} gas")
        return -(-estimate * 6 // 5)

    async def next_nonce(self, address: str | None = None) -> int:
        """How many transactions of this account (the hot one) are mined: the least nonce that is still free on chain."""
        return parse.quantity(await self._read("eth_getTransactionCount", address or self.hot_address, "latest"))

    async def final_nonce(self, depth: int) -> int:
        """How many transactions of the hot account were mined `depth` blocks below the newest: no reorg takes them back."""
        block = max(0, (await self.tip()).height - depth)
        return parse.quantity(await self._read("eth_getTransactionCount", self.hot_address, hex(block)))

    async def submit(self, raw: bytes) -> SubmitOutcome:
        txid = build.hash_of(raw)
        try:
            await self._rpc.call("eth_sendRawTransaction", "0x" + raw.hex())
        except AnswerLost as error:
            return SubmitOutcome(Submitted.UNKNOWN, str(error))
        except RpcError as error:
            return await self._after_refusal(raw, txid, error)
        return SubmitOutcome(Submitted.ACCEPTED, txid)

    async def _after_refusal(self, raw: bytes, txid: str, error: RpcError) -> SubmitOutcome:
        """Clients word the same refusal differently, so only facts count: our own hash, then our own nonce."""
        try:
            if await self._read("eth_getTransactionByHash", txid) is not None:
                return SubmitOutcome(Submitted.ACCEPTED, error.message)
            if await self.next_nonce() > build.nonce_of(raw):
                return SubmitOutcome(Submitted.REFUSED, f"another transaction used its nonce ({error.message})")
        except NodeUnavailable as silence:
            return SubmitOutcome(Submitted.UNKNOWN, f"{error.message}; then {silence}")
        return SubmitOutcome(Submitted.UNKNOWN, error.message)

    async def sighting(self, txid: str, asset: str) -> Sighting:
        calls: list[tuple[str, Sequence[Any]]] = [
            ("eth_getTransactionByHash", (txid,)),
            ("eth_getTransactionReceipt", (txid,)),
            ("eth_blockNumber", ()),
        ]
        answers = await self._rpc.batch(calls)
        for answer in answers:
            if isinstance(answer, RpcError):
                raise NodeUnavailable(str(answer))
        transaction, receipt, height = answers
        return parse.sighting(transaction, receipt, parse.quantity(height), self.contract_of(asset))

    async def held(self, address: str, asset: str) -> tuple[int, int]:
        """(units of the asset, wei) of one account at the newest block that is deep enough to count on."""
        block = hex(max(0, (await self.tip()).height - self.confirmations + 1))
        calls: list[tuple[str, Sequence[Any]]] = [("eth_getBalance", (address, block))]
        contract = self.contract_of(asset)
        if contract is not None:
            calls.append(("eth_call", (build.balance_call(contract, address), block)))
        answers = await self._rpc.batch(calls)
        for answer in answers:
            if isinstance(answer, RpcError):
                raise NodeUnavailable(str(answer))
        return parse.quantity(answers[-1]), parse.quantity(answers[0])

    async def balances(self, addresses: Sequence[str]) -> dict[str, int]:
        """Sums over the addresses at the newest block."""
        totals = dict.fromkeys((self.gas_asset, *self._contracts), 0)
        calls: list[tuple[str, Sequence[Any]]] = []
        owners: list[str] = []
        # One block for all: sums over a moving chain would fit no moment.
        block = hex((await self.tip()).height)
        for address in addresses:
            calls.append(("eth_getBalance", (address, block)))
            owners.append(self.gas_asset)
            for asset, contract in self._contracts.items():
                calls.append(("eth_call", (build.balance_call(contract, address), block)))
                owners.append(asset)
        for asset, answer in zip(owners, await self._rpc.batch(calls), strict=True):
            if isinstance(answer, RpcError):
                raise NodeUnavailable(str(answer))
            totals[asset] += parse.quantity(answer)
        return totals

    async def _read(self, method: str, *params: Any) -> Any:
        """A read that the node has no reason to refuse: a refusal means that it cannot be asked."""
        try:
            return await self._rpc.call(method, *params)
        except RpcError as error:
            raise NodeUnavailable(str(error)) from error
