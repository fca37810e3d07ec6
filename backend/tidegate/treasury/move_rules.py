"""Moves of our own money: what is worth its cost, where it goes, and what each step books. Pure."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, TypeVar

from tidegate.ledger.rules import AccountRef, Posting, Transfer, house, transfers
from tidegate.treasury.rules import ProposalKind, Purpose

COLD_SLACK = 10
"""To cold storage goes what is above the cap by a tenth of it at least: not every deposit is worth a transaction."""
TOP_UP_ROOM = Fraction(6, 5)
"""A top-up brings a fifth more than the sweep may cost as things are: prices move while it is mined."""
MOST_SHARE = 5
"""A coin that costs more than a fifth of itself to move is left where it is; the signer's own bound is the same."""
MOST_GATHERED = 100


@dataclass(frozen=True, slots=True)
class Move:
    """One move, as the books see it. `deposit_units`: Bitcoin, what it spends of customers' deposit coins."""

    id: uuid.UUID
    network: str
    purpose: Purpose
    asset: str
    units: int
    to_cold: bool
    gas_asset: str
    deposit_units: int = 0

    @property
    def source(self) -> AccountRef:
        name = "wallet:deposit" if self.purpose is Purpose.SWEEP else "wallet:hot"
        return house(name, self.asset, self.network)  # type: ignore[arg-type]  # one of the two

    @property
    def target(self) -> AccountRef:
        if self.purpose is Purpose.TOP_UP:
            return house("wallet:deposit", self.asset, self.network)
        return house("wallet:cold" if self.to_cold else "wallet:hot", self.asset, self.network)

    @property
    def payer(self) -> AccountRef:
        """What the network's fee is taken from: the address that sends."""
        name = "wallet:deposit" if self.purpose is Purpose.SWEEP else "wallet:hot"
        return house(name, self.gas_asset, self.network)  # type: ignore[arg-type]  # one of the two


def _posting(move: Move, step: str, rows: Sequence[Transfer]) -> Posting | None:
    return Posting(f"move:{move.id}:{step}", tuple(rows), "move", move.id) if rows else None


def sent(move: Move) -> Posting | None:
    """It is signed and may be on its way. Deposit coins that it spends are the hot wallet's from here on."""
    hot, deposits = (house(name, move.asset, move.network) for name in ("wallet:hot", "wallet:deposit"))
    rows = transfers(
        (hot, deposits, move.deposit_units, "deposit coin spent"),
        (house("in_transit", move.asset), move.source, move.units, "move sent"),
    )
    return _posting(move, "sent", rows)


def arrived(move: Move, fee_units: int) -> Posting | None:
    """It is mined for good. What goes to an exchange stays in transit until it says that it has it."""
    units = 0 if move.purpose is Purpose.TO_VENUE else move.units
    rows = transfers(
        (move.target, house("in_transit", move.asset), units, "move arrived"),
        (house("cost:network", move.gas_asset), move.payer, fee_units, "chain fee"),
    )
    return _posting(move, "arrived", rows)


def returned(move: Move, fee_units: int) -> Posting | None:
    """It came to nothing; `fee_units` were spent all the same when it is in a block."""
    hot, deposits = (house(name, move.asset, move.network) for name in ("wallet:hot", "wallet:deposit"))
    rows = transfers(
        (move.source, house("in_transit", move.asset), move.units, "move returned"),
        (deposits, hot, move.deposit_units, "deposit coin not spent"),
        (house("cost:network", move.gas_asset), move.payer, fee_units, "chain fee"),
    )
    return _posting(move, "returned", rows)


def tank_change(move: Move, fee_units: int, *, arrived: bool) -> int:
    """What the move does to the ether that its deposit address has beside customers' deposits."""
    if move.purpose is Purpose.TOP_UP:
        return move.units if arrived else 0
    return -fee_units


def ether_after_sweep(deposited: int, tank: int, swept: int, fee_units: int) -> int:
    """What is left in the tank once its customers' ether is gone."""
    return deposited + tank - swept - fee_units


def worth_it(worth: int | None, cost: int, multiple: int) -> bool:
    """Whether what is moved is worth so many times its cost; what nobody can price is left where it is."""
    return worth is not None and worth >= multiple * cost


class SmallCoin(Protocol):
    """A Bitcoin coin of ours."""

    @property
    def outpoint(self) -> tuple[str, int]: ...
    @property
    def units(self) -> int: ...
    @property
    def confirmations(self) -> int: ...


C = TypeVar("C", bound=SmallCoin)


def largest_coins(coins: Sequence[C], *, reserved: Collection[tuple[str, int]], depth: int, input_cost: int) -> list[C]:
    """The largest deep coins that nothing reserves: one of them all brings a large withdrawal within reach."""
    found = [coin for coin in coins if coin.outpoint not in reserved and coin.confirmations >= depth]
    worth = [coin for coin in found if coin.units >= MOST_SHARE * input_cost]
    return sorted(worth, key=lambda coin: (-coin.units, coin.outpoint))[:MOST_GATHERED]


def small_coins(
    coins: Sequence[C], *, reserved: Collection[tuple[str, int]], depth: int, small_units: int, input_cost: int
) -> list[C]:
    """The smallest deep coins that nothing reserves and that are worth moving, at most as many as one transaction takes."""
    found = [
        coin
        for coin in coins
        if coin.outpoint not in reserved
        and coin.confirmations >= depth
        and MOST_SHARE * input_cost <= coin.units <= small_units
    ]
    return sorted(found, key=lambda coin: (coin.units, coin.outpoint))[:MOST_GATHERED]


@dataclass(frozen=True, slots=True)
class Need:
    """What a person is asked for."""

    kind: ProposalKind
    units: int
    reason: str


def needed(*, payable: int, queued: int, floor: int, cap: int | None, cold: bool) -> Need | None:
    """What the hot wallet lacks, or has too much of and cannot send to cold storage by itself."""
    short = queued + floor - payable
    if short > 0:
        why = "withdrawals are waiting for it" if queued > payable else "the hot wallet is below its floor"
        return Need(ProposalKind.REFILL, short, why)
    over = surplus(payable=payable, queued=queued, cap=cap)
    if over and not cold:
        return Need(ProposalKind.SURPLUS, over, "the hot wallet holds more than its cap, and there is no cold address")
    return None


def out_of_reach(largest: int, reach: int) -> Need | None:
    """What a waiting withdrawal lacks although the hot wallet has it: its coins are too many and too small."""
    if largest <= reach:
        return None
    why = (
        f"a withdrawal waits that takes {largest} sat with its fee, and the {MOST_GATHERED} largest coins hold {reach} together, which is all "
        "that one transaction can spend: consolidate, or send this much as one coin"
    )
    return Need(ProposalKind.REFILL, largest - reach, why)


def reach_of(units: Sequence[int], input_cost: int) -> int:
    """What one transaction can pay with coins of these units, at this cost of spending each."""
    return sum(sorted((max(0, each - input_cost) for each in units), reverse=True)[:MOST_GATHERED])


def surplus(*, payable: int, queued: int, cap: int | None) -> int:
    """What is above the cap once the withdrawals that wait are paid; nothing when it is hardly above."""
    over = payable - queued - cap if cap is not None else 0
    return over if cap is not None and over > 0 and over * COLD_SLACK >= cap else 0


Queued = Mapping[tuple[str, str], int]
"""(network, asset) → what withdrawals that wait will take."""
