"""SQL of the treasury: sets of attempts, their members and payouts, the coins and nonces they reserve."""

import itertools
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.database import Rider, Write, fresh, holding, inserting, new_id, updating
from tidegate.queue import Lease, claim_due
from tidegate.treasury.rules import OPEN, AttemptState, Outcome, Purpose, Stage
from tidegate.treasury.tables import Attempt, AttemptSet, HotWallet, ReservedInput, SetPayout

_OPEN = [state.value for state in OPEN]


@dataclass(frozen=True, slots=True)
class Payment:
    """What a set pays one payout."""

    payout_id: uuid.UUID
    asset: str
    units: int
    address: str


@dataclass(frozen=True, slots=True)
class Coin:
    """A coin to reserve. `from_deposit`: it came in at a customer's deposit address."""

    txid: str
    vout: int
    units: int
    from_deposit: bool


@dataclass(frozen=True, slots=True)
class Whole:
    """A set with its members, oldest first, and its payouts by age."""

    set: AttemptSet
    members: tuple[Attempt, ...]
    payouts: tuple[SetPayout, ...]

    @property
    def open(self) -> tuple[SetPayout, ...]:
        """Payouts that are neither paid nor given back."""
        return tuple(one for one in self.payouts if one.ended_at is None)

    @property
    def living(self) -> tuple[Attempt, ...]:
        """Members that may still be mined or sent."""
        return tuple(one for one in self.members if one.state in _OPEN)

    @property
    def newest(self) -> Attempt | None:
        """The living member that was made last."""
        return self.living[-1] if self.living else None


# --- nonces ----------------------------------------------------------------------------------------------------------


async def lock_wallet(session: AsyncSession, network: str, address: str) -> int:
    """The next nonce of the network's hot wallet, its row locked until commit: spending is decided one at a time."""
    await session.execute(
        insert(HotWallet).values(network=network, address=address, next_nonce=0).on_conflict_do_nothing()
    )
    row = await session.scalar(select(HotWallet).where(HotWallet.network == network).with_for_update())
    assert row is not None
    return row.next_nonce


async def free_nonces(session: AsyncSession, network: str, address: str, at_least: int, count: int = 1) -> list[int]:
    """The lowest nonces from `at_least` that no set holds: those that dropped sets left behind come first.

    Under the wallet's lock. A hole would keep every later transaction of the address waiting.
    """
    rows = await session.scalars(
        select(AttemptSet.nonce).where(
            AttemptSet.network == network,
            AttemptSet.hot_address == address,
            AttemptSet.nonce >= at_least,
            AttemptSet.outcome.is_distinct_from(Outcome.DROPPED.value),
        )
    )
    held = set(rows)
    return list(itertools.islice((nonce for nonce in itertools.count(at_least) if nonce not in held), count))


async def take_nonce(session: AsyncSession, network: str, nonce: int) -> None:
    """The wallet's count never goes back: a nonce below it was handed out before."""
    await session.execute(
        update(HotWallet)
        .where(HotWallet.network == network, HotWallet.next_nonce <= nonce)
        .values(next_nonce=nonce + 1)
    )


async def unmined(session: AsyncSession, network: str, address: str) -> int:
    """Sets of this account that hold a nonce and have no member in a block."""
    in_block = [one.value for one in (AttemptState.MINED, AttemptState.FINAL, AttemptState.REVERTED)]
    mined = exists().where(Attempt.set_id == AttemptSet.id, Attempt.state.in_(in_block))
    found = await session.scalar(
        select(func.count())
        .select_from(AttemptSet)
        .where(
            AttemptSet.network == network,
            AttemptSet.hot_address == address,
            AttemptSet.stage != Stage.ENDED.value,
            ~mined,
        )
    )
    return int(found or 0)


# --- making sets and members -----------------------------------------------------------------------------------------


async def add_set(
    session: AsyncSession,
    *,
    network: str,
    asset: str,
    speed: str,
    plan: dict[str, Any],
    now: datetime,
    purpose: Purpose = Purpose.PAYOUT,
    hot_address: str | None = None,
    nonce: int | None = None,
    payouts: Sequence[Payment] = (),
    coins: Sequence[Coin] = (),
    lease: timedelta | None = None,
) -> Whole:
    """A set to be signed, its first member, what it pays, the coins it reserves; all in the caller's commit.

    With `lease` it is the caller's to go on with; else whoever claims it first.
    """
    added = fresh(
        AttemptSet,
        id=new_id(),
        network=network,
        purpose=purpose.value,
        asset=asset,
        speed=speed,
        hot_address=hot_address,
        nonce=nonce,
        stage=Stage.SIGNING.value,
        created_at=now,
        due_at=now,
        fence=0 if lease is None else 1,
        lease_until=None if lease is None else now + lease,
    )
    session.add(added)
    await session.flush()  # what refers to it comes after it
    paid = tuple(
        fresh(
            SetPayout, set_id=added.id, payout_id=one.payout_id, asset=one.asset, units=one.units, address=one.address
        )
        for one in sorted(payouts, key=lambda one: one.payout_id)
    )
    session.add_all(paid)
    return Whole(added, (add_member(session, added, plan=plan, coins=coins, now=now),), paid)


def add_member(
    session: AsyncSession,
    to: AttemptSet,
    *,
    plan: dict[str, Any],
    now: datetime,
    coins: Sequence[Coin] = (),
    replaces: uuid.UUID | None = None,
    parent: uuid.UUID | None = None,
) -> Attempt:
    """A built member and the coins that the set has to reserve for it beside those it has.

    `plan["inputs"]` names all coins that a Bitcoin member spends, as [txid, vout].
    """
    member = fresh(
        Attempt,
        id=new_id(),
        set_id=to.id,
        network=to.network,
        state=AttemptState.BUILT.value,
        replaces=replaces,
        parent=parent,
        plan=plan,
        refits=0,
        confirmations=0,
        created_at=now,
    )
    session.add(member)
    session.add_all(
        ReservedInput(
            id=new_id(),
            set_id=to.id,
            network=to.network,
            txid=coin.txid,
            vout=coin.vout,
            units=coin.units,
            from_deposit=coin.from_deposit,
        )
        for coin in coins
    )
    return member


# --- the set as a job ------------------------------------------------------------------------------------------------


async def claim(
    session: AsyncSession, purposes: Sequence[Purpose], stage: Stage, *, now: datetime, limit: int = 20
) -> list[Lease]:
    """Lease due sets of these purposes at this stage."""
    where = and_(AttemptSet.purpose.in_([one.value for one in purposes]), AttemptSet.stage == stage.value)
    return await claim_due(session, AttemptSet, where=where, now=now, limit=limit)


async def due_stages(session: AsyncSession, purpose: Purpose, *, now: datetime) -> set[Stage]:
    """The stages at which a set of this purpose is due and free."""
    stages = [one for one in Stage if one is not Stage.ENDED]
    free = or_(AttemptSet.lease_until.is_(None), AttemptSet.lease_until < now)
    of = and_(AttemptSet.purpose == purpose.value, AttemptSet.due_at <= now, free)
    row = (await session.execute(select(*(exists().where(of, AttemptSet.stage == one.value) for one in stages)))).one()
    return {stage for stage, due in zip(stages, row, strict=True) if due}


async def wish(session: AsyncSession, set_id: uuid.UUID, rate: int) -> None:
    """A person wants it dearer: the next look at it is at once, and what capped it is forgotten."""
    await session.execute(
        update(AttemptSet)
        .where(AttemptSet.id == set_id, AttemptSet.stage == Stage.CONFIRMING.value)
        .values(asked_rate=rate, capped=None, due_at=func.now())
    )


async def wake(session: AsyncSession, network: str, purpose: Purpose, *, now: datetime) -> None:
    """Whatever waits for blocks on this network is to be looked at now."""
    await session.execute(
        update(AttemptSet)
        .where(
            AttemptSet.network == network,
            AttemptSet.purpose == purpose.value,
            AttemptSet.stage == Stage.CONFIRMING.value,
            AttemptSet.due_at > now,
        )
        .values(due_at=now)
    )


async def release_all(session: AsyncSession, leases: Sequence[Lease], due_at: datetime) -> None:
    """Give these leases back and say when to look again; those that were lost meanwhile are left alone."""
    held = tuple_(AttemptSet.id, AttemptSet.fence).in_([(lease.id, lease.fence) for lease in leases])
    await session.execute(update(AttemptSet).where(held).values(lease_until=None, due_at=due_at))


async def release(session: AsyncSession, set_id: uuid.UUID, fence: int, due_at: datetime) -> None:
    """Give the lease back and say when to look again."""
    await session.execute(
        update(AttemptSet)
        .where(AttemptSet.id == set_id, AttemptSet.fence == fence)
        .values(lease_until=None, due_at=due_at)
    )


async def whole(session: AsyncSession, set_id: uuid.UUID) -> Whole | None:
    """The set as it stands."""
    found = await wholes(session, [set_id])
    return found[0] if found else None


async def wholes(session: AsyncSession, set_ids: Sequence[uuid.UUID]) -> list[Whole]:
    """These sets, three queries for all of them."""
    sets = await session.scalars(select(AttemptSet).where(AttemptSet.id.in_(set_ids)).order_by(AttemptSet.created_at))
    members: dict[uuid.UUID, list[Attempt]] = {}
    for member in await session.scalars(
        select(Attempt).where(Attempt.set_id.in_(set_ids)).order_by(Attempt.created_at, Attempt.id)
    ):
        members.setdefault(member.set_id, []).append(member)
    payouts: dict[uuid.UUID, list[SetPayout]] = {}
    for payout in await session.scalars(
        select(SetPayout).where(SetPayout.set_id.in_(set_ids)).order_by(SetPayout.payout_id)
    ):
        payouts.setdefault(payout.set_id, []).append(payout)
    return [Whole(one, tuple(members.get(one.id, ())), tuple(payouts.get(one.id, ()))) for one in sets]


async def live_set_of(session: AsyncSession, payout_id: uuid.UUID) -> AttemptSet | None:
    """The living set that pays this payout."""
    found: AttemptSet | None = await session.scalar(
        select(AttemptSet)
        .join(SetPayout, SetPayout.set_id == AttemptSet.id)
        .where(SetPayout.payout_id == payout_id, SetPayout.ended_at.is_(None))
    )
    return found


async def taken(session: AsyncSession, payout_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these payouts are in a living set."""
    rows = await session.scalars(
        select(SetPayout.payout_id).where(SetPayout.payout_id.in_(payout_ids), SetPayout.ended_at.is_(None))
    )
    return set(rows)


def set_rider(set_id: uuid.UUID, fence: int, values: dict[str, Any]) -> Rider:
    """Change the set under the fence that was claimed; "set" misses when somebody else works on it."""
    write = updating(AttemptSet.__table__, guards=("id", "fence"), columns=tuple(values))
    return Rider("set", write, {"was_id": set_id, "was_fence": fence} | values)


def held_rider(set_id: uuid.UUID, fence: int) -> Rider:
    """The set is still this holder's, until this commit is over; "set" misses when somebody else has taken it over."""
    write = holding(AttemptSet.__table__, guards=("id", "fence"))
    return Rider("set", write, {"was_id": set_id, "was_fence": fence})


def end_rider(set_id: uuid.UUID, fence: int, outcome: Outcome, now: datetime) -> Rider:
    """The set is over; the database refuses it while a member lives or a payout is open."""
    values = {"stage": Stage.ENDED.value, "outcome": outcome.value, "ended_at": now, "waits": None, "lease_until": None}
    return set_rider(set_id, fence, values)


def member_rider(member_id: uuid.UUID, was: str, values: dict[str, Any]) -> Rider:
    """Change a member that still is in this state; "attempt" misses else."""
    write = updating(Attempt.__table__, guards=("id", "state"), columns=tuple(values))
    return Rider("attempt", write, {"was_id": member_id, "was_state": was} | values)


def refit_rider(member: Attempt, values: dict[str, Any]) -> Rider:
    """The books of a final member are corrected once more; "refit" misses when they were since it was read."""
    columns = tuple(values)
    write = updating(Attempt.__table__, guards=("id", "state", "refits"), columns=columns, counted="refits")
    before = {"was_id": member.id, "was_state": member.state, "was_refits": member.refits}
    return Rider("refit", write, before | values)


async def looked_at(session: AsyncSession, member_ids: Sequence[uuid.UUID], now: datetime) -> None:
    """These were looked for: others come first next time."""
    await session.execute(update(Attempt).where(Attempt.id.in_(member_ids)).values(looked_at=now))


def payout_rider(set_id: uuid.UUID, payout_id: uuid.UUID, values: dict[str, Any]) -> Rider:
    """End what a set owes a payout: settled (`settled_at`), or given back."""
    write = updating(
        SetPayout.__table__, guards=("set_id", "payout_id"), columns=tuple(values), also="t.ended_at IS NULL"
    )
    return Rider("payout", write, {"was_set_id": set_id, "was_payout_id": payout_id} | values)


_FREED = Write(
    """
    WITH r AS (
        SELECT * FROM jsonb_to_recordset($1::jsonb) AS rows(i int, set_id uuid, now timestamptz)
    ), done AS (
        UPDATE reserved_inputs t SET released_at = r.now FROM r WHERE t.set_id = r.set_id AND t.released_at IS NULL
    )
    SELECT array_agg(i) FROM r
    """
)


def freed_rider(set_id: uuid.UUID, now: datetime) -> Rider:
    """Its coins are gone for good, or never were spent: the reservation has done its work."""
    return Rider("inputs", _FREED, {"set_id": set_id, "now": now})


def input_rider(set_id: uuid.UUID, network: str, coin: Coin) -> Rider:
    """Reserve one more coin; "coin" misses when a living set has it."""
    values = {
        "id": new_id(),
        "set_id": set_id,
        "network": network,
        "txid": coin.txid,
        "vout": coin.vout,
        "units": coin.units,
        "from_deposit": coin.from_deposit,
        "released_at": None,
    }
    return Rider("coin", inserting(ReservedInput.__table__, key=("id",)), values)
