"""Sharing out: whole units by weight, with nothing made and nothing lost, and a named place for what does not divide."""

from collections.abc import Sequence
from enum import StrEnum

from tidegate.money.amount import MoneyError


class Remainder(StrEnum):
    """Who gets the units that are left after every share was rounded down; never more than one unit each."""

    LARGEST = "largest"  # those who lost most by the rounding; of equals the first
    FIRST = "first"  # from the first share on
    LAST = "last"  # from the last share back


def divide(units: int, weights: Sequence[int]) -> tuple[tuple[int, ...], int]:
    """Each share rounded down, and the rest of fewer units than there are shares: the ledger's `rounding`.

    Refuses (MoneyError) negative units, negative weights, and weights that are all zero.
    """
    total = _total(units, weights)
    shares = tuple(units * weight // total for weight in weights)
    return shares, units - sum(shares)


def allocate(units: int, weights: Sequence[int], remainder: Remainder = Remainder.LARGEST) -> tuple[int, ...]:
    """Shares that add up to exactly `units`, each its exact part, or that rounded down or up to a unit.

    Refuses as `divide`.
    """
    shares, left = divide(units, weights)
    lost = [units * weight % sum(weights) for weight in weights]
    # Whose part is whole lost nothing and takes nothing; of the others there are always more than units left.
    takers = [index for index, rest in enumerate(lost) if rest > 0]
    if remainder is Remainder.LARGEST:
        takers.sort(key=lambda index: -lost[index])
    elif remainder is Remainder.LAST:
        takers.reverse()
    more = set(takers[:left])
    return tuple(share + (index in more) for index, share in enumerate(shares))


def _total(units: int, weights: Sequence[int]) -> int:
    if units < 0:
        raise MoneyError("what is shared out is not below zero")
    if any(weight < 0 for weight in weights):
        raise MoneyError("a weight is not below zero")
    total = sum(weights)
    if total == 0:
        raise MoneyError("somebody has to have a weight")
    return total
