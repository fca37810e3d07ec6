"""Bitcoin through a node's watch-only descriptor wallet. The node holds no key."""

from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.families import Funded, NotEnough, Outpoint

__all__ = ["BitcoinChain", "Funded", "NotEnough", "Outpoint"]
