"""After a restore: what the signer signed since the backup is brought back into the books, so that it is settled like any
other payout and never made again. What cannot be is said, in sentences that stand against a release."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from tidegate.chains.families import keeps_accounts
from tidegate.chains.port import NodeUnavailable
from tidegate.compliance import freeze
from tidegate.compliance.freeze import Freeze
from tidegate.database import ride, utcnow
from tidegate.signing.messages import MOST_KNOWN, Failed, Known, Payout, SignedBytes
from tidegate.transactions import store, together
from tidegate.transactions.office import Office
from tidegate.transactions.rules import ENDED, State
from tidegate.transactions.tables import Withdrawal
from tidegate.treasury import adopt, underway
from tidegate.treasury.adopt import NotAdopted, Payment
from tidegate.treasury.spend import Missed, Spender

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Found:
    """One look. `adopted` are payouts that are settled by the pipeline now; `open` speaks against a release."""

    adopted: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    nonces: dict[str, int] = field(default_factory=dict)
    """By network, how many transactions of the hot address the chain counts, where that is more than ours."""

    def to_json(self, before: Sequence[str]) -> dict[str, Any]:
        return {"adopted": [*before, *self.adopted], "open": self.open, "nonces": self.nonces}


async def step(office: Office, spender: Spender) -> int:
    """The worker's: while a restored database is not released, look again and remember what is found."""
    async with office.db.reading() as session:
        stands = await freeze.restored(session)
    if stands is not None:
        await look(office, spender, stands)
    return 0


async def look(office: Office, spender: Spender, stands: Freeze) -> Found:
    """Adopt what can be, say what cannot. Safe to repeat, also beside another worker: it never raises for an outage."""
    found = Found()
    told = await spender.signer.signed_lately()
    if isinstance(told, Failed):
        found.open.append(f"the signer cannot be asked what it signed: {told.detail}")
    else:
        async with office.db.reading() as session:
            unknown = await underway.not_stored(session, list(office.settings.networks), told.transactions)
        if len(told.transactions) == MOST_KNOWN and unknown and unknown[0] == told.transactions[0]:
            found.open.append(f"the signer signed more since the backup than the newest {MOST_KNOWN} that it tells of")
        for one in unknown:
            await _bring_back(office, spender, one, found)
    await _count(office, found)
    now = utcnow()
    async with office.db.transaction() as session:
        await freeze.note(session, stands.id, found=found.to_json(stands.found.get("adopted", [])), now=now)
    return found


async def _bring_back(office: Office, spender: Spender, known: Known, found: Found) -> None:
    told = await spender.signer.signed_bytes(known.txid)
    if not isinstance(told, SignedBytes):
        found.open.append(f"{known.txid}: the signer does not give its bytes: {told.detail}")
        return
    try:
        if not told.payouts:
            raise NotAdopted(f"it pays no withdrawal; it was made for {', '.join(known.made_for)}")
        await _adopt(office, told)
    except NotAdopted as error:
        found.open.append(f"{known.txid}: {error}")
    except NodeUnavailable as error:
        found.open.append(f"{known.txid}: its node cannot be asked: {error}")
    except Missed:
        found.open.append(f"{known.txid}: its withdrawal changed meanwhile; look again")
    else:
        found.adopted += [one.intent.payout_id for one in told.payouts]
        log.warning("brought_back", txid=known.txid, payouts=[one.intent.payout_id for one in told.payouts])


async def _adopt(office: Office, told: SignedBytes) -> None:
    """Set, members and withdrawals in one commit. Raises NotAdopted, NodeUnavailable, Missed."""
    intents = [one.intent for one in told.payouts]
    chain = office.chains.get(intents[0].network)
    if chain is None:
        raise NodeUnavailable(f"{intents[0].network} is not open")
    signed = await adopt.read(chain, told.txid, told.raw, told.fee_units, intents[0].asset)
    now = utcnow()
    async with office.db.transaction() as session:
        rows = await store.by_ids(session, [uuid.UUID(one.payout_id) for one in intents])
        _check(rows, told.payouts)
        payments = [Payment(row.id, row.to_asset, row.deliver_units, row.address) for row in rows]
        displaced = await adopt.adopt(session, chain, signed, payments, speed=rows[0].speed, now=now)
        waiting = [row for row in await store.by_ids(session, list(displaced)) if row.state == State.SIGNING.value]
        riders = together.riders_to(waiting, State.QUEUED)
        yes = {one.intent.payout_id: one for one in told.payouts}
        for row in rows:
            riders += _riders(row, yes[str(row.id)], State.CONFIRMING if signed.sent else State.BROADCASTING, now)
        if await ride(session, riders) is not None:
            raise Missed


def _check(rows: Sequence[Withdrawal], payouts: Sequence[Payout]) -> None:
    known = {str(row.id): row for row in rows}
    for one in payouts:
        row = known.get(one.intent.payout_id)
        if row is None:
            what = f"{one.intent.deliver_units} units of {one.intent.asset} to {one.intent.address}"
            raise NotAdopted(f"withdrawal {one.intent.payout_id} is not in the books: {what} for {one.intent.user_id}")
        if row.digest != one.intent.digest():
            raise NotAdopted(f"withdrawal {row.id} was agreed otherwise")
        if State(row.state) in ENDED:
            raise NotAdopted(f"withdrawal {row.id} is {row.state} in the books, and was signed")
        if row.verified_at is None and row.from_asset != row.to_asset:
            raise NotAdopted(f"withdrawal {row.id} was confirmed since, and its conversion is not in the books")


def _riders(row: Withdrawal, yes: Payout, to: State, now: datetime) -> list[Any]:
    """Each state on the way, one after the other, as the database wants them."""
    way = {
        State.PENDING_VERIFICATION: State.PENDING_SCREENING,
        State.PENDING_SCREENING: State.QUEUED,
        State.PENDING_APPROVAL: State.QUEUED,
        State.QUEUED: State.SIGNING,
        State.SIGNING: State.BROADCASTING,
        State.BROADCASTING: State.CONFIRMING,
    }
    riders: list[Any] = []
    while row.state not in (to.value, State.CONFIRMING.value):
        state, values = way[State(row.state)], {}
        if row.state == State.PENDING_VERIFICATION.value:
            values = {"verified_at": now, "authorisation": yes.authorisation.to_json()}
        riders += together.riders_to([row], state, detail=BROUGHT_BACK, values=values)
        (row,) = together.as_moved([row], state)
    return riders


BROUGHT_BACK = "It was signed after the backup that was put back; what happened since is being found out."


async def _count(office: Office, found: Found) -> None:
    """The hot addresses' transactions: one that nobody told of is somebody's all the same."""
    for network, chain in office.chains.items():
        if not keeps_accounts(chain):
            continue
        try:
            used = await chain.next_nonce(chain.hot_address)
        except NodeUnavailable as error:
            found.open.append(f"{network}: its node cannot be asked: {error}")
            continue
        async with office.db.reading() as session:
            ours = await underway.counted(session, network)
        if ours and used > ours:
            found.nonces[network] = used
            found.open.append(f"{network}: the chain counts {used} transactions of the hot address, the books {ours}")
