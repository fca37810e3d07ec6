"""Ethereum and other EIP-1559 chains without a separate data fee, through plain JSON-RPC."""

from tidegate.chains.evm.client import EvmChain
from tidegate.chains.families import GasFees, GasPrice, WouldRevert

__all__ = ["EvmChain", "GasFees", "GasPrice", "WouldRevert"]
