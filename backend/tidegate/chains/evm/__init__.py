"""Ethereum and other EIP-1559 chains without a separate data fee, through plain JSON-RPC."""

from tidegate.chains.driver import Driver
from tidegate.chains.evm.client import EvmChain
from tidegate.chains.families import GasFees, GasPrice, WouldRevert

__all__ = ["DRIVER", "EvmChain", "GasFees", "GasPrice", "WouldRevert"]

DRIVER = Driver("evm", lambda opening: EvmChain(opening.network, opening.settings, opening.evm_keys))
"""The entry point."""
