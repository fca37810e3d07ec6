"""The split of a size over several sides of one pair: the arithmetic of routing. Pure integers.

Levels are taken best first, in whole lots, until the next lot does not fit. That is the cheapest way to that much: no
split that takes as much or more is cheaper. With least orders it is the cheapest among those that give the chosen sides
their least orders first, so every set of them that holds the size is tried.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from heapq import heapify, heapreplace
from itertools import combinations
from typing import Literal, NamedTuple

from tidegate.markets.depth import PLACES, Depth, Step
from tidegate.markets.rules import TooThin

ONE = 10**PLACES


class Rest(NamedTuple):
    """What no whole lot was left for, in the measure of the size, and the level it would have come from.

    `at`: the place of that level's side among the sides; `price` and `net` before and after the fee.
    """

    size: int
    at: int
    price: int
    net: int


class Hindered(StrEnum):
    """Why a venue alone could not take the whole size."""

    TOO_THIN = "too_thin"  # its book holds less
    BELOW_MINIMUM = "below_minimum"  # the size is less than its least order


@dataclass(frozen=True, slots=True)
class Alone:
    """The same size at one venue only: the other side of the exchange in whole units, or why it cannot be."""

    venue: str
    symbol: str
    amount: Fraction | None
    hindered: Hindered | None


class Split(NamedTuple):
    """Base at each side, and the rest. Not `orderable`: nobody takes so little, the amounts only say what it is worth."""

    amounts: tuple[int, ...]
    rest: Rest
    orderable: bool


def split(sides: Sequence[Depth], size: int, *, by_value: bool, most: bool) -> Split:
    """The best split of `size` (quote after fees with `by_value`, else base); `most`: the greater outcome is the better.

    Raises TooThin when the sides hold less, or those whose least orders fit into it do.
    """
    amounts, rest = _fill(sides, [0] * len(sides), size, by_value=by_value)
    for one, base in zip(sides, amounts, strict=True):
        if 0 < base < one.least:
            found = _with_minimums(sides, size, by_value=by_value, most=most)
            return Split(tuple(amounts), rest, orderable=False) if found is None else found
    return Split(tuple(amounts), rest, orderable=True)


def _fill(sides: Sequence[Depth], start: Sequence[int], left: int, *, by_value: bool) -> tuple[list[int], Rest]:
    """Base at each side, best prices first, beginning after `start`, and what no lot was left for. Raises TooThin."""
    steps = {one.name: one.steps for one in sides}
    heap = [_begin(one, base) if base else one.steps[0] for one, base in zip(sides, start, strict=True)]
    heapify(heap)
    measure: Literal[3, 4] = 4 if by_value else 3
    while (here := (step := heap[0])[measure]) <= left:
        left -= here
        heapreplace(heap, steps[step[1]][step[2] + 1])
    amounts = list(start)
    ranks = {one.name: rank for rank, one in enumerate(sides)}
    for _, name, index, _, _ in heap:
        if index and (taken := sides[ranks[name]].held[index - 1]) > amounts[ranks[name]]:
            amounts[ranks[name]] = taken
    rank, index = ranks[step[1]], step[2]
    one = sides[rank]
    if index == len(one.net):  # what stands behind every last level
        if left:
            raise TooThin
        rank = max(range(len(sides)), key=lambda r: -sides[r].net[-1] if sides[r].selling else sides[r].net[-1])
        return amounts, Rest(0, rank, sides[rank].prices[-1], sides[rank].net[-1])
    lot = one.lot * one.net[index] if by_value else one.lot
    lots, left = divmod(left, lot)
    amounts[rank] += lots * one.lot
    return amounts, Rest(left, rank, one.prices[index], one.net[index])


def _begin(one: Depth, base: int) -> Step:
    """The first step after `base`, as much of it as is left."""
    rank, name, index, quantity, value = one.steps[one.level(base + 1)]
    if index == len(one.net):
        return one.steps[index]
    used = base - (one.held[index] - quantity)
    return rank, name, index, quantity - used, value - used * one.net[index]


def _with_minimums(sides: Sequence[Depth], size: int, *, by_value: bool, most: bool) -> Split | None:
    """The best of all sets of the sides that have least orders, beside those that have none: 2**sides fillings.

    None for less than anybody's least order. Raises TooThin when whoever could be ordered from holds less.
    """
    bound = [rank for rank, one in enumerate(sides) if one.least > one.lot]
    best: tuple[Fraction | int, Split] | None = None
    for inside in (chosen for count in range(len(bound) + 1) for chosen in combinations(bound, count)):
        ranks = [rank for rank in range(len(sides)) if rank not in bound or rank in inside]
        members = [sides[rank] for rank in ranks]
        start = [one.least if rank in inside else 0 for rank, one in zip(ranks, members, strict=True)]
        left = size - sum(_measure(one, base, by_value) for one, base in zip(members, start, strict=True))
        if not members or left < 0:
            continue
        try:
            found, rest = _fill(members, start, left, by_value=by_value)
        except TooThin:
            continue
        cost = _outcome(members, found, rest, by_value=by_value) * (-1 if most else 1)
        if best is None or cost < best[0]:
            at = dict(zip(ranks, found, strict=True))
            amounts = tuple(at.get(rank, 0) for rank in range(len(sides)))
            best = cost, Split(amounts, rest._replace(at=ranks[rest.at]), orderable=True)
    if best is not None:
        return best[1]
    if size < min(_measure(one, one.least, by_value) for one in sides):
        return None
    raise TooThin


def _measure(one: Depth, base: int, by_value: bool) -> int:
    return one.after_of(base) if by_value else base


def _outcome(sides: Sequence[Depth], amounts: Sequence[int], rest: Rest, *, by_value: bool) -> Fraction | int:
    """The other side of the exchange, whose size was not fixed; the rest at its price."""
    if by_value:
        return sum(amounts) + Fraction(rest.size, rest.net)
    return sum(one.after_of(base) for one, base in zip(sides, amounts, strict=True)) + rest.size * rest.net


def alone(one: Depth, size: int, *, by_value: bool) -> Alone:
    """The whole size at that side only, its minimum and its depth minded."""
    amount: Fraction | None = None
    hindered: Hindered | None = None
    if size > (one.after if by_value else one.held)[-1]:
        hindered = Hindered.TOO_THIN
    elif size < _measure(one, one.least, by_value):
        hindered = Hindered.BELOW_MINIMUM
    elif by_value:
        index = bisect_left(one.after, size)
        amount = (one.held[index] - Fraction(one.after[index] - size, one.net[index])) / ONE
    else:
        amount = Fraction(one.after_of(size), ONE**2)
    return Alone(one.venue, one.market.symbol, amount, hindered)
