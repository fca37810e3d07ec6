"""Leaving out scans that can find nothing: one question to the node and one to the books instead of a dozen.

A scan that found nothing to do is remembered with the node's pulse and the books' cursor, both read before it began.
While both stay the same nothing is looked at again, but for a beat now and then: what only time changes (a node that
falls behind, a payment given up) is not in the pulse.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from tidegate.chains.port import Chain
from tidegate.database import Database
from tidegate.wallets import deposit_store, rules, store, watch

BEAT_SECONDS = 10.0
"""The longest time without a scan; what customers are told of a network that is not read begins far later."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a scan began with. `at`: by this process's own clock."""

    pulse: str
    cursor: str
    at: float


_MARKS: "WeakKeyDictionary[Database, dict[str, Mark]]" = WeakKeyDictionary()


async def unless_quiet(db: Database, chain: Chain, scan: Callable[[], Awaitable[bool]]) -> bool:
    """Run `scan`, unless nothing can have changed since one that answered False. Raises what node and scan raise."""
    marks = _MARKS.setdefault(db, {})
    pulse = await chain.pulse()
    books = await db.ask(store.standing, (chain.network, watch.family(chain)))
    last, now = marks.get(chain.network), time.monotonic()
    if (
        last is not None
        and books is not None
        and (last.pulse, last.cursor) == (pulse, books.cursor)
        and now - last.at < BEAT_SECONDS
        and books.ahead >= rules.ADDRESS_WINDOW // 2
    ):
        return False
    marks.pop(chain.network, None)
    found = await scan()
    if found or pulse is None or books is None:
        return found
    async with db.reading() as session:
        restless = await deposit_store.restless(session, network=chain.network, compared=chain.compared)
    if not restless:
        marks[chain.network] = Mark(pulse, books.cursor, now)
    return found
