"""A ledger as one would write it on a page, and the order in which the lane takes what was submitted together.

Written from what is promised, not from the SQL: postings one after the other, groups whole or not at all, a key once for
ever, riders with their posting or neither.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tidegate.ledger.rules import AccountRef, Side

MOST = 10**60
"""Balances stay below it on both sides of zero."""


class Move(NamedTuple):
    debit: int
    credit: int
    units: int


@dataclass(frozen=True)
class Sent:
    """A submission: a posting (or none, `key` empty) with riders. `id` is its own and the same whenever it is sent again."""

    id: uuid.UUID
    key: str = ""
    moves: tuple[Move, ...] = ()
    claims: tuple[int, ...] = ()
    """Targets that one submission gets and no other ever after."""
    bell: bool = False
    poison: bool = False
    unknown: bool = False
    """Names a line that is not on the chart."""


class Leg(NamedTuple):
    """One side of a transfer as its account's statement shows it."""

    sequence: int
    key: str
    n: int
    side: Side
    units: int
    balance: int


@dataclass
class Line:
    """An account. `shown` is its statement, oldest first."""

    ref: AccountRef
    balance: int = 0
    closed: bool = False
    shown: list[Leg] = field(default_factory=list)


class Missed(Exception):
    """Submissions (by place) whose first riders missed: nothing of the batch was done."""

    def __init__(self, places: Sequence[int]) -> None:
        self.places = list(places)


class Poison(Exception):
    """Something in the batch cannot be done at all: nothing of it was."""


@dataclass
class Page:
    lines: list[Line]
    keys: dict[str, uuid.UUID] = field(default_factory=dict)
    """By which submission it was posted."""
    receipts: set[uuid.UUID] = field(default_factory=set)
    claimed: set[int] = field(default_factory=set)
    bells: int = 0

    # --- postings -------------------------------------------------------------------------------------------------

    def post(self, batch: Sequence[Sent], *, keep: bool = True) -> list[str]:
        """A verdict for each, in order. Raises Poison, and then nothing was posted."""
        balances: dict[int, int] = {}
        legs: list[tuple[int, Leg]] = []
        keys: dict[str, uuid.UUID] = {}
        verdicts = []
        for sent in batch:
            verdict = self._known(sent, keys) or self._try(sent, balances, legs)
            if verdict == "posted":
                keys[sent.key] = sent.id
            verdicts.append(verdict)
        if any(abs(leg.balance) >= MOST for _, leg in legs):
            raise Poison
        if keep:
            self._keep(keys, legs)
        return verdicts

    def _known(self, sent: Sent, keys: dict[str, uuid.UUID]) -> str | None:
        if sent.key in self.keys:
            return "replayed" if self.keys[sent.key] == sent.id else "duplicate"
        return "duplicate" if sent.key in keys else None

    def _try(self, sent: Sent, balances: dict[int, int], legs: list[tuple[int, Leg]]) -> str:
        before, known = dict(balances), len(legs)
        verdict = "posted"
        for n, (debit, credit, units) in enumerate(sent.moves, 1):
            verdict = self._refused(debit, credit)
            for at, side in ((debit, Side.DEBIT), (credit, Side.CREDIT)) if verdict == "posted" else ():
                line = self.lines[at]
                change = units if line.ref.kind.side is side else -units
                balances[at] = balances.get(at, line.balance) + change
                number = len(line.shown) + 1 + sum(where == at for where, _ in legs)
                legs.append((at, Leg(number, sent.key, n, side, units, balances[at])))
                if balances[at] < 0 and not line.ref.kind.overdraft:
                    verdict = "insufficient"
            if verdict != "posted":
                balances.clear()
                balances.update(before)
                del legs[known:]
                break
        return verdict

    def _refused(self, debit: int, credit: int) -> str:
        """Why these two accounts cannot be moved; `posted` when they can. Numbers outside the page are unknown."""
        if not (0 <= debit < len(self.lines) and 0 <= credit < len(self.lines)):
            return "unknown_account"
        if self.lines[debit].ref.asset != self.lines[credit].ref.asset:
            return "asset_mismatch"
        return "closed" if self.lines[debit].closed or self.lines[credit].closed else "posted"

    def _keep(self, keys: dict[str, uuid.UUID], legs: Sequence[tuple[int, Leg]]) -> None:
        self.keys |= keys
        for at, leg in legs:
            self.lines[at].balance = leg.balance
            self.lines[at].shown.append(leg)

    # --- with riders ----------------------------------------------------------------------------------------------

    def commit(self, batch: Sequence[Sent]) -> list[str]:
        """Postings and riders in one commit: a verdict for each. Raises Missed or Poison, and then nothing was done."""
        with_posting = [sent for sent in batch if sent.moves]
        told = iter(self.post(with_posting, keep=False))
        verdicts = [next(told) if sent.moves else self._received(sent) for sent in batch]
        rides = [n for n, verdict in enumerate(verdicts) if verdict == "posted"]
        # Kinds of riders in the order in which the batch first shows them; the first kind that fails is what is told.
        for kind in dict.fromkeys(kind for sent in batch for kind in _kinds(sent)):
            if kind == "poison" and any(batch[n].poison for n in rides):
                raise Poison
            if kind == "claims" and (missed := self._missed(batch, rides)):
                raise Missed(missed)
        self.post(with_posting)
        for n in rides:
            self.claimed |= set(batch[n].claims)
            self.bells += batch[n].bell
            if not batch[n].moves:
                self.receipts.add(batch[n].id)
        return verdicts

    def _received(self, sent: Sent) -> str:
        return "replayed" if sent.id in self.receipts else "posted"

    def _missed(self, batch: Sequence[Sent], rides: Sequence[int]) -> list[int]:
        taken, missed = set(self.claimed), []
        for n in rides:
            if taken & set(batch[n].claims):
                missed.append(n)
            taken |= set(batch[n].claims)
        return missed

    # --- the lane -------------------------------------------------------------------------------------------------

    def submit(self, batch: Sequence[Sent], answers_lost: int = 0) -> list[str]:
        """What each caller of the lane is told when all of these travel together and so many answers are lost."""
        told: dict[int, str] = {n: "unknown_account" for n, sent in enumerate(batch) if sent.unknown}
        self._lost = answers_lost
        self._flush([(n, sent) for n, sent in enumerate(batch) if not sent.unknown], told)
        return [told[n] for n in range(len(batch))]

    def _flush(self, batch: list[tuple[int, Sent]], told: dict[int, str]) -> None:
        if not batch:
            return
        try:
            verdicts = self.commit([sent for _, sent in batch])
            while self._lost:
                self._lost -= 1
                verdicts = self.commit([sent for _, sent in batch])
        except Missed as missed:
            if len(batch) == 1:
                told[batch[0][0]] = "conflict"
                return
            self._flush([one for n, one in enumerate(batch) if n not in missed.places], told)
            for n in missed.places:
                self._flush([batch[n]], told)
        except Poison:
            if len(batch) == 1:
                told[batch[0][0]] = "error"
                return
            middle = len(batch) // 2
            self._flush(batch[:middle], told)
            self._flush(batch[middle:], told)
        else:
            told |= {
                n: "posted" if verdict == "replayed" else verdict
                for (n, _), verdict in zip(batch, verdicts, strict=True)
            }


def _kinds(sent: Sent) -> list[str]:
    return [
        *(["bell"] if sent.bell else []),
        *(["claims"] if sent.claims else []),
        *(["poison"] if sent.poison else []),
    ]
