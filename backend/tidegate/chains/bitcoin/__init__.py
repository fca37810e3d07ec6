"""Bitcoin through a node's watch-only descriptor wallet. The node holds no key."""

from tidegate.chains.bitcoin.build import NotEnough
from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.bitcoin.spend import Funded, Outpoint

__all__ = ["BitcoinChain", "Funded", "NotEnough", "Outpoint"]
