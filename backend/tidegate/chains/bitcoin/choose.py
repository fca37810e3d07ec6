"""Which coins pay. Pure: decided from the list, the rate and what is reserved.

Change costs twice: its own 31 vB now and the 68 vB of spending it later. So first a choice that leaves none is looked
for; else the fewest coins pay. In cheap hours small coins go along, since each costs less now than in a dear one.
"""

from collections.abc import Collection, Sequence

from tidegate.chains.bitcoin.build import (
    INPUT_VSIZE,
    MAX_ANCESTORS,
    MAX_INPUTS,
    MIN_COIN_UNITS,
    OUTPUT_VSIZE,
    payout_vsize,
)
from tidegate.chains.families import Coin, NotEnough, OutPoint

TRIES = 20_000
"""Steps of the search for a choice without change: a few milliseconds."""
POOL = 20
"""Coins that are left when small ones go along: more choice makes changeless payments likelier."""
ALONG = 10
"""Small coins that go along at most."""
LATER_RATE = 10
"""sat/vB that spending change later is reckoned at; the node drops change that is worth less."""


def choose_coins(
    coins: Sequence[Coin],
    *,
    deliver_units: int,
    output_kinds: Sequence[str],
    fee_rate: int,
    reserved: Collection[OutPoint] = (),
    pinned: Sequence[OutPoint] = (),
    deposit_depth: int = 1,
    cheap_rate: int = 0,
) -> tuple[Coin, ...]:
    """Coins that pay `deliver_units` and the fee at `fee_rate`, none of them reserved. Refuses with NotEnough.

    `pinned` coins are always in, and alone where they suffice. Coins that came in as deposits count from
    `deposit_depth` confirmations: a reorg that takes one away would take everybody's payments with it. At or below
    `cheap_rate` small coins go along.
    """
    kept = set(pinned)
    chosen = [coin for coin in coins if coin.outpoint in kept]
    if len(chosen) != len(kept):
        raise NotEnough(deliver_units, sum(coin.units for coin in chosen))
    each = INPUT_VSIZE * fee_rate
    free = [coin for coin in coins if coin.outpoint not in kept and _may(coin, reserved, deposit_depth, each)]
    bare = deliver_units + payout_vsize(0, output_kinds, change=False) * fee_rate
    target = bare - sum(coin.units - each for coin in chosen)
    if target <= 0 and chosen:
        return tuple(chosen)
    left = MAX_INPUTS - len(chosen)
    settled = [coin for coin in free if coin.confirmations > 0]
    waste = OUTPUT_VSIZE["p2wpkh"] * fee_rate + INPUT_VSIZE * LATER_RATE
    exact = _exact(settled, target, waste, each, left)
    if exact is not None:
        return (*chosen, *exact)
    more = _fewest(settled, free, target + OUTPUT_VSIZE["p2wpkh"] * fee_rate, each, left)
    if more is None:
        # Without change it may still be enough.
        more = _fewest(settled, free, target, each, left)
    if more is None:
        units = sorted((coin.units for coin in free), reverse=True)
        raise NotEnough(deliver_units, sum(units[:left]), sum(units[left:]))
    if fee_rate <= cheap_rate and not pinned:
        more += _along(settled, more, len(free) - len(more) - POOL)
    return (*chosen, *more)


def _may(coin: Coin, reserved: Collection[OutPoint], deposit_depth: int, each: int) -> bool:
    if coin.outpoint in reserved or coin.units < MIN_COIN_UNITS or coin.units <= each:
        return False
    return coin.ancestors < MAX_ANCESTORS if coin.change else coin.confirmations >= deposit_depth


def _exact(coins: Sequence[Coin], target: int, waste: int, each: int, most: int) -> tuple[Coin, ...] | None:
    """The choice that leaves no change and wastes least, if one is found: largest first, depth first."""
    worth = sorted(coins, key=lambda coin: (-coin.units, coin.outpoint))[:1_000]
    values = [coin.units - each for coin in worth]
    rest = [0] * (len(values) + 1)
    for place in range(len(values) - 1, -1, -1):
        rest[place] = rest[place + 1] + values[place]
    best: tuple[int, ...] | None = None
    least = waste + 1
    picked: list[int] = []
    total, place = 0, 0
    for _ in range(TRIES):
        over = total - target
        if 0 <= over < least:
            best, least = tuple(picked), over
            if over == 0:
                break
        done = over >= 0 or place == len(values) or total + rest[place] < target or len(picked) == most
        if not done:
            picked.append(place)
            total += values[place]
            place += 1
            continue
        if not picked:
            break
        # The last one out again, and the next smaller one in its place.
        last = picked.pop()
        total -= values[last]
        place = last + 1
        while place < len(values) and values[place] == values[last]:
            place += 1
    return None if best is None else tuple(worth[place] for place in best)


def _fewest(
    settled: Sequence[Coin], free: Sequence[Coin], target: int, each: int, most: int
) -> tuple[Coin, ...] | None:
    """The smallest confirmed coin that suffices alone, else the largest first; own unconfirmed change last, since what
    hangs on an unconfirmed transaction shares its fate."""
    alone = [coin for coin in settled if coin.units - each >= target]
    if alone and most > 0:
        return (min(alone, key=lambda coin: (coin.units, coin.outpoint)),)
    chosen: list[Coin] = []
    for coin in sorted(free, key=lambda coin: (coin.confirmations == 0, -coin.units, coin.outpoint)):
        if target <= 0 or len(chosen) == most:
            break
        chosen.append(coin)
        target -= coin.units - each
    return tuple(chosen) if target <= 0 else None


def _along(settled: Sequence[Coin], chosen: Sequence[Coin], spare: int) -> tuple[Coin, ...]:
    """The smallest confirmed coins beside the chosen ones, while enough others are left."""
    most = min(ALONG, spare, MAX_INPUTS - len(chosen))
    others = sorted((coin for coin in settled if coin not in chosen), key=lambda coin: (coin.units, coin.outpoint))
    return tuple(others[: max(0, most)])
