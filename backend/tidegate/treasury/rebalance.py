"""What is kept at exchanges: looked at now and then, proposed to a person or, within the policy's caps, done by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.port import Chain, NodeUnavailable
from tidegate.config import KeepSettings, VenueSettings
from tidegate.ledger.balances import balance
from tidegate.ledger.rules import venue as at_venue
from tidegate.money import asset as asset_of
from tidegate.money import parse_units
from tidegate.treasury import move_store, venue_store
from tidegate.treasury.fetch import Carrier
from tidegate.treasury.inventory import payable
from tidegate.treasury.move_rules import Need, Queued
from tidegate.treasury.moves import Bound, Mover
from tidegate.treasury.rules import Direction, ProposalKind
from tidegate.treasury.supply import place_of, supply
from tidegate.treasury.tables import ProposalRow
from tidegate.treasury.venue_rules import Keep, Standing, Wish, by_itself, grain, wished
from tidegate.venues.port import Balance, VenueUnavailable

log = structlog.get_logger(__name__)

DAY = timedelta(hours=24)
LAPSES_AFTER = timedelta(hours=1)
"""What a person accepted and could not be done by then is not done later, when it may be wrong."""


@dataclass(frozen=True, slots=True)
class Rebalancer:
    """What rebalancing needs in one process. `settings`: by exchange."""

    carrier: Carrier
    mover: Mover
    settings: Mapping[str, VenueSettings]


def keep_of(told: KeepSettings, code: str) -> Keep:
    """The settings of one asset at one exchange, in base units."""
    decimals = asset_of(code).decimals

    def units(text: str) -> int:
        return parse_units(text, decimals)

    return Keep(
        least=units(told.least),
        target=units(told.target),
        most=units(told.most),
        smallest=units(told.smallest),
        most_a_move=units(told.most_a_move),
        automatic=told.automatic,
        most_a_day=units(told.most_a_day),
        grain=grain(decimals),
    )


async def look(all_: Rebalancer, queued: Queued, now: datetime) -> None:
    """Hold every exchange against what is to be kept there. `queued`: what withdrawals wait for."""
    await _accepted(all_, now)
    for name, venue in all_.carrier.venues.items():
        keep = all_.settings[name].keep
        if not keep:
            continue
        try:
            held = {one.asset: one for one in await venue.balances()}
        except VenueUnavailable as error:
            log.info("rebalancing_waits", venue=name, reason=error.detail[:200])
            continue
        for code, told in keep.items():
            chain = all_.carrier.chains.get(told.network)
            if chain is not None:
                await _look_at(all_, name, code, told, chain, held.get(code), queued.get((told.network, code), 0), now)


async def _look_at(
    all_: Rebalancer,
    name: str,
    code: str,
    told: KeepSettings,
    chain: Chain,
    held: Balance | None,
    waiting: int,
    now: datetime,
) -> None:
    """One asset at one exchange: the wish becomes a move, or the one open proposal."""
    keep, network = keep_of(told, code), told.network
    async with all_.carrier.db.transaction() as session:
        standing = await _standing(all_, session, name, code, chain, held, waiting)
        wish = wished(keep, standing) if not await venue_store.busy(session, name, code) else None
        place = "" if wish is None else _place(all_, name, code, chain, wish)
        if not place:
            wish = None
        alone = wish is not None and by_itself(
            keep,
            wish,
            moved_today=await venue_store.today(session, name, code, now - DAY),
            failed_lately=await venue_store.failed_since(session, name, code, now - DAY),
        )
        need = Need(wish.kind, wish.units, wish.reason) if wish is not None and not alone else None
        await move_store.propose(session, network=network, asset=code, address=place, need=need, now=now, venue=name)
    if wish is not None and alone:
        await make(all_, Bound(name), code, chain, wish.direction, wish.units, now=now)


def _place(all_: Rebalancer, name: str, code: str, chain: Chain, wish: Wish) -> str:
    """Where it would go; "" when it may not: the key there is not meant to withdraw, or the signer has no address."""
    if wish.direction is Direction.TO_VENUE:
        return place_of(all_.mover, name, code, chain.network)
    return chain.hot_address if all_.settings[name].withdrawals else ""


async def _standing(
    all_: Rebalancer, session: AsyncSession, name: str, code: str, chain: Chain, held: Balance | None, waiting: int
) -> Standing:
    network, decimals = chain.network, asset_of(code).decimals
    settings = all_.mover.networks[network]
    floor = parse_units(settings.hot_floor.get(code, "0"), decimals)
    booked = await balance(session, at_venue(name, code))
    free = await payable(session, network, code, bitcoin=isinstance(chain, BitcoinChain))
    coming = await venue_store.coming(session, network, code)

    def units(balance: Balance | None, *, locked: bool) -> int:
        if balance is None:
            return 0
        all_of_it = balance.free + (balance.locked if locked else 0)
        return int(all_of_it.scaleb(decimals).to_integral_value(ROUND_FLOOR))

    return Standing(
        held=units(held, locked=True),
        free=max(0, min(units(held, locked=False), booked)),
        short=max(0, waiting + floor - free - coming),
        spare=max(0, free - waiting - floor),
    )


async def make(
    all_: Rebalancer, bound: Bound, code: str, chain: Chain, direction: Direction, units: int, *, now: datetime
) -> bool:
    """Decide on this move. False when it has to wait, or one like it is under way."""
    try:
        if direction is Direction.TO_VENUE:
            venue = all_.carrier.venues[bound.venue]
            return await supply(all_.mover, chain, venue, code, units, bound, now=now)
        row = venue_store.to_wallet(
            venue=bound.venue,
            network=chain.network,
            asset=code,
            units=units,
            address=chain.hot_address,
            proposal_id=bound.proposal_id,
            now=now,
        )
        async with all_.carrier.db.transaction() as session:
            session.add(row)
    except IntegrityError:
        return False
    except (VenueUnavailable, NodeUnavailable) as error:
        log.info("rebalancing_waits", venue=bound.venue, reason=str(error)[:200])
        return False
    log.info("venue_move_made", venue=bound.venue, asset=code, direction=direction, units=units)
    return True


async def _accepted(all_: Rebalancer, now: datetime) -> None:
    """Make what a person accepted; what could not be made for an hour lapses."""
    async with all_.carrier.db.reading() as session:
        rows = await venue_store.accepted(session)
    for row in rows:
        why = _wrong(all_, row)
        if why is None and row.ended_at is not None and now - row.ended_at > LAPSES_AFTER:
            why = "it could not be done within an hour"
        if why is not None:
            log.error("proposal_lapsed", proposal=str(row.id), venue=row.venue, asset=row.asset, reason=why)
            async with all_.carrier.db.transaction() as session:
                await venue_store.lapse(session, row.id, why)
            continue
        chain, direction = all_.carrier.chains[row.network], _DIRECTIONS[ProposalKind(row.kind)]
        await make(all_, Bound(row.venue, row.id), row.asset, chain, direction, row.units, now=now)


_DIRECTIONS = {ProposalKind.TO_VENUE: Direction.TO_VENUE, ProposalKind.TO_WALLET: Direction.TO_WALLET}


def _wrong(all_: Rebalancer, row: ProposalRow) -> str | None:
    """Why an accepted proposal is not done as things are set now: settings may have changed since."""
    told = all_.settings.get(row.venue)
    keep = None if told is None else told.keep.get(row.asset)
    if told is None or keep is None or keep.network != row.network or row.venue not in all_.carrier.venues:
        return "nothing of it is to be kept there any more"
    if row.network not in all_.carrier.chains:
        return None if row.network in all_.mover.networks else "its network is gone"
    if row.units > parse_units(keep.most_a_move, asset_of(row.asset).decimals):
        return "it is larger than any move may be"
    if row.kind == ProposalKind.TO_WALLET.value and not told.withdrawals:
        return "this key is not meant to withdraw"
    return None
