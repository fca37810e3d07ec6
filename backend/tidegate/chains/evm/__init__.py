"""Ethereum and other EIP-1559 chains without a separate data fee, through plain JSON-RPC."""
