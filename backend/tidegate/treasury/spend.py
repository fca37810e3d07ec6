"""Paying out, exactly once: reserve, sign, send, watch. Each step is resumable from its own row (chains.md section 4).

Rule 1: nothing is sent that is not in a committed row. Rule 2: one living attempt a payout. Rule 3: a timeout is
unknown. Rule 4: new inputs or a new nonce only when every earlier attempt is provably dead.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate import failpoints
from tidegate.chains.families import AccountChain, NotEnough, UtxoChain, WouldRevert, keeps_accounts, keeps_coins
from tidegate.chains.port import Chain, Fate, NodeUnavailable, Sighting, Submitted
from tidegate.config import NetworkSettings
from tidegate.database import Database, Rider, ride
from tidegate.signing.client import SignerDoor
from tidegate.signing.messages import Approved, Authorisation, Denied, Failed, Intent, Rule
from tidegate.treasury import store
from tidegate.treasury.attempts import Seen, seen
from tidegate.treasury.fees import Fees
from tidegate.treasury.inventory import payable
from tidegate.treasury.rules import GWEI, AttemptState
from tidegate.treasury.tables import Attempt
from tidegate.wallets import destinations
from tidegate.wallets.rules import FINAL_FACTOR


class Step(StrEnum):
    """What one look at a payout ended with."""

    DONE = "done"  # this step is behind it
    NO_FUNDS = "no_funds"  # inventory does not cover it
    NO_NODE = "no_node"
    NO_SIGNER = "no_signer"
    DENIED = "denied"  # the signer refuses by a rule and signed nothing: a person must look
    FROZEN = "frozen"  # the signer's freeze flag is set: it goes on when a person lifts it
    UNKNOWN = "unknown"  # sent, and no answer proves anything
    REFUSED = "refused"  # the node says these bytes can never be valid, or the signer knows others: a person must look
    BEHIND = "behind"  # the chain knows more of our transactions than our books do: everything must stop
    FAILED = "failed"  # it is in a block for good and paid nothing: it can never pay
    WAITING = "waiting"  # nothing wrong, not there yet


@dataclass(frozen=True, slots=True)
class Told:
    step: Step
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Spender:
    """What paying out needs in one process."""

    db: Database
    chains: Mapping[str, Chain]
    networks: Mapping[str, NetworkSettings]
    fees: Fees
    signer: SignerDoor


# Denials that judge the request alone or the signer's own limits: with these, and with `signed` false, nothing of this
# payout was signed. Every other one (a second transaction, a second digest, a nonce of another payout, a message that
# it could not read, a rule that we do not know) may mean that the signer's journal knows more than our books do.
UNSIGNED_RULES = frozenset(
    {
        Rule.MALFORMED,
        Rule.DIGEST_MISMATCH,
        Rule.WRONG_OUTPUT,
        Rule.WRONG_AMOUNT,
        Rule.WRONG_NETWORK,
        Rule.WRONG_TOKEN,
        Rule.FOREIGN_INPUT,
        Rule.FEE_TOO_HIGH,
        Rule.ABOVE_CAP,
        Rule.OVER_HOURLY,
        Rule.OVER_DAILY,
    }
)


class _Missed(Exception):
    """A rider of the caller missed: the payout is not what it was."""


async def reserve(spender: Spender, intent: Intent, *, speed: str, riders: Sequence[Rider], now: datetime) -> Told:
    """Choose inputs or take the nonce, and commit the choice as a built attempt together with the caller's riders.

    The riders move the payout on in the same commit, so that it cannot be cancelled between choice and signature.
    """
    payout_id = uuid.UUID(intent.payout_id)
    async with spender.db.reading() as session:
        if await store.live_attempt(session, payout_id) is not None:
            return Told(Step.DONE)
    chain = spender.chains[intent.network]
    try:
        health = await chain.health()
        if not health.fit:
            return Told(Step.NO_NODE, health.reason)
        if keeps_coins(chain):
            return await _reserve_coins(spender, chain, intent, speed, riders, now)
        assert keeps_accounts(chain)
        return await _reserve_nonce(spender, chain, intent, speed, riders, now)
    except _Missed:
        return Told(Step.WAITING, "it changed meanwhile")
    except NodeUnavailable as error:
        return Told(Step.NO_NODE, str(error))


async def _reserve_coins(
    spender: Spender, chain: UtxoChain, intent: Intent, speed: str, riders: Sequence[Rider], now: datetime
) -> Told:
    rate = (await spender.fees.rates(intent.network)).of(speed)
    async with spender.db.reading() as session:
        taken = await store.reserved_outpoints(session, intent.network)
    try:
        funded = await chain.fund([(intent.address, intent.deliver_units)], rate, taken)
    except NotEnough as error:
        return Told(Step.NO_FUNDS, f"{error.needed_units} sat needed, {error.available_units} free")
    if funded.fee_units > intent.max_network_fee_units:
        return Told(Step.NO_FUNDS, "the coins at hand would cost more in fees than was agreed")
    try:
        async with spender.db.transaction() as session:
            await store.lock_wallet(session, intent.network, "")
            inputs = [
                (coin.txid, coin.vout, coin.units, await _is_deposit(session, intent.network, coin.address))
                for coin in funded.inputs
            ]
            if await ride(session, riders) is not None:
                raise _Missed
            store.add_attempt(
                session,
                payout_id=uuid.UUID(intent.payout_id),
                network=intent.network,
                asset=intent.asset,
                units=intent.deliver_units,
                address=intent.address,
                hot_address=None,
                nonce=None,
                plan={"psbt": funded.psbt, "fee_rate": rate, "fee_units": str(funded.fee_units)},
                inputs=inputs,
                now=now,
            )
    except IntegrityError:
        # Another payout took one of these coins, or another worker reserved for this payout: look again.
        return Told(Step.WAITING)
    return Told(Step.DONE)


async def _is_deposit(session: AsyncSession, network: str, address: str) -> bool:
    """Coins of customers' deposit addresses stand in `wallet:deposit`; all others of ours are the hot wallet's."""
    return await destinations.owner(session, network=network, address=address) is not None


async def _why_revert(spender: Spender, intent: Intent, said: str) -> Told:
    async with spender.db.reading() as session:
        short = await payable(session, intent.network, intent.asset, bitcoin=False) < intent.deliver_units
    return Told(Step.NO_FUNDS, "inventory does not cover it") if short else Told(Step.REFUSED, said)


async def _reserve_nonce(
    spender: Spender, chain: AccountChain, intent: Intent, speed: str, riders: Sequence[Rider], now: datetime
) -> Told:
    settings = spender.networks[intent.network]
    max_fee = min((await spender.fees.rates(intent.network)).of(speed), settings.max_fee_rate * GWEI)
    try:
        gas = await chain.gas_for(intent.asset, intent.address, intent.deliver_units)
    except WouldRevert as error:
        # Not tried, so nothing is lost: a token may be paused, a recipient blocked; or the hot account is short.
        return await _why_revert(spender, intent, str(error))
    # The agreed bound is for gas at the price of acceptance; a dearer hour is ours, up to the bound.
    most = min(intent.max_network_fee_units // gas, settings.max_fee_rate * GWEI)
    if most < max_fee or most <= 0:
        # No block would take it, and every later payout would wait behind its nonce: it waits without one.
        return Told(Step.NO_FUNDS, "gas costs more than was agreed")
    max_fee = min(max_fee * 2, most)
    on_chain = await chain.next_nonce(chain.hot_address)
    async with spender.db.transaction() as session:
        count = await store.lock_wallet(session, intent.network, chain.hot_address)
        if count and on_chain > count:
            return Told(Step.BEHIND, f"the chain counts {on_chain} transactions of the hot address, we count {count}")
        # First use of an address that has a history goes on where the chain stands.
        nonce = await store.free_nonce(session, intent.network, chain.hot_address, on_chain)
        if await payable(session, intent.network, intent.asset, bitcoin=False) < intent.deliver_units:
            return Told(Step.NO_FUNDS, "inventory does not cover it")
        delivered = intent.deliver_units if intent.asset == chain.gas_asset else 0
        free = await payable(session, intent.network, chain.gas_asset, bitcoin=False)
        if free - await store.committed_gas(session, intent.network) < gas * max_fee + delivered:
            return Told(Step.NO_FUNDS, "the hot wallet cannot pay the gas")
        if await ride(session, riders) is not None:
            raise _Missed
        await store.take_nonce(session, intent.network, nonce)
        plan: dict[str, Any] = {
            "gas": gas,
            "max_fee_per_gas": str(max_fee),
            "max_priority_fee_per_gas": str(min(max_fee, GWEI)),
            "chain_id": settings.chain_id,
        }
        store.add_attempt(
            session,
            payout_id=uuid.UUID(intent.payout_id),
            network=intent.network,
            asset=intent.asset,
            units=intent.deliver_units,
            address=intent.address,
            hot_address=chain.hot_address,
            nonce=nonce,
            plan=plan,
            inputs=(),
            now=now,
        )
    return Told(Step.DONE)


async def sign(spender: Spender, intent: Intent, authorisation: Authorisation, *, now: datetime) -> Told:
    """Have the built attempt signed; store raw bytes and txid before anything is sent."""
    async with spender.db.reading() as session:
        attempt = await store.live_attempt(session, uuid.UUID(intent.payout_id))
    if attempt is None:
        return Told(Step.WAITING, "nothing is reserved")
    if attempt.state != AttemptState.BUILT.value:
        return Told(Step.DONE)
    plan = attempt.plan
    if attempt.nonce is None:
        answer = await spender.signer.sign_bitcoin([(intent, authorisation)], plan["psbt"])
    else:
        answer = await spender.signer.sign_evm(
            intent,
            authorisation,
            nonce=attempt.nonce,
            gas=plan["gas"],
            max_fee_per_gas=int(plan["max_fee_per_gas"]),
            max_priority_fee_per_gas=int(plan["max_priority_fee_per_gas"]),
            chain_id=plan["chain_id"],
        )
    if isinstance(answer, Denied) and answer.rule == Rule.FROZEN:
        return Told(Step.FROZEN, answer.detail)
    if isinstance(answer, Denied):
        step = Step.DENIED if answer.rule in UNSIGNED_RULES and not answer.signed else Step.REFUSED
        return Told(step, f"{answer.rule}: {answer.detail}")
    if isinstance(answer, Failed):
        await _asked_in_vain(spender.db, attempt)
        return Told(Step.NO_SIGNER, answer.detail)
    assert isinstance(answer, Approved)
    failpoints.reach("signed_not_stored")
    async with spender.db.transaction() as session:
        kept = await store.live_attempt(session, uuid.UUID(intent.payout_id))
        if kept is None or kept.id != attempt.id:
            return Told(Step.WAITING, "the attempt changed meanwhile")
        if kept.state == AttemptState.BUILT.value:
            kept.state, kept.raw, kept.txid = AttemptState.SIGNED.value, answer.raw, answer.txid
            kept.fee_units, kept.signed_at = answer.fee_units, now
    failpoints.reach("signed_not_sent")
    return Told(Step.DONE)


async def _asked_in_vain(db: Database, attempt: Attempt) -> None:
    """Remember that the signer may have signed this without our hearing of it: then it is never dropped."""
    if attempt.plan.get("unheard"):
        return
    async with db.transaction() as session:
        kept = await store.live_attempt(session, attempt.payout_id)
        if kept is not None and kept.id == attempt.id:
            kept.plan = {**kept.plan, "unheard": True}


async def take_back(spender: Spender, payout_id: uuid.UUID, riders: Sequence[Rider], *, now: datetime) -> bool:
    """After a denial: drop the attempt that was never signed, together with the caller's riders.

    False, and nothing changes, when the signer may have signed it in an answer that was lost, or it changed meanwhile.
    """
    async with spender.db.reading() as session:
        attempt = await store.live_attempt(session, payout_id)
    if attempt is None or attempt.state != AttemptState.BUILT.value or attempt.plan.get("unheard"):
        return False
    try:
        async with spender.db.transaction() as session:
            if await ride(session, [*store.drop_riders(attempt.id, now), *riders]) is not None:
                raise _Missed
    except _Missed:
        return False
    return True


async def broadcast(spender: Spender, payout_id: uuid.UUID, *, now: datetime) -> Told:
    """Send the stored bytes. Sending them again is always safe."""
    async with spender.db.reading() as session:
        attempt = await store.live_attempt(session, payout_id)
    if attempt is None or attempt.raw is None:
        return Told(Step.WAITING, "nothing is signed")
    try:
        sent = await spender.chains[attempt.network].submit(attempt.raw)
    except NodeUnavailable as error:
        return Told(Step.NO_NODE, str(error))
    failpoints.reach("sent_not_recorded")
    state = {
        Submitted.ACCEPTED: AttemptState.BROADCAST,
        Submitted.UNKNOWN: AttemptState.UNKNOWN,
        Submitted.REFUSED: None,
    }[sent.outcome]
    if state is not None:
        async with spender.db.transaction() as session:
            kept = await store.live_attempt(session, payout_id)
            if kept is not None and kept.id == attempt.id and kept.state in ("signed", "unknown", "broadcast"):
                kept.state = state.value
                kept.broadcast_at = kept.broadcast_at or now
    if sent.outcome is Submitted.ACCEPTED:
        return Told(Step.DONE)
    return Told(Step.UNKNOWN if sent.outcome is Submitted.UNKNOWN else Step.REFUSED, sent.detail)


@dataclass(frozen=True, slots=True)
class Watched:
    """Where the payout's attempt stands after one look at the chain."""

    step: Step
    attempt: Seen | None
    sighting: Sighting | None
    moved: bool = False
    detail: str = ""
    reorged: bool = False
    """It was in a block at the last look and is in none now."""


async def watch(spender: Spender, payout_id: uuid.UUID, *, now: datetime) -> Watched:
    """Look at the chain; send the bytes again when the node does not know them. DONE: deep enough and proven."""
    async with spender.db.reading() as session:
        attempt = await store.live_attempt(session, payout_id)
    if attempt is None or attempt.txid is None or attempt.raw is None:
        return Watched(Step.WAITING, seen(attempt) if attempt else None, None)
    chain = spender.chains[attempt.network]
    try:
        sight = await chain.sighting(attempt.txid, attempt.asset)
        if sight.fate is Fate.UNSEEN:
            sent = await chain.submit(attempt.raw)
            if sent.outcome is Submitted.REFUSED:
                return Watched(Step.REFUSED, seen(attempt), sight, detail=sent.detail)
    except NodeUnavailable as error:
        return Watched(Step.NO_NODE, seen(attempt), None, detail=str(error))
    state = {
        Fate.UNSEEN: AttemptState.BROADCAST,
        Fate.MEMPOOL: AttemptState.SEEN,
        Fate.MINED: AttemptState.MINED,
        Fate.REVERTED: AttemptState.MINED,
        Fate.CONFLICTED: AttemptState.UNKNOWN,
    }[sight.fate]
    moved = (attempt.state, attempt.confirmations, attempt.block_hash) != (
        state.value,
        sight.confirmations,
        sight.block_hash,
    )
    reorged = attempt.block_hash is not None and sight.block_hash is None
    if moved:
        attempt = await _record(spender.db, attempt, state, sight, now)
    if attempt is None:
        return Watched(Step.WAITING, None, sight)
    told = seen(attempt)
    deep = sight.confirmations >= chain.confirmations
    if sight.fate is Fate.CONFLICTED:
        return Watched(Step.REFUSED, told, sight, moved, "another transaction spent an input of it")
    # A refund cannot be taken back, and until it is final a reorg may turn the same bytes into a payment.
    if sight.fate is Fate.REVERTED and sight.confirmations >= chain.confirmations * FINAL_FACTOR:
        return Watched(Step.FAILED, told, sight, moved, "the network took the transaction and made no payment")
    if sight.fate is Fate.MINED and deep:
        if sight.paid.get(attempt.address, 0) != attempt.units:
            return Watched(Step.REFUSED, told, sight, moved, "mined, but the chain does not show the payment")
        return Watched(Step.DONE, told, sight, moved)
    return Watched(Step.WAITING, told, sight, moved, reorged=reorged)


async def _record(
    db: Database, attempt: Attempt, state: AttemptState, sight: Sighting, now: datetime
) -> Attempt | None:
    async with db.transaction() as session:
        # A look that comes late, after another worker has settled, finds nothing to write.
        kept = await store.moving_attempt(session, attempt.id)
        if kept is None:
            return None
        kept.state, kept.confirmations = state.value, sight.confirmations
        kept.block_hash, kept.block_height = sight.block_hash, sight.block_height
        if sight.fee_units is not None:
            kept.fee_units = sight.fee_units
        if sight.fate in (Fate.MINED, Fate.REVERTED):
            kept.mined_at = kept.mined_at or now
        return kept
