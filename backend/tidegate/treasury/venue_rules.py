"""Rebalancing: what is to be moved between an exchange and the hot wallet, and what each step of it books. Pure."""

import uuid
from dataclasses import dataclass

from tidegate.ledger.rules import Posting, house, transfers, venue
from tidegate.treasury.rules import Direction, ProposalKind

VENUE_DECIMALS = 8
"""Exchanges count no finer: what is moved is a whole number of these, so that both sides name the same amount."""


@dataclass(frozen=True, slots=True)
class Keep:
    """What is kept of one asset at one exchange, in base units. `grain`: moves are multiples of it."""

    least: int
    target: int
    most: int
    smallest: int
    most_a_move: int
    automatic: bool
    most_a_day: int
    grain: int = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand, in base units.

    `held`: what the exchange has of ours. `free`: what it would let go of, and the books know of. `short`: what the hot
    wallet lacks for what waits and its floor. `spare`: what it can give without that.
    """

    held: int
    free: int
    short: int
    spare: int


@dataclass(frozen=True, slots=True)
class Wish:
    """A move that brings an exchange, or the hot wallet, back to where it should be."""

    direction: Direction
    units: int
    reason: str

    @property
    def kind(self) -> ProposalKind:
        return ProposalKind(self.direction.value)


def wished(keep: Keep, now: Standing) -> Wish | None:
    """The one move that is wanted; None when nothing is out of bounds, or too little to be worth it.

    A short wallet takes down to `least`, since somebody waits; nothing is ever taken below it.
    """
    if now.held > keep.most:
        found = Wish(Direction.TO_WALLET, min(now.held - keep.target, now.free), "more than is kept there")
    elif now.short > 0 and now.held > keep.least:
        units = min(now.short, now.held - keep.least, now.free)
        found = Wish(Direction.TO_WALLET, units, "the hot wallet lacks it")
    elif now.held < keep.least:
        found = Wish(Direction.TO_VENUE, min(keep.target - now.held, now.spare), "less than is kept there")
    else:
        return None
    units = min(found.units, keep.most_a_move) // keep.grain * keep.grain
    return Wish(found.direction, units, found.reason) if units >= max(keep.smallest, 1) else None


def by_itself(keep: Keep, wish: Wish, *, moved_today: int, failed_lately: bool) -> bool:
    """Whether this move needs no person: within the day's cap, and the last one did not come to nothing."""
    return keep.automatic and not failed_lately and moved_today + wish.units <= keep.most_a_day


def grain(decimals: int) -> int:
    """In base units, the least that every exchange can name."""
    return int(10 ** max(0, decimals - VENUE_DECIMALS))


# --- books -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VenueMove:
    """One move, as the books see it. `units`: what was asked for."""

    id: uuid.UUID
    venue: str
    network: str
    asset: str
    units: int


@dataclass(frozen=True, slots=True)
class Came:
    """What arrived of a withdrawal. `cost_units`: what the exchange kept. `on_top`: beside what was asked for."""

    units: int
    cost_units: int
    on_top: bool


def came(move: VenueMove, *, arrived: int, fee_units: int) -> Came | None:
    """What the chain's own word makes of the fee that the exchange tells: part of what was asked for, or on top of it.

    None when the numbers fit neither: then nothing is booked and a person looks.
    """
    if arrived == move.units:
        return Came(arrived, fee_units, on_top=True)
    if 0 < arrived == move.units - fee_units:
        return Came(arrived, fee_units, on_top=False)
    return None


def _posting(move: VenueMove, key: str, *rows: object) -> Posting:
    return Posting(key, transfers(*rows), "venue_move", move.id)  # type: ignore[arg-type]  # rows of the ledger's shape


def left_venue(move: VenueMove) -> Posting:
    """The exchange has taken it off our account there."""
    row = (house("in_transit", move.asset), venue(move.venue, move.asset), move.units, "move sent")
    return _posting(move, f"venue_move:{move.id}:sent", row)


def back_at_venue(move: VenueMove) -> Posting:
    """The exchange gave up and put all of it back."""
    row = (venue(move.venue, move.asset), house("in_transit", move.asset), move.units, "move returned")
    return _posting(move, f"venue_move:{move.id}:returned", row)


def at_wallet(move: VenueMove, found: Came, txid: str) -> Posting:
    """It is in our hot wallet, deep enough. The key is that of money from outside: one payment is booked one way."""
    hot, transit = house("wallet:hot", move.asset, move.network), house("in_transit", move.asset)
    cost, there = house("cost:venue", move.asset), venue(move.venue, move.asset)
    return _posting(
        move,
        received_key(move.network, txid, move.asset),
        (hot, transit, found.units, "move arrived"),
        (cost, there if found.on_top else transit, found.cost_units, "venue's fee for a move"),
    )


def at_venue(move: VenueMove) -> Posting:
    """The exchange has put what our transaction brought on our account."""
    row = (venue(move.venue, move.asset), house("in_transit", move.asset), move.units, "move arrived")
    return _posting(move, f"venue_move:{move.id}:arrived", row)


def received_key(network: str, txid: str, asset: str) -> str:
    """Of what one transaction brought to the hot address: booked once, as whatever it was."""
    return f"received:{network}:{txid}:{asset}"


def unbooked(move_units: int, *, in_transit: bool, taken: int | None) -> int:
    """By how much an exchange's balance stands beside our books for one withdrawal. `taken`: what it took off, None or 0
    where it took nothing (or put it back); `in_transit`: our books say that it left."""
    return (move_units if in_transit else 0) - (taken or 0)
