"""What a run asks of the house, drawn from its seed and the failpoint that it is for. Pure."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tidegate.failpoints import POINTS

Kind = Literal["withdrawal", "conversion", "transfer"]
Cancel = Literal["", "unverified", "verified"]

AMOUNTS = {
    "USDT": ("11.5", "25", "87.654321"),
    "ETH": ("0.02", "0.0512345", "0.111111111111111111"),
    "BTC": ("0.0007", "0.00123456", "0.003"),
}
PLAIN = (("USDT", "USDT"), ("USDT", "USDT"), ("ETH", "ETH"), ("BTC", "BTC"))
CONVERTING = (("BTC", "USDT"), ("USDT", "BTC"), ("ETH", "USDT"), ("USDT", "ETH"))
REVIEWED = "1500"
"""Dollars, above what goes out without a person."""
HALVES = "300"
"""Dollars in an order of which half is left, and which may be ordered again."""
FROM_TIME_TO_TIME = 0.25
LONGEST = 4
"""Blows that one run may be given one after the other."""


@dataclass(frozen=True, slots=True)
class Op:
    """One thing that one customer wants. `amount` of `to_asset` is to arrive. `abandon`: nobody ever confirms it."""

    kind: Kind
    from_asset: str
    to_asset: str
    amount: str
    cancel: Cancel = ""
    abandon: bool = False
    reviewed: bool = False
    bump: bool = False
    eager: bool = False
    """Each request is sent twice at once, as two tabs do."""


@dataclass(frozen=True, slots=True)
class Load:
    """A run: its name, what is asked, what is armed, and what else breaks."""

    point: str
    seed: int
    ops: tuple[Op, ...]
    times: int = 1
    then: tuple[str, ...] = ()
    """What is armed one after the other when the first has been died at: more blows while the house recovers."""
    venue_fault: str = ""
    late_blocks: bool = False
    """No block comes before the house has seen its transaction wait for one."""

    @property
    def armed(self) -> str:
        return self.point if self.times == 1 else f"{self.point} {self.times}"


def draw(point: str, seed: int, then: Sequence[str] = ()) -> Load:
    """The same for the same points and seed, on every machine. Without `then`, a second blow falls from time to time."""
    dice = random.Random(f"{seed}/{point}")
    ops = [_plain(dice), _plain(dice), _converting(dice), dice.choice([_cancelled, _moved, _exchanged, _left])(dice)]
    needed = list(dict.fromkeys(op for one in (point, *then) for op in _needed(one, dice)))
    ops = needed + ops[len(needed) :]
    dice.shuffle(ops)
    ops = [replace(op, eager=dice.random() < FROM_TIME_TO_TIME) for op in ops]
    second = dice.choice(sorted(POINTS)) if dice.random() < FROM_TIME_TO_TIME else ""
    second = "" if second[:1] in "MV" else second
    return Load(
        point=point,
        seed=seed,
        ops=tuple(ops),
        times=2 if not then and _often(point) and dice.random() < FROM_TIME_TO_TIME else 1,
        then=tuple(then) or ((second,) if second else ()),
        venue_fault=next((found for one in (point, *then) if (found := _fault(one))), ""),
        late_blocks=any(one.startswith("P14.seen") for one in (point, *then)) or dice.random() < FROM_TIME_TO_TIME,
    )


def chains(points: Sequence[str]) -> Iterator[list[str]]:
    """These points in a few rows that one run may die along: in the order of a payment, each row its own kind of load."""
    kinds: dict[str, list[str]] = {}
    for one in points:
        kinds.setdefault(_kind(one), []).append(one)
    for row in kinds.values():
        yield from (row[start : start + LONGEST] for start in range(0, len(row), LONGEST))


def _kind(point: str) -> str:
    step = point.partition(":")[0]
    for one in ("P5.cancel", "P7", "P14.seen", "P14", "O5", "O8", "O1", "O2"):
        if step.startswith(one):
            return "O1" if one == "O2" else one
    if step[0] == "O":
        return "O"
    return "api" if POINTS[point].part == "api" else "worker"


def _needed(point: str, dice: random.Random) -> list[Op]:
    """Without these nobody comes to that point."""
    step = point.rpartition(":")[0]
    if step == "P5.cancel":
        return [_cancelled(dice)]
    if step in ("P7.approval", "P7.approved"):
        return [Op("withdrawal", "USDT", "USDT", REVIEWED, reviewed=True)]
    if step in ("P14.build", "P14.ask", "P14.store", "P14.send"):
        pair = dice.choice([("USDT", "USDT"), ("ETH", "ETH"), ("BTC", "BTC")])
        return [Op("withdrawal", *pair, AMOUNTS[pair[1]][1], bump=True)]
    if step.startswith("O8"):
        return [Op("conversion", "BTC", "USDT", HALVES)]
    if step[:1] == "O":
        return [_exchanged(dice)]
    return []


def _fault(point: str) -> str:
    if point.startswith("O5"):
        return "venue_timeout_after_accept"
    return "venue_partial_fill" if point.startswith("O8") else ""


def _often(point: str) -> bool:
    """Whether every run comes there more than once."""
    return point.partition(".")[0] in ("P1", "P2", "P4", "P6", "P10", "P11", "P13", "P16") and ":" in point


def _plain(dice: random.Random) -> Op:
    pair = dice.choice(PLAIN)
    return Op("withdrawal", *pair, dice.choice(AMOUNTS[pair[1]]))


def _converting(dice: random.Random) -> Op:
    pair = dice.choice(CONVERTING)
    return Op("withdrawal", *pair, dice.choice(AMOUNTS[pair[1]]))


def _cancelled(dice: random.Random) -> Op:
    return replace(dice.choice([_plain, _converting])(dice), cancel=dice.choice(["unverified", "verified"]))


def _left(dice: random.Random) -> Op:
    return replace(dice.choice([_plain, _converting])(dice), abandon=True)


def _exchanged(dice: random.Random) -> Op:
    return replace(_converting(dice), kind="conversion")


def _moved(dice: random.Random) -> Op:
    code = dice.choice(sorted(AMOUNTS))
    return Op("transfer", code, code, dice.choice(AMOUNTS[code]))
