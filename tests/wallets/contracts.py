"""Small EVM programs that do what no plain payment does, and how a test puts them on the chain."""

from tests.wallets.world import TRANSFER, World

TRANSFER_TOPIC = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def _word(address: str) -> str:
    return address[2:].lower()


async def send(world: World, call: dict[str, str]) -> str:
    """Send and mine one block. The txid."""
    sender = (await world.evm.accounts())[1]
    txid = await world.evm.rpc.call("eth_sendTransaction", {"from": sender, "gas": hex(500_000), **call})
    await world.evm.mine(1)
    return str(txid)


async def deploy(world: World, runtime: str) -> str:
    """Put code on the chain; its address."""
    code = f"60{len(runtime) // 2:02x}80600b5f395ff3".ljust(22, "0") + runtime
    txid = await send(world, {"data": "0x" + code})
    receipt = await world.evm.rpc.call("eth_getTransactionReceipt", txid)
    return str(receipt["contractAddress"])


async def pay_from_inside(world: World, address: str, wei: int) -> str:
    """Ether that a contract sends: its constructor calls the address with all that it was given."""
    return await send(world, {"data": f"0x5f5f5f5f3473{_word(address)}5af100", "value": hex(wei)})


async def shout(world: World, address: str) -> str:
    """A contract that writes a Transfer log of 2^32 units to this address whenever it is called."""
    # PUSH5 units, MSTORE; topics: recipient, sender 0, Transfer; LOG3.
    return await deploy(world, f"6401000000005f5273{_word(address)}5f7f{TRANSFER_TOPIC}60205fa300")


async def two_minded(world: World, code: str, before: str, after: str, height: int, units: int) -> str:
    """A contract that pays this token to one address in blocks below a height, and to another one from there on."""
    difference = (int(before, 16) - int(after, 16)) % 2**256
    token = world.evm.tokens[code]
    runtime = (
        f"63{TRANSFER}60e01b5f52"  # the selector, at 0
        f"73{_word(after)}7f{difference:064x}65{height:012x}43100201600452"  # after + difference * (block < height), at 4
        f"63{units:08x}602452"  # how much, at 36
        f"5f5f60445f5f73{_word(token)}5af100"  # the call
    )
    return await deploy(world, runtime)
