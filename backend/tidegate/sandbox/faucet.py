"""Real coins for anybody who asks, from the nodes' own rich accounts. It sends; it never mines."""

import re

from tidegate.config import NetworkSettings, Settings
from tidegate.money import Amount
from tidegate.refusal import Kind, Refusal
from tidegate.sandbox.nodes import FAUCET_WALLET
from tidegate.sandbox.rpc import Rpc, RpcGone, RpcRefused
from tidegate.wire import amount_in

MOST = {"BTC": "100", "ETH": "10000", "USDT": "10000000", "USDC": "10000000"}
_EVM_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}\Z", re.ASCII)
_ETHER_GAS = 21_000
_TOKEN_GAS = 120_000
_INVALID_ADDRESS = -5
_NODE_RETRY_SECONDS = 2


async def give(settings: Settings, *, asset: str, network: str, address: str, text: str) -> str:
    """Send; the transaction's id. Refuses what no node would take, and BUSY when the node does not answer."""
    amount = amount_in(asset, text)
    if network not in settings.networks:
        raise Refusal(Kind.UNKNOWN_NETWORK, "There is no such network here.", field="network")
    if network not in settings.networks_of(asset):
        raise Refusal(Kind.WRONG_NETWORK, f"{asset} does not live on {network}.", field="network")
    if amount.units > Amount.parse(amount.asset, MOST[asset]).units:
        detail = f"The faucet gives {MOST[asset]} {asset} at a time."
        raise Refusal(Kind.INVALID_AMOUNT, detail, field="amount", limit=MOST[asset])
    node = settings.networks[network]
    try:
        async with Rpc(node.rpc_url.get_secret_value(), seconds=20) as rpc:
            if node.family == "bitcoin":
                return await _give_bitcoin(rpc, address, amount)
            return await _give_evm(rpc, node, address, amount)
    except RpcGone as gone:
        raise Refusal(
            Kind.BUSY, "The node does not answer; it is not known whether it sent.", retry_after=_NODE_RETRY_SECONDS
        ) from gone


async def _give_bitcoin(rpc: Rpc, address: str, amount: Amount) -> str:
    try:
        return str(await rpc.call("sendtoaddress", address, amount.text, path=f"/wallet/{FAUCET_WALLET}"))
    except RpcRefused as refused:
        if refused.code == _INVALID_ADDRESS:
            raise Refusal(Kind.INVALID_ADDRESS, "Not an address of this network.", field="address") from refused
        raise Refusal(Kind.INVALID_AMOUNT, f"The node refuses: {refused.message}", field="amount") from refused


async def _give_evm(rpc: Rpc, node: NetworkSettings, address: str, amount: Amount) -> str:
    if not _EVM_ADDRESS.match(address):
        raise Refusal(Kind.INVALID_ADDRESS, "Not an address of this network.", field="address")
    owner, rich, *_ = await rpc.call("eth_accounts")
    token = node.tokens.get(amount.asset.code)
    if token is None:
        sending = {"from": rich, "to": address, "value": hex(amount.units), "gas": hex(_ETHER_GAS)}
    else:
        data = f"0xa9059cbb{int(address, 16):064x}{amount.units:064x}"
        sending = {"from": owner, "to": token.contract, "data": data, "gas": hex(_TOKEN_GAS)}
    try:
        return str(await rpc.call("eth_sendTransaction", sending))
    except RpcRefused as refused:
        raise Refusal(Kind.INVALID_AMOUNT, f"The node refuses: {refused.message}", field="amount") from refused
