"""The addresses that a network is watched for: learned once, asked without cost, however many there are."""

from collections.abc import Container
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.chains.port import Chain
from tidegate.database import Database, utcnow
from tidegate.wallets import rules, store

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Watched(Container[str]):
    """The addresses of one network's family that this process has learned of.

    `ahead` are unissued ones: an address handed out and paid while a scan runs is among them.
    """

    issued: set[str] = field(default_factory=set)
    next_index: int = 0
    ahead: dict[str, int] = field(default_factory=dict)
    derived: dict[int, str] = field(default_factory=dict)

    def __contains__(self, address: object) -> bool:
        return address in self.issued or address in self.ahead

    @property
    def covered(self) -> int:
        """Every index below this is watched."""
        return self.next_index + rules.LOOKAHEAD


# What was learned is only a memory of rows that never change, so a process may keep it for as long as its database.
_LEARNED: "WeakKeyDictionary[Database, dict[str, Watched]]" = WeakKeyDictionary()


def known(db: Database, network: str) -> Watched:
    """What this process has learned of a network."""
    return _LEARNED.setdefault(db, {}).setdefault(network, Watched())


def forget() -> None:
    """As a process that has just begun."""
    _LEARNED.clear()


def family(chain: Chain) -> str:
    """The family of keys that a network's addresses come from."""
    return rules.family(chain.network, chain.deposit_address(0))


async def learn(session: AsyncSession, chain: Chain, found: Watched) -> None:
    """Bring the watched addresses up to date; those handed out since the last scan are read, the rest is remembered."""
    row = await store.index_of(session, family=family(chain))
    next_index = row.next_index if row is not None else 0
    if next_index > found.next_index:
        new = await store.all_addresses(session, family=family(chain), start=found.next_index)
        found.issued.update(new)
        found.next_index = next_index
    elif found.ahead:
        return
    wanted = range(next_index, next_index + rules.LOOKAHEAD)
    found.derived = {index: found.derived.get(index) or chain.deposit_address(index) for index in wanted}
    found.ahead = {address: index for index, address in found.derived.items()}


async def _begin(db: Database, chain: Chain) -> None:
    """Write down where the scans of a new network begin. Raises NodeUnavailable.

    Where no wallet of the node's watches from before an address was made, a first scan that came late, after an outage,
    would begin after what was paid to it.
    """
    if chain.family != "evm":
        return
    async with db.reading() as session:
        if await store.begun(session, network=chain.network):
            return
    cursor = await chain.reread(max((await chain.tip()).height - rules.LOOK_BACK + 1, 0))
    async with db.transaction() as session:
        row = await store.lock_scan(session, network=chain.network, now=utcnow())
        if row.cursor is None:
            await store.save_scan(session, network=chain.network, values={"cursor": cursor})


async def extend(db: Database, chain: Chain) -> bool:
    """Make the node watch addresses well beyond the last one handed out, then let them be handed out.

    True when it did something. Raises NodeUnavailable.
    """
    await _begin(db, chain)
    async with db.reading() as session:
        row = await store.index_of(session, family=family(chain))
    next_index, upto = (row.next_index, row.watched_upto) if row is not None else (0, 0)
    if upto - next_index >= rules.ADDRESS_WINDOW // 2:
        # The books remember what a node was made to watch; a restored or rebuilt wallet of that node does not.
        await chain.watch(upto)
        return False
    wanted = next_index + rules.ADDRESS_WINDOW
    await chain.watch(wanted)
    async with db.transaction() as session:
        await store.raise_watched(session, family=family(chain), upto=wanted)
    log.info("addresses_watched", network=chain.network, upto=wanted)
    return True
