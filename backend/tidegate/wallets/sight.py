"""Writing down what a scan saw: rows and cursor in one commit, a handful of statements however many payments there are."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.chains.port import Arrival, Arrivals, Chain, Health
from tidegate.config import NetworkSettings
from tidegate.database import Database, Rider, new_id, ride_all
from tidegate.money import UNKNOWN_TOKEN
from tidegate.outbox.events import changed
from tidegate.wallets import deposit_store, rules, store, watch
from tidegate.wallets.deposit_store import Open
from tidegate.wallets.rules import GONE, DepositState, Reason, Seen, Shown, Tags, Tier
from tidegate.wallets.tables import DepositRow
from tidegate.wallets.tiers import tiers_of

log = structlog.get_logger(__name__)

_SHOWN = tuple(one.name for one in fields(Shown) if one.name != "final")
"""What a sighting writes as it is; `asdict` would copy it, which is slow where there are thousands."""
Key = tuple[str, int, str]
"""Transaction, place in it, recipient."""
_OF_THE_PAYMENT = ("asset", "units", "contract", "confirmations_required", "finality")
"""What a transaction that runs again in another block may change."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a chain. `version` and `cursor` are the scan's row as it was before; `rows` are the deposits that
    were open then, `depths` by block hash."""

    found: Arrivals
    rows: Sequence[Open]
    asked: frozenset[str]
    depths: Mapping[str, int]
    covered: int
    version: int
    cursor: str | None
    health: Health


async def record(db: Database, chain: Chain, terms: NetworkSettings, look: Look, now: datetime) -> bool:
    """Rows and cursor in one commit. False when another worker stored a scan meanwhile, or nothing changed."""
    found, network = look.found, chain.network
    async with db.transaction() as session:
        before = await store.lock_scan(session, network=network, now=now)
        if before.version != look.version:
            return False
        tags = Tags(found.safe, found.finalized)
        any_changed = await show(session, chain, terms, look, tags, now)
        if found.reread_above is not None:
            await deposit_store.forget_flows(session, network=network, above=found.reread_above)
        await deposit_store.keep_flows(session, network=network, flows=found.flows)
        index = await store.index_of(session, family=watch.family(chain))
        values: dict[str, Any] = {
            "fit": True,
            "reason": "",
            "height": look.health.height,
            "asked_at": now,
            "scanned_at": now,
            "version": look.version + 1,
        }
        if index is None or index.next_index <= look.covered:
            values["cursor"] = found.cursor
            values["scanned_height"] = found.upto if found.upto is not None else look.health.height
            any_changed |= found.cursor != look.cursor
        else:
            # More addresses were handed out during the scan than it looked ahead: the same blocks are read again.
            any_changed = True
        await store.save_scan(session, network=network, values=values)
    return any_changed


async def show(
    session: AsyncSession, chain: Chain, terms: NetworkSettings, look: Look, tags: Tags, now: datetime
) -> bool:
    """Bring every deposit to what the scan says of it, those not seen before included. True when anything changed."""
    # In a block again: what merely waits in the mempool would be given up again at once, and so on for ever.
    alive = [one for one in look.found.seen if one.confirmations > 0]
    # A token that the house lists since, in a block that is read again: now its amount says something.
    listed = [one.txid for one in alive if one.asset not in (UNKNOWN_TOKEN, chain.gas_asset)]
    txids = [one.txid for one in alive]
    again = await deposit_store.reopen(session, network=chain.network, txids=txids, listed=listed)
    look = replace(look, rows=[*look.rows, *again])
    changed_known = await _show_known(session, chain, terms, look, tags, now)
    return await _insert_new(session, chain, terms, look.found.seen, tags, now) or changed_known


async def _show_known(
    session: AsyncSession, chain: Chain, terms: NetworkSettings, look: Look, tags: Tags, now: datetime
) -> bool:
    """Bring every watched deposit to what the scan says of it."""
    by_key: dict[Key, Arrival] = {(one.txid, one.index, one.address): one for one in look.found.seen}
    present = {one.txid for one in look.found.seen if one.confirmations >= 0}
    gone, unknown = set(look.found.gone), set(look.found.unknown)
    tiers = tiers_of(terms)
    writes: list[Rider] = []
    told: list[Rider] = []
    moved = [row.id for row in look.rows if not _as_it_was(row, by_key.get((row.txid, row.index, row.address)), look)]
    for row in await deposit_store.lock_open(session, ids=moved):
        arrival = by_key.get((row.txid, row.index, row.address))
        seen = _seen(row, arrival, look, present=present, gone=gone, unknown=unknown)
        if seen is None:
            continue
        deposit = deposit_store.of(row)
        now_is: dict[str, Any] = {}
        if arrival is not None and (arrival.asset, arrival.units) != (row.asset, row.units):
            # The transaction ran again in another block and came out differently.
            if row.booked is not None:
                seen = GONE
            else:
                need = _need(chain, tiers, arrival)
                now_is = {"asset": arrival.asset, "units": arrival.units, "contract": arrival.contract}
                now_is |= {"confirmations_required": need.confirmations, "finality": need.finality}
                deposit = replace(
                    deposit,
                    asset=arrival.asset,
                    units=arrival.units,
                    required=need.confirmations,
                    finality=need.finality,
                )
        shown = rules.shown(deposit, seen, tags, now)
        values: dict[str, Any] = {name: getattr(shown, name) for name in _SHOWN}
        final = shown.final
        if not final and not now_is and all(getattr(row, name) == value for name, value in values.items()):
            continue
        since = now if (shown.state, shown.sub_status) != (row.state, row.sub_status) else row.since
        same = {name: getattr(row, name) for name in _OF_THE_PAYMENT}
        values |= {**same, **now_is, "since": since, "final_at": now if final else None}
        writes.append(deposit_store.show(deposit, values=values))
        told.append(changed(row.user_id, "deposit", row.id, row.version + 1))
    missed = await ride_all(session, writes)
    assert not missed, "rows that are locked here"
    await ride_all(session, told)
    return bool(writes)


def _as_it_was(row: Open, arrival: Arrival | None, look: Look) -> bool:
    """Whether this look says of a row what is stored already, or what makes no difference any more.

    What is in no block is looked at each time. What is booked and deep is counted up no further before it is final: a
    write and an event a block for each of a thousand deposits, and nobody waits for them.
    """
    if row.confirmations <= 0 or (row.finality is not None and not row.deep):
        return False
    if arrival is None and row.txid in look.asked:
        return False
    depth = look.depths.get(row.block_hash or "", -1) if arrival is None else arrival.confirmations
    if arrival is not None:
        now = (arrival.asset, arrival.units, arrival.block_hash)
        if now != (row.asset, row.units, row.block_hash):
            return False
    need = row.confirmations_required
    settled = row.booked is not None and row.sub_status is None and need <= depth < need * rules.FINAL_FACTOR
    return settled or depth == row.confirmations


def _seen(
    row: DepositRow, arrival: Arrival | None, look: Look, *, present: set[str], gone: set[str], unknown: set[str]
) -> Seen | None:
    """How the chain shows a stored deposit now; None when the scan says nothing of it."""
    if arrival is not None:
        return Seen(arrival.confirmations, arrival.block_hash, arrival.block_height)
    if row.txid in unknown or row.index <= rules.UNATTRIBUTED_INDEX:
        return None
    if row.txid in gone:
        return GONE
    if row.txid in look.asked and row.txid in present:
        # The transaction is there and pays somebody else, or elsewhere: it ran again in another block.
        return GONE
    if row.txid in look.asked:
        # Neither in a block of this chain nor gone: it waits for one (again).
        return Seen(0, None, None) if row.confirmations > 0 else None
    depth = look.depths.get(row.block_hash or "", -1)
    return Seen(depth, row.block_hash, row.block_height) if depth > 0 else None


async def _insert_new(
    session: AsyncSession, chain: Chain, terms: NetworkSettings, seen: Iterable[Arrival], tags: Tags, now: datetime
) -> bool:
    """A row for each payment not seen before, to an address that was handed out. True when there was one."""
    rows = await _rows_of_new(session, chain, terms, seen, tags, now)
    missed = await ride_all(session, [deposit_store.insert_rider(row) for row in rows])
    twice = {rider.values["id"] for rider in missed}
    kept = [row for row in rows if row["id"] not in twice]
    # What is deep already is booked next, and told by that.
    await ride_all(session, [changed(row["user_id"], "deposit", row["id"], 1) for row in kept if not row["deep"]])
    return bool(kept)


async def deep_at_once(
    db: Database, chain: Chain, terms: NetworkSettings, look: Look, now: datetime
) -> list[dict[str, Any]]:
    """Rows of payments that are deep enough when they are seen for the first time: nothing is stored of them yet."""
    watched = {(row.txid, row.index, row.address) for row in look.rows}
    new = [
        one
        for one in look.found.seen
        if one.confirmations >= chain.confirmations and (one.txid, one.index, one.address) not in watched
    ]
    if not new:
        return []
    async with db.reading() as session:
        rows = await _rows_of_new(session, chain, terms, new, Tags(look.found.safe, look.found.finalized), now)
    return [row for row in rows if row["deep"]]


async def _rows_of_new(
    session: AsyncSession, chain: Chain, terms: NetworkSettings, seen: Iterable[Arrival], tags: Tags, now: datetime
) -> list[dict[str, Any]]:
    new = [one for one in seen if one.confirmations >= 0 and one.units > 0]
    if not new:
        return []
    known = await deposit_store.known(session, network=chain.network, txids=[one.txid for one in new])
    new = [one for one in new if (one.txid, one.index, one.address) not in known]
    if not new:
        return []
    new = await _not_found_by_balance(session, chain, new)
    owners = await store.owners_of(session, family=watch.family(chain), addresses=sorted({one.address for one in new}))
    tiers = tiers_of(terms)
    rows = [_row(chain, owners[one.address], one, tiers, tags, now) for one in new if one.address in owners]
    return await _few_unknown(session, rows)


async def _not_found_by_balance(session: AsyncSession, chain: Chain, new: Sequence[Arrival]) -> list[Arrival]:
    """Without the gas asset that an address held already when its balance showed more than was known: that row has it."""
    mined = sorted({one.address for one in new if one.asset == chain.gas_asset and one.block_height is not None})
    held = await deposit_store.found_by_balance(session, network=chain.network, addresses=mined) if mined else {}
    kept = []
    for one in new:
        upto = held.get(one.address)
        if upto is None or one.asset != chain.gas_asset or one.block_height is None or one.block_height > upto:
            kept.append(one)
        else:
            log.warning("deposit_in_unattributed", network=chain.network, txid=one.txid, units=one.units)
    return kept


def _need(chain: Chain, tiers: Sequence[Tier], one: Arrival) -> Tier:
    need = rules.need(tiers, one.asset, one.units, chain.confirmations)
    return replace(need, confirmations=max(need.confirmations, one.matures))


def _row(
    chain: Chain, owner: store.Owner, one: Arrival, tiers: Sequence[Tier], tags: Tags, now: datetime
) -> dict[str, Any]:
    need = _need(chain, tiers, one)
    deep = one.confirmations >= need.confirmations and tags.has(need.finality, one.block_height)
    return {
        "id": new_id(),
        "network": chain.network,
        "txid": one.txid,
        "index": one.index,
        "asset": one.asset,
        "units": one.units,
        "user_id": owner.user_id,
        "address_id": owner.address_id,
        "address": one.address,
        "state": DepositState.CONFIRMING if one.confirmations > 0 else DepositState.DETECTED,
        "reason": None if owner.network == chain.network else Reason.OTHER_NETWORK,
        "contract": one.contract,
        "confirmations": one.confirmations,
        "confirmations_required": need.confirmations,
        "finality": need.finality,
        "deep": deep,
        "block_hash": one.block_hash,
        "block_height": one.block_height,
        "detected_at": now,
        "since": now,
    }


async def _few_unknown(session: AsyncSession, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Unknown tokens are free to make: of each address, the first few are kept."""
    addresses = {row["address_id"] for row in rows if row["asset"] == UNKNOWN_TOKEN}
    if not addresses:
        return rows
    count: Counter[Any] = Counter(await deposit_store.count_unknown(session, address_ids=addresses))
    kept = []
    for row in rows:
        if row["asset"] == UNKNOWN_TOKEN:
            count[row["address_id"]] += 1
            if count[row["address_id"]] > rules.MOST_UNKNOWN:
                continue
        kept.append(row)
    return kept
