"""The parts of a process, opened in order and closed in reverse: database, chains, venues, and each room's object.

Shared by the API and the worker, so that both are wired the same way. What is not there yet (the signer's public file,
a node) does not stop a process from starting: it says so in its health and goes on by itself when the part is there.
"""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tidegate import web
from tidegate.auth.gate import Gate, open_gate
from tidegate.chains.open import check_drivers, open_chains
from tidegate.chains.port import Chain, NodeUnavailable
from tidegate.chains.public import load_public
from tidegate.config import Settings
from tidegate.database import Database, utcnow
from tidegate.exchange import positions
from tidegate.exchange.desk import Desk
from tidegate.exchange.rules import USD_DECIMALS
from tidegate.health import Health
from tidegate.ledger.lane import Lane
from tidegate.markets.books import Markets
from tidegate.notices.feed import Feed
from tidegate.outbox import mails
from tidegate.roles import Duty
from tidegate.signing.client import SignerDoor
from tidegate.signing.messages import Failed
from tidegate.transactions import books, reconcile, waiting
from tidegate.transactions.office import Office
from tidegate.transactions.rules import Promises, Waits
from tidegate.treasury.fees import Fees
from tidegate.treasury.fetch import Carrier
from tidegate.treasury.moves import Mover
from tidegate.treasury.rebalance import Rebalancer
from tidegate.treasury.spend import Spender
from tidegate.treasury.worth import worth
from tidegate.venues.open import open_venues
from tidegate.venues.port import Venue, Way
from tidegate.wallets import lag
from tidegate.wallets.cashier import Cashier
from tidegate.webhooks.courier import Courier

log = structlog.get_logger(__name__)

_LATE = 6
"""So many times its cadence may pass before a check of the books counts as overdue; and a minute for its own work."""


@dataclass(slots=True)
class Parts:
    settings: Settings
    db: Database
    lane: Lane
    gate: Gate
    chains: dict[str, Chain]
    """Filled as soon as the signer has written its public file."""
    venues: dict[str, Venue]
    markets: Markets
    fees: Fees
    signer: SignerDoor
    cashier: Cashier
    desk: Desk
    office: Office
    spender: Spender
    mover: Mover
    rebalancer: Rebalancer
    cold: dict[str, str]
    """By network, the signer's cold address; filled with the chains."""
    at_venues: dict[str, dict[str, str]]
    """By exchange, where the signer moves money there; filled with the chains."""
    feed: Feed
    courier: Courier
    prepared: set[str] = field(default_factory=set)
    """Networks whose node has passed its start-up checks."""

    def background(self) -> list[Callable[[], Awaitable[None]]]:
        """Long-running work of an API process."""
        return [self.markets.run, self.feed.run, self.keep_chains, self.db.keep_time]

    async def keep_chains(self) -> None:
        """Open the chains when their public keys are there. Ends when all are open."""
        while not self.chains:
            try:
                self.open_chains()
            except NodeUnavailable:
                await asyncio.sleep(0.5)

    def open_chains(self) -> None:
        """Raises NodeUnavailable while the signer's public file is missing."""
        public = load_public(self.settings.signer.public_file)
        self.cold.update(public.cold)
        self.at_venues.update(public.venues)
        self.chains.update(open_chains(self.settings, public))

    def watch_health(self, health: Health) -> None:
        """Register every dependency by name."""
        health.add("database", self._database, required=True)
        for network in self.settings.networks:
            health.add(network, self._node(network))
            health.add(f"deposits:{network}", self._scan(network))
        health.add("books", self._books)
        health.add("signer", self._signer)
        for venue in self.venues:
            health.add(venue, self._venue(venue))
        health.add("worker", self._worker)
        if self.settings.sandboxed:
            health.add("sandbox", self._sandbox, required=True)

    async def measure(self) -> None:
        """Bring the meters up to date. Never raises: without the database those of the scans stay as they were."""
        for name, venue in self.venues.items():
            web.WAY.labels(name).set(venue.condition.way is Way.OPEN)
        for name, (told, wanted) in self.markets.followed().items():
            web.FOLLOWED.labels(name).set(told)
            web.WANTED.labels(name).set(wanted)
        web.STREAMS.set(self.feed.streams())
        try:
            found = await lag.lags(self.db, utcnow())
            checked = await books.last(self.office)
            open_now = await positions.positions(self.desk)
            waits, promises = await waiting.look(self.db, now=utcnow())
            async with self.db.reading() as session:
                count, oldest = await mails.waiting(session)
        except (OSError, SQLAlchemyError) as error:
            log.warning("meters_not_read", reason=type(error).__name__)
            return
        web.MAILS.set(count)
        web.MAIL_AGE.set((utcnow() - oldest).total_seconds() if oldest is not None else 0)
        for one in found:
            web.FIT.labels(one.network).set(one.fit)
            web.AGE.labels(one.network).set(math.inf if one.seconds is None else one.seconds)
            web.BEHIND.labels(one.network).set(math.inf if one.blocks is None else one.blocks)
        web.FROZEN.clear()
        for code in checked.frozen:
            web.FROZEN.labels(code).set(1)
        web.BOOKS_AGE.set(math.inf if checked.checked_at is None else (utcnow() - checked.checked_at).total_seconds())
        for place in checked.places:
            web.DIFFERENCE.labels(place.place, place.asset).set(float(place.difference))
        tell_waits(waits, promises, now=utcnow())
        web.EXPOSURE_CAP.set(self.desk.caps.house / 10**USD_DECIMALS)
        for each in open_now:
            for meter, usd in ((web.POSITION, each.open_usd), (web.CARRIED, each.carried_usd)):
                meter.labels(each.asset).set(math.nan if usd is None else usd / 10**USD_DECIMALS)

    async def _database(self) -> tuple[bool, str]:
        async with self.db.reading() as session:
            await session.execute(text("SELECT 1"))
        return True, "answers"

    def _node(self, network: str) -> Callable[[], Awaitable[tuple[bool, str]]]:
        async def check() -> tuple[bool, str]:
            chain = self.chains.get(network)
            if chain is None:
                return False, "the signer's public keys are not there yet"
            found = await chain.health()
            return found.fit, found.reason or f"block {found.height}"

        return check

    def _scan(self, network: str) -> Callable[[], Awaitable[tuple[bool, str]]]:
        async def check() -> tuple[bool, str]:
            found = {one.network: one for one in await lag.lags(self.db, utcnow())}.get(network)
            if found is None:
                return False, "not looked for yet"
            return found.why is None, found.why or f"read to block {found.scanned_height}"

        return check

    async def _books(self) -> tuple[bool, str]:
        """What is frozen and by which term; else how old the last check is."""
        freezes = await reconcile.frozen(self.office)
        if freezes:
            return False, "; ".join(f"{one.asset} is frozen: {one.reason}" for one in freezes)[:1000]
        found = await books.last(self.office)
        if found.checked_at is None:
            return False, "not checked yet"
        seconds = (utcnow() - found.checked_at).total_seconds()
        late = seconds > _LATE * self.settings.reconciliation.every_seconds + 60
        told = {True: "exact", False: "a difference, not frozen yet", None: f"not known: {found.detail}"}[found.exact]
        return found.exact is not False and not late, f"{told}, {seconds:.0f} s ago"

    async def _signer(self) -> tuple[bool, str]:
        found = await self.signer.status()
        return (False, found.detail) if isinstance(found, Failed) else (True, "answers")

    def _venue(self, name: str) -> Callable[[], Awaitable[tuple[bool, str]]]:
        async def check() -> tuple[bool, str]:
            up = self.markets.up().get(name, False)
            now = self.venues[name].condition
            if now.way is not Way.OPEN:
                return up, f"{now.detail}; asked again in {math.ceil(now.seconds)} s"
            told, wanted = self.markets.followed()[name]
            behind = f"; {told} of {wanted} books by stream" if wanted else ""
            return up, ("quotes" if up else "no usable book") + behind

        return check

    async def _worker(self) -> tuple[bool, str]:
        async with self.db.reading() as session:
            found = await session.scalar(
                text(
                    "SELECT count(*) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND application_name = 'tidegate-worker'"
                )
            )
        return bool(found), "connected" if found else "no worker is connected"

    async def _sandbox(self) -> tuple[bool, str]:
        try:
            parts = json.loads((self.settings.sandbox.directory / "progress.json").read_text())["parts"]
        except (OSError, ValueError, KeyError):
            return False, "still starting"
        seeded = any(part["name"] == "seed" and part["state"] == "ready" for part in parts)
        return seeded, "seeded" if seeded else "still starting"


def tell_waits(waits: Sequence[Waits], promises: Sequence[Promises], *, now: datetime) -> None:
    """Bring the meters of withdrawals up to date; what is not there any more is not told any more."""
    for meter in (web.OPEN, web.OLDEST, web.STUCK, web.PROMISES, web.KEPT):
        meter.clear()
    for wait in waits:
        labels = (wait.state, wait.sub_status or "")
        web.OPEN.labels(*labels).set(wait.count)
        web.OLDEST.labels(*labels).set((now - wait.oldest).total_seconds())
        web.STUCK.labels(*labels).set(wait.stuck)
    for promise in promises:
        web.PROMISES.labels(promise.network, promise.asset).set(promise.due)
        web.KEPT.labels(promise.network, promise.asset).set(promise.kept)


@asynccontextmanager
async def open_parts(settings: Settings, *, process: str, duty: Duty) -> AsyncIterator[Parts]:
    """Open what a process needs, with the database login of this duty. Closes everything in reverse, whatever happens."""
    check_drivers(settings)
    async with AsyncExitStack() as stack:
        url = settings.database_url(duty)
        db = Database(url, pool_size=settings.database.pool_size, application=f"tidegate-{process}")
        stack.push_async_callback(db.close)
        lane = Lane(db)
        gate = open_gate(db, settings)
        chains: dict[str, Chain] = {}
        stack.push_async_callback(_close_chains, chains)
        venues = open_venues(settings)
        for venue in venues.values():
            stack.push_async_callback(venue.close)
        markets = Markets(venues, settings)
        fees = Fees(chains, settings.networks)
        signer = SignerDoor(settings.signer.socket)
        cashier = Cashier(db, settings, chains, markets.estimate)
        desk = Desk(db=db, lane=lane, markets=markets, venues=venues, fees=fees, chains=chains, settings=settings)
        office = Office(db=db, lane=lane, settings=settings, chains=chains, fees=fees, desk=desk, cashier=cashier)
        spender = Spender(db=db, chains=chains, networks=settings.networks, fees=fees, signer=signer)
        cold: dict[str, str] = {}
        at_venues: dict[str, dict[str, str]] = {}
        mover = Mover(
            db=db,
            lane=lane,
            chains=chains,
            networks=settings.networks,
            fees=fees,
            signer=signer,
            worth=lambda network, code, units: worth(markets, chains[network].gas_asset, code, units),
            cold=lambda: cold,
            at_venues=lambda: at_venues,
        )
        carrier = Carrier(db=db, lane=lane, chains=chains, venues=venues)
        courier = Courier(db, settings, gate.keys)
        stack.callback(courier.close)
        parts = Parts(
            settings=settings,
            db=db,
            lane=lane,
            gate=gate,
            chains=chains,
            venues=venues,
            markets=markets,
            fees=fees,
            signer=signer,
            cashier=cashier,
            desk=desk,
            office=office,
            spender=spender,
            mover=mover,
            rebalancer=Rebalancer(carrier, mover, settings.venues),
            cold=cold,
            at_venues=at_venues,
            feed=Feed(db, settings),
            courier=courier,
        )
        try:
            parts.open_chains()
        except NodeUnavailable as error:
            log.warning("chains_not_open_yet", reason=str(error))
        yield parts


async def _close_chains(chains: dict[str, Chain]) -> None:
    for chain in chains.values():
        await chain.close()
