"""What we say to Bitcoin: addresses, coin choice, sizes, requests to the node. Pure; amounts are integer satoshi."""

from collections.abc import Sequence
from functools import lru_cache

import bdkpython as bdk

from tidegate.chains.families import Coin, OutPoint
from tidegate.chains.port import Address, AddressProblem
from tidegate.chains.recognise import BITCOIN_NETWORKS, bitcoin_address, is_bitcoin_address, is_evm_address
from tidegate.money import BTC, format_units

# Virtual bytes, rounded up: transaction head with room for 252 inputs and outputs, a P2WPKH input, outputs by kind.
HEAD_VSIZE = 11
INPUT_VSIZE = 68
OUTPUT_VSIZE = {"p2wpkh": 31, "p2tr": 43, "p2wsh": 43, "p2pkh": 34, "p2sh": 32}

MAX_INPUTS = 100
"""A PSBT carries whole parent transactions: more inputs would outgrow the signer's frame (chains.md 2.5)."""
MIN_COIN_UNITS = 1_000
"""Smaller coins are dust gifts; spending one costs more than it brings at 15 sat/vB."""
MAX_ANCESTORS = 10
"""Length of a chain of own unconfirmed change; nodes refuse at 25."""

DUST = {"p2wpkh": 294, "p2tr": 330, "p2wsh": 330, "p2pkh": 546, "p2sh": 540}
"""Smaller outputs are not relayed (chains.md 2.6)."""


def judge(text: str, chain: str) -> Address | AddressProblem:
    """Is this a payable address of this Bitcoin network? Upper-case Bech32 is; unknown witness versions are not."""
    found = bitcoin_address(text, chain)
    if found is None:
        other = is_evm_address(text) or is_bitcoin_address(text)
        return AddressProblem.WRONG_NETWORK if other else AddressProblem.INVALID
    kind = _kind(found)
    return Address(str(found), kind) if kind else AddressProblem.INVALID


def _kind(address: bdk.Address) -> str | None:
    data = address.to_address_data()
    if data.is_P2PKH():
        return "p2pkh"
    if data.is_P2SH():
        return "p2sh"
    program = data.witness_program
    shapes = {(0, 20): "p2wpkh", (0, 32): "p2wsh", (1, 32): "p2tr"}
    return shapes.get((program.version, len(program.program)))


@lru_cache(maxsize=16)
def _descriptor(descriptor: str, chain: str) -> bdk.Descriptor:
    kind = bdk.NetworkKind.MAIN if chain == "main" else bdk.NetworkKind.TEST
    return bdk.Descriptor(descriptor, kind)


def derive_address(descriptor: str, chain: str, index: int) -> str:
    """Address number `index` of a ranged public descriptor."""
    return str(_descriptor(descriptor, chain).derive_address(index, BITCOIN_NETWORKS[chain]))


def payment_uri(address: str, units: int | None = None) -> str:
    """BIP21."""
    return f"bitcoin:{address}" + (f"?amount={amount_text(units)}" if units is not None else "")


def amount_text(units: int) -> str:
    """Satoshi as the decimal string that the node takes; a float sum would trip its check of 8 decimals."""
    return format_units(units, BTC.decimals)


def payout_vsize(inputs: int, output_kinds: Sequence[str], *, change: bool = True) -> int:
    """Virtual size, rounded up, of a payment from our own P2WPKH coins."""
    outputs = sum(OUTPUT_VSIZE[kind] for kind in output_kinds) + (OUTPUT_VSIZE["p2wpkh"] if change else 0)
    return HEAD_VSIZE + inputs * INPUT_VSIZE + outputs


def fund_params(
    coins: Sequence[Coin], recipients: Sequence[tuple[str, int]], fee_rate: int
) -> tuple[list[dict[str, object]], list[dict[str, str]], int, dict[str, object], bool]:
    """Parameters of `walletcreatefundedpsbt`: exactly these coins, exact amounts, the fee on top, change BIP84."""
    inputs: list[dict[str, object]] = [{"txid": coin.txid, "vout": coin.vout} for coin in coins]
    outputs = [{address: amount_text(units)} for address, units in recipients]
    options: dict[str, object] = {
        "add_inputs": False,
        "change_type": "bech32",
        "fee_rate": fee_rate,
        "lockUnspents": False,  # the database owns reservations; the node's locks die with it
        "replaceable": True,
    }
    return inputs, outputs, 0, options, True


def import_params(
    external: str,
    internal: str,
    *,
    end: int,
    next_index: int,
    change_end: int,
    change_index: int,
    timestamp: int | str,
) -> list[object]:
    """Parameters of `importdescriptors` for deposits and change, indexes 0 to `end` and `change_end` inclusive.

    `next_index` must not lag far behind what is handed out: a payment beyond it makes the node write every index in
    between, with the wallet frozen meanwhile (chains.md 2.4). `change_index` is the node's own next one: without it the
    import would begin with change at 0 again.
    """
    common: dict[str, object] = {"active": True, "timestamp": timestamp}
    deposits, change = [0, end], [0, change_end]
    return [
        [
            {"desc": external, "internal": False, "range": deposits, "next_index": next_index, **common},
            {"desc": internal, "internal": True, "range": change, "next_index": change_index, **common},
        ]
    ]


def _transaction(raw: bytes) -> bdk.Transaction:
    try:
        return bdk.Transaction(raw)
    except bdk.TransactionError as error:
        raise ValueError("not a Bitcoin transaction") from error


def txid_of(raw: bytes) -> str:
    """Refuses (ValueError) bytes that are no transaction."""
    return str(_transaction(raw).compute_txid())


def inputs_of(raw: bytes) -> list[OutPoint]:
    """The coins that signed bytes spend. Refuses (ValueError) bytes that are no transaction."""
    return [(str(i.previous_output.txid), i.previous_output.vout) for i in _transaction(raw).input()]


def outputs_of(raw: bytes, chain: str) -> list[tuple[str | None, int]]:
    """(address, units) of each output of signed bytes. Refuses (ValueError) bytes that are no transaction."""
    found: list[tuple[str | None, int]] = []
    for output in _transaction(raw).output():
        try:
            address: str | None = str(bdk.Address.from_script(output.script_pubkey, BITCOIN_NETWORKS[chain]))
        except bdk.FromScriptError:
            address = None
        found.append((address, int(output.value.to_sat())))
    return found


def vsize_of(raw: bytes) -> int:
    """Virtual size of signed bytes."""
    return int(_transaction(raw).vsize())


def child_vsize() -> int:
    """Virtual size of a transaction that spends one coin of ours to one change output, signature at its longest."""
    return payout_vsize(1, (), change=True)
