"""Ethereum and other EIP-1559 chains without a separate data fee, through plain JSON-RPC."""

from tidegate.chains.evm.build import GasFees, GasPrice
from tidegate.chains.evm.client import EvmChain, WouldRevert

__all__ = ["EvmChain", "GasFees", "GasPrice", "WouldRevert"]
