"""A second opinion: other nodes of the same chain, whose word is compared before money moves (decision 0018).

Every decision is read from the first node alone, so that it is never put together from two; the others may only say
no. One of them at least must answer and agree; none may disagree.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tidegate.chains.port import Arrival, Arrivals, NodeUnavailable, Sighting

_FRESH_SECONDS = 5.0
_REMEMBERED = 10_000


class Witness(Protocol):
    """Another node. Every coroutine raises NodeUnavailable when it cannot be asked or is on another chain."""

    name: str

    async def height(self) -> int: ...

    async def hash_at(self, height: int) -> str | None: ...

    async def holds(self, claim: "Claim") -> bool:
        """Is this transaction in this block, the block on its chain, and is each payment of the claim made by it?"""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Claim:
    """The first node says: this transaction is in this block, and pays us this."""

    txid: str
    block_hash: str
    height: int
    paid: tuple[Arrival, ...] = ()
    """As they are when all that may change is left out: see `bare`."""


def bare(one: Arrival) -> Arrival:
    """What is credited of an arrival: asset, recipient, amount and place, in which block; not how deep it is by now."""
    return replace(one, confirmations=0, matures=0)


class Opinions:
    """The other nodes of one network; with none of them everything is agreed. `depth`: confirmations that count."""

    def __init__(self, witnesses: Sequence[Witness], depth: int) -> None:
        self._witnesses = witnesses
        self._depth = depth
        self._proven: dict[Claim, None] = {}
        self._disputed: dict[Claim, str] = {}
        self._agreed_at: float | None = None

    async def doubts(self, height: int, own_hash: Callable[[int], Awaitable[str | None]]) -> str:
        """Why the first node, its tip at `height`, must not be decided from; nothing when another one agrees."""
        if not self._witnesses:
            return ""
        for claim in list(self._disputed):
            if await own_hash(claim.height) == claim.block_hash:
                await self._judge(claim)
            else:
                del self._disputed[claim]  # a reorg took it: the first node says so no longer
        if self._disputed:
            return next(iter(self._disputed.values()))
        if self._agreed_at is not None and time.monotonic() - self._agreed_at < _FRESH_SECONDS:
            return ""
        said = await asyncio.gather(*(self._compare(one, height, own_hash) for one in self._witnesses))
        if quarrels := [text for agrees, text in said if agrees is False]:
            return quarrels[0]
        if not any(agrees for agrees, _ in said):
            return f"No other node can be asked: {'; '.join(text for _, text in said)}"
        self._agreed_at = time.monotonic()
        return ""

    async def _compare(
        self, witness: Witness, height: int, own_hash: Callable[[int], Awaitable[str | None]]
    ) -> tuple[bool | None, str]:
        """(does it agree, why not); None when it cannot say."""
        try:
            theirs = await witness.height()
            common = max(min(height, theirs) - self._depth, 0)
            block_hash = await witness.hash_at(common)
        except NodeUnavailable as error:
            return None, f"{witness.name}: {error}"
        if theirs - height > 2 * self._depth:
            return False, f"The node is at block {height}, {witness.name} at {theirs}."
        if block_hash is None:
            return None, f"{witness.name} does not have block {common}"
        if block_hash != await own_hash(common):
            return False, f"The node and {witness.name} have different blocks at {common}."
        return True, ""

    async def unproven(self, claims: Collection[Claim]) -> set[str]:
        """Transactions that no other node has where the first one has it, yet. Raises NodeUnavailable on a dispute."""
        if not self._witnesses:
            return set()
        new = [claim for claim in claims if claim not in self._proven]
        await asyncio.gather(*(self._judge(claim) for claim in new))
        for claim in new:
            if claim in self._disputed:
                raise NodeUnavailable(self._disputed[claim])
        return {claim.txid for claim in new if claim not in self._proven}

    async def _judge(self, claim: Claim) -> None:
        """Proven as soon as one has it; disputed when one has that height, deep enough, and not this."""
        self._disputed.pop(claim, None)
        disputed = ""
        for witness in self._witnesses:
            try:
                if await witness.holds(claim):
                    self._proven[claim] = None
                elif await witness.height() - claim.height + 1 >= self._depth:
                    what = "and what it pays us " if claim.paid else ""
                    disputed = (
                        f"{witness.name} does not have {claim.txid} {what}in block {claim.height}, the node does."
                    )
            except NodeUnavailable:
                continue
        if disputed:
            self._proven.pop(claim, None)
            self._disputed[claim] = disputed
        while len(self._proven) > _REMEMBERED:
            del self._proven[next(iter(self._proven))]

    async def temper(self, found: Arrivals) -> Arrivals:
        """Arrivals that no other node confirms, or that name no block to ask about, stay one short of being credited."""
        if not self._witnesses:
            return found
        paid: dict[str, list[Arrival]] = {}
        for one in found.seen:
            paid.setdefault(one.txid, []).append(bare(one))
        deep = {one: _claim_of(one.txid, one, paid[one.txid]) for one in found.seen if one.confirmations >= self._depth}
        wanting = await self.unproven([claim for claim in deep.values() if claim is not None])
        wanting |= {one.txid for one, claim in deep.items() if claim is None}
        return replace(found, seen=tuple(self._held_back(one) if one.txid in wanting else one for one in found.seen))

    def _held_back(self, one: Arrival) -> Arrival:
        return replace(one, confirmations=min(one.confirmations, self._depth - 1))

    async def temper_sighting(self, txid: str, seen: Sighting) -> Sighting:
        """The same for a payout of ours: it is not final before another node has it."""
        if not self._witnesses or seen.confirmations < self._depth:
            return seen
        claim = _claim_of(txid, seen)
        if claim is None or await self.unproven([claim]):
            return replace(seen, confirmations=self._depth - 1)
        return seen

    async def close(self) -> None:
        for witness in self._witnesses:
            await witness.close()


def _claim_of(txid: str, one: Arrival | Sighting, paid: Sequence[Arrival] = ()) -> Claim | None:
    if one.block_hash is None or one.block_height is None:
        return None
    ordered = sorted(paid, key=lambda each: (each.index, each.address))
    return Claim(txid, one.block_hash, one.block_height, tuple(ordered))
