"""Which family of chains a text could be an address of. Pure; used to say "another network" instead of "invalid"."""

import re

import bdkpython as bdk

HEX_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{40}\Z", re.ASCII)
LONGEST_ADDRESS = 100
"""Bech32 ends at 90 characters."""

BITCOIN_NETWORKS = {
    "main": bdk.Network.BITCOIN,
    "test": bdk.Network.TESTNET,
    "testnet4": bdk.Network.TESTNET4,
    "signet": bdk.Network.SIGNET,
    "regtest": bdk.Network.REGTEST,
}


def is_evm_address(text: str) -> bool:
    """Spelled like an EVM account; says nothing of its checksum."""
    return HEX_ADDRESS.match(text) is not None


def bitcoin_address(text: str, chain: str) -> bdk.Address | None:
    """The address if it is one of this chain. Base58 addresses of the test networks are the same on each of them."""
    if not text.isascii() or len(text) > LONGEST_ADDRESS:
        return None
    try:
        return bdk.Address(text, BITCOIN_NETWORKS[chain])
    except bdk.AddressParseError:
        return None


def is_bitcoin_address(text: str) -> bool:
    """An address of any Bitcoin network, checksum included."""
    return any(bitcoin_address(text, chain) is not None for chain in BITCOIN_NETWORKS)
