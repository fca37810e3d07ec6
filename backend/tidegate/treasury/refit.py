"""Correcting what was booked for a transaction that counted as final, after a reorganisation deeper than that.

Each correction of a transaction has its number: prices and winners may go back and forth, and each turn is booked once.
"""

import structlog

from tidegate.chains.port import Fate, Sighting
from tidegate.compliance import pause
from tidegate.database import Rider
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Posting
from tidegate.treasury import move_store, store, underway
from tidegate.treasury.rules import AttemptState, Purpose, refitted_transfers
from tidegate.treasury.spend import Spender
from tidegate.treasury.store import Whole
from tidegate.treasury.tables import Attempt, MoveRow

log = structlog.get_logger(__name__)

WORKER = "tidegate"


async def fee(spender: Spender, lane: Lane, whole: Whole, member: Attempt, seen: Sighting) -> None:
    """Another block may have another base fee: what was booked is brought to what was paid."""
    was, paid = member.fee_units, seen.fee_units
    if was is None or paid is None or was == paid:
        return
    posting = f"attempt:{member.id}:refit:{member.refits + 1}"
    await _correct(
        spender, lane, whole, posting, member, paid - was, 0, [store.refit_rider(member, {"fee_units": paid})]
    )


async def in_place(spender: Spender, lane: Lane, whole: Whole, member: Attempt, other: Attempt, seen: Sighting) -> None:
    """A block holds `other` of the set instead of `member`: once it is as deep as what is final, the books follow it.

    What it pays must be what was settled. When it paid nobody (this may be `member` itself, which failed in its new
    block) the asset stands still and a person decides; the audit differs by that much until then.
    """
    chain = spender.chains[whole.set.network]
    deep, fate = seen.confirmations, seen.fate.value
    log.error("final_transaction_replaced", txid=member.txid, by=other.txid, fate=fate, confirmations=deep)
    if seen.confirmations < chain.confirmations or seen.fee_units is None:
        return
    async with spender.db.reading() as session:
        row = await move_store.move_of(session, whole.set.id)
        reserved = await underway.reserved_by(session, whole.set.id)
    pays = seen.fate is Fate.MINED and not other.cancels
    if not pays or not _as_settled(whole, row, seen):
        reason = f"{other.txid} is in a block and does not pay what was settled with {member.txid}"
        await pause.pause(spender.db, asset=whole.set.asset, by=WORKER, reason=reason[:200])
    deposits = {(one.txid, one.vout): one.units for one in reserved if one.from_deposit}

    def spent(one: Attempt) -> int:
        return sum(deposits.get((txid, vout), 0) for txid, vout in one.plan.get("inputs", ()))

    children = [one for one in whole.members if one.parent == member.id and one.state == AttemptState.FINAL.value]
    before = [member, *children]
    nowhere = {"state": AttemptState.REPLACED.value, "confirmations": 0, "block_hash": None, "block_height": None}
    won = {
        "state": (AttemptState.FINAL if pays else AttemptState.REVERTED).value,
        "fee_units": seen.fee_units,
        "confirmations": seen.confirmations,
        "block_hash": seen.block_hash,
        "block_height": seen.block_height,
    }
    riders = [*(store.refit_rider(one, nowhere) for one in before if one.id != other.id), store.refit_rider(other, won)]
    more = seen.fee_units - sum(one.fee_units or 0 for one in before)
    posting = f"attempt:{other.id}:place:{other.refits + 1}"
    await _correct(spender, lane, whole, posting, other, more, spent(other) - spent(member), riders)


def _as_settled(whole: Whole, row: MoveRow | None, seen: Sighting) -> bool:
    if row is not None:
        return not row.units or seen.paid.get(row.address, 0) == row.units
    return all(seen.paid.get(one.address, 0) == one.units for one in whole.payouts)


async def _correct(
    spender: Spender,
    lane: Lane,
    whole: Whole,
    key: str,
    member: Attempt,
    more: int,
    more_deposits: int,
    riders: list[Rider],
) -> None:
    """A sweep's fee is its deposit address's own: its tank of ether changes with it."""
    sweep = whole.set.purpose == Purpose.SWEEP.value
    gas_asset = spender.chains[whole.set.network].gas_asset
    payer = "wallet:deposit" if sweep else "wallet:hot"
    moves = refitted_transfers(whole.set.network, gas_asset, more, payer=payer, more_deposits=more_deposits)
    if sweep and more:
        async with spender.db.reading() as session:
            row = await move_store.move_of(session, whole.set.id)
        if row is not None and row.address_index is not None:
            riders = [*riders, move_store.tank_rider(row.network, row.address_index, -more)]
    verdict = await (lane.submit(Posting(key, moves, "attempt", member.id), riders) if moves else lane.write(riders))
    if not verdict.posted:
        log.error("books_not_refitted", txid=member.txid, key=key, outcome=verdict.outcome, rider=verdict.rider)
