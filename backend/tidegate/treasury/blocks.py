"""Waiting for blocks: a set that only gains depth is looked at when its chain's tip moved, and on a slow beat.

The tip is read before the looks that it vouches for. Each worker remembers its own: what one slept through another, or
the beat, finds. A worker that starts remembers nothing and looks at everything.
"""

from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from tidegate.chains.port import Chain, NodeUnavailable, Tip
from tidegate.database import Database
from tidegate.treasury import store
from tidegate.treasury.rules import Purpose
from tidegate.treasury.spend import Spender

BEAT = timedelta(seconds=5)
"""The longest time without a look: what only time changes, and what leaves a node's memory without a block."""
POLL = timedelta(seconds=1)
"""How soon to look again at what another node may tell a moment later, or nobody knows of."""

_TIPS: "WeakKeyDictionary[Database, dict[str, Tip]]" = WeakKeyDictionary()


async def wake(spender: Spender, *, now: datetime) -> None:
    """Make the sets due that wait for a block on a chain which has moved since the last call. Silent nodes wait."""
    for network, chain in spender.chains.items():
        try:
            await _wake_one(spender.db, network, chain, now)
        except NodeUnavailable:
            continue


async def _wake_one(db: Database, network: str, chain: Chain, now: datetime) -> None:
    tip, tips = await chain.tip(), _TIPS.setdefault(db, {})
    if tips.get(network) != tip:
        async with db.transaction() as session:
            await store.wake(session, network, Purpose.PAYOUT, now=now)
        tips[network] = tip


def pause_of(chain: Chain, *, known: bool) -> timedelta:
    """How long a set of this chain may be left alone that waits for nothing but blocks. `known`: the node has it."""
    # A second node is behind the first for a moment, and nothing tells when it is there.
    return BEAT if known and not chain.compared else POLL
