"""Bitcoin through a node's watch-only descriptor wallet. The node holds no key."""

from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.driver import Driver
from tidegate.chains.families import Funded, NotEnough, Outpoint

__all__ = ["DRIVER", "BitcoinChain", "Funded", "NotEnough", "Outpoint"]

DRIVER = Driver(
    "bitcoin", lambda opening: BitcoinChain(opening.network, opening.settings, opening.bitcoin_keys, opening.born)
)
"""The entry point."""
