"""An EVM chain's side of the port: plain JSON-RPC, no keys, no nonces of its own."""

from collections.abc import Container, Sequence
from typing import Any

from tidegate.chains.evm import build, parse
from tidegate.chains.evm.fitness import EvmWitness, Fitness
from tidegate.chains.evm.scan import Pace, Scan
from tidegate.chains.families import Family, GasFees, GasTerms, WouldRevert
from tidegate.chains.opinions import Opinions
from tidegate.chains.port import (
    Address,
    AddressProblem,
    Arrivals,
    FeeRates,
    Health,
    NodeUnavailable,
    Occupant,
    Sighting,
    SubmitOutcome,
    Submitted,
    Tip,
)
from tidegate.chains.public import EvmKeys
from tidegate.chains.rpc import AnswerLost, Rpc, RpcError, headers_from, understood
from tidegate.config import NetworkSettings

_DRY_RUN_FAILED = {3, -32000, -32003}
"""`eth_estimateGas`: reverted with data, reverted or short of funds by client; any other code judges the call."""


class EvmChain:
    """One EIP-1559 network. Implements `chains.families.AccountChain`."""

    family: Family = "evm"
    compared = False

    def __init__(self, network: str, settings: NetworkSettings, keys: EvmKeys) -> None:
        self.network = network
        self.gas_asset = settings.gas_asset
        self.confirmations = settings.confirmations
        self.block_seconds = settings.block_seconds
        self.compared = bool(settings.others)
        self.chain_id = settings.chain_id
        self.hot_address = keys.hot_address
        self._settings = settings
        self._keys = keys
        headers = headers_from(settings.rpc_headers, settings.rpc_headers_file)
        self._rpc = Rpc(settings.rpc_url.get_secret_value(), headers=headers)
        # asset → contract and contract → asset, EIP-55.
        self._contracts = {asset: build.checksummed(token.contract) for asset, token in settings.tokens.items()}
        self._assets = {contract: asset for asset, contract in self._contracts.items()}
        others = [
            EvmWitness(name, node, settings.chain_id, self._assets, self.gas_asset)
            for name, node in settings.others.items()
        ]
        self._opinions = Opinions(others, settings.confirmations)
        self._fitness = Fitness(self._rpc, settings, self._contracts, self._opinions)
        self._pace = Pace()

    async def close(self) -> None:
        await self._rpc.close()
        await self._opinions.close()

    def contract_of(self, asset: str) -> str | None:
        """The token's contract, None for ether. Refuses (KeyError) an asset that this network does not carry."""
        return None if asset == self.gas_asset else self._contracts[asset]

    def judge(self, text: str) -> Address | AddressProblem:
        return build.judge(text, self._assets)

    def deposit_address(self, index: int) -> str:
        return build.derive_address(self._keys.deposit_xpub, index)

    async def remember(self, height: int, cursor: str | None) -> None:
        self._fitness.remember(height, cursor)

    @understood
    async def occupant(self, address: str) -> Occupant:
        """An account that lends itself code (EIP-7702) is still somebody's account."""
        code = str(await self._read("eth_getCode", address, "latest"))
        contract = code not in ("0x", "None") and not code.lower().startswith(build.DELEGATION)
        return Occupant(ours=address == self.hot_address, contract=contract)

    @understood
    async def turns_down(self, asset: str, address: str, units: int) -> bool:
        """A dry run that fails although the hot account holds the amount. It proves nothing about the next block."""
        if asset != self.gas_asset or await self._read("eth_getCode", address, "latest") == "0x":
            return False
        try:
            await self._rpc.call("eth_estimateGas", build.transfer_call(self.hot_address, None, address, units))
        except RpcError:
            held = parse.quantity(await self._read("eth_getBalance", self.hot_address, "latest"))
            return held >= units
        return False

    async def prepare(self) -> None:
        """The node is on the configured chain; each token has code and the decimals this house reckons with."""
        await self._fitness.rules()

    async def watch(self, upto_index: int) -> None:
        """Nothing to do: the scan compares with the addresses it is given."""

    async def health(self) -> Health:
        return await self._fitness.look()

    @understood
    async def tip(self) -> Tip:
        block = await self._read("eth_getBlockByNumber", "latest", False)
        return Tip(parse.quantity(block["number"]), block["hash"])

    @understood
    async def pulse(self) -> str:
        """The newest block, what waits for the next one where the node shows it, and the tags that a tier asks for."""
        tags = sorted({tier.finality for tier in self._settings.deposit_tiers if tier.finality})
        calls = [("eth_getBlockByNumber", (tag, False)) for tag in ("latest", "pending", *tags)]
        latest, pending, *tagged = await self._rpc.batch(calls)
        if isinstance(latest, RpcError):
            raise latest
        waiting = pending.get("transactions") if isinstance(pending, dict) else None
        heights = [block["number"] for block in tagged if isinstance(block, dict)]
        return f"{latest['number']} {latest['hash']} {waiting} {heights}"

    @understood
    async def arrivals(self, cursor: str | None, watched: Container[str], open_txids: Sequence[str]) -> Arrivals:
        """Direct ether transfers and Transfer logs, each with the receipt that proves it; foreign tokens as UNKNOWN.

        Ether that a contract sends (an internal transfer) leaves no such trace and is found by comparing balances.
        """
        scan = Scan(self._rpc, watched, self._assets, self.gas_asset, (self.hot_address,), self._pace)
        try:
            return await self._opinions.temper(await scan.run(cursor, open_txids, await self.tip()))
        except RpcError as error:
            raise NodeUnavailable(str(error)) from error

    @understood
    async def depths(self, blocks: Sequence[tuple[int, str]]) -> dict[str, int]:
        if not blocks:
            return {}
        calls: list[tuple[str, Sequence[Any]]] = [("eth_blockNumber", ())]
        calls += [("eth_getBlockByNumber", (hex(height), False)) for height, _ in blocks]
        tip, *headers = await self._rpc.batch(calls)
        for answer in (tip, *headers):
            if isinstance(answer, RpcError):
                raise NodeUnavailable(str(answer))
        newest, highest = parse.quantity(tip), max(height for height, _ in blocks)
        if newest < highest or None in headers:
            # One of several behind one address may be late: what it has not heard of is not gone.
            raise NodeUnavailable(f"the node is at block {newest}, and block {highest} was shown to us before")
        return {
            block_hash: max(newest - height + 1, 1) if header["hash"] == block_hash else -1
            for (height, block_hash), header in zip(blocks, headers, strict=True)
        }

    async def reread(self, height: int) -> str:
        before = max(height - 1, 0)
        block = await self._read("eth_getBlockByNumber", hex(before), False)
        if block is None:
            raise NodeUnavailable(f"the node has no block {before}")
        return parse.write_cursor([(before, block["hash"])])

    async def settled_height(self) -> int | None:
        """The height of the node's finalized block; None where it has no such tag."""
        try:
            block = await self._rpc.call("eth_getBlockByNumber", "finalized", False)
        except RpcError:
            return None
        return None if block is None else parse.quantity(block["number"])

    @understood
    async def ether_of(self, addresses: Sequence[str], height: int) -> tuple[str, dict[str, int]]:
        """(hash of that block, what each address held after it). For blocks that cannot be taken away any more."""
        block = await self._read("eth_getBlockByNumber", hex(height), False)
        if block is None:
            raise NodeUnavailable(f"the node has no block {height}")
        answers = await self._rpc.batch([("eth_getBalance", (address, hex(height))) for address in addresses])
        for answer in answers:
            if isinstance(answer, RpcError):
                raise NodeUnavailable(str(answer))
        held = {address: parse.quantity(answer) for address, answer in zip(addresses, answers, strict=True)}
        return block["hash"], held

    @understood
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
            if error.code not in _DRY_RUN_FAILED:
                raise NodeUnavailable(str(error)) from error
            raise WouldRevert(error.message) from error
        if estimate > self._settings.max_gas:
            raise WouldRevert(f"it would take {estimate} gas")
        return -(-estimate * 6 // 5)

    @understood
    async def next_nonce(self, address: str | None = None) -> int:
        """How many transactions of this account (the hot one) are mined: the least nonce that is still free on chain."""
        return parse.quantity(await self._read("eth_getTransactionCount", address or self.hot_address, "latest"))

    async def final_nonce(self, depth: int) -> int:
        """How many transactions of the hot account were mined `depth` blocks below the newest: no reorg takes them back."""
        block = max(0, (await self.tip()).height - depth)
        return parse.quantity(await self._read("eth_getTransactionCount", self.hot_address, hex(block)))

    def terms_in(self, raw: bytes) -> GasTerms:
        """Pure. Nonce and gas of signed bytes of ours."""
        return build.terms_of(raw)

    async def submit(self, raw: bytes) -> SubmitOutcome:
        txid = build.hash_of(raw)
        try:
            await self._rpc.call("eth_sendRawTransaction", "0x" + raw.hex(), once=True)
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

    @understood
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
        seen = parse.sighting(transaction, receipt, parse.quantity(height), self.contract_of(asset))
        return await self._opinions.temper_sighting(txid, seen)

    @understood
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

    @understood
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
