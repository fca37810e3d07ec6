"""Quoting: one firm, all-in price. Read the books, the fees and the policy; decide; write the row with its reservation."""

import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tidegate import idempotency
from tidegate.auth import rates
from tidegate.compliance.rules import Policy
from tidegate.database import new_id, utcnow
from tidegate.exchange import policy, price, receipt, rules, shapes, store
from tidegate.exchange.desk import Desk
from tidegate.exchange.price import NetworkCost, Priced
from tidegate.exchange.rules import Arrival, Offer, QuoteKind, QuoteState
from tidegate.exchange.schemas import (
    ArrivesByOut,
    LimitOut,
    QuoteIn,
    QuoteOut,
    RefundRuleOut,
    ReviewOut,
    RouteOut,
    SpeedOut,
    TotalCostOut,
)
from tidegate.exchange.wanted import Wanted, destination, read
from tidegate.idempotency import Keyed, Stored
from tidegate.ledger.rules import Verdict
from tidegate.money import Amount, Rate, asset
from tidegate.refusal import Kind, Refusal
from tidegate.treasury.arrivals import Trip
from tidegate.treasury.rules import REVIEW_SECONDS, Way, shortest_wait
from tidegate.wire import AmountOut, EstimateOut

OPERATION = "quotes_create"
LIMIT = "quotes"


async def create(desk: Desk, *, user_id: uuid.UUID, asked: QuoteIn, keyed: Keyed) -> Stored:
    """Give `user_id` a firm price for what was asked. Refuses with the problems of API.md; changes nothing then."""
    stored = await idempotency.replay(desk.db, keyed, user_id=user_id, operation=OPERATION)
    if stored is not None:
        return stored
    wanted = await read(desk, user_id, asked)
    where = await destination(desk, user_id, asked, wanted)
    speeds = await price.at_each_speed(desk, wanted)
    cost, priced = speeds[wanted.speed or "standard"]
    figures = priced.figures
    now = utcnow()
    usd = await policy.worth(desk, wanted, figures)
    payable = await policy.payable(desk, wanted, figures)
    judged = await policy.judge(desk, user_id, wanted, where, figures, usd, now)
    mid = await desk.markets.mid(wanted.source, wanted.target) if wanted.converting else None
    review = judged is not None and judged.policy is Policy.REVIEW
    arrivals = {speed: await _arrival(desk, wanted, speed, review=review) for speed in [wanted.speed, *speeds]}
    seconds = desk.settings.quotes.conversion_seconds
    if wanted.kind is QuoteKind.WITHDRAWAL:
        seconds = desk.settings.quotes.withdrawal_seconds
    offer = Offer(
        id=new_id(),
        user_id=user_id,
        kind=wanted.kind,
        side=wanted.side,
        from_asset=wanted.source.code,
        to_asset=wanted.target.code,
        network=wanted.network,
        speed=wanted.speed,
        address=where.address,
        beneficiary_id=where.beneficiary_id,
        figures=figures,
        network_fee_max_units=cost.max_gas_units,
        mid=Rate.of(mid.value).text if mid else None,
        mid_at=mid.as_of if mid else None,
        route=price.shown_route(priced),
        hedges=price.hedges(wanted, priced),
        usd_units=usd,
        review_needed=review,
        arrives=arrivals[wanted.speed],
        state=QuoteState.OPEN,
        used_by=None,
        reserved_usd_units=usd if wanted.converting and usd is not None else 0,
        uncovered_usd_units=0,
        promised_units=figures.deliver if wanted.converting else 0,
        expires_at=now + timedelta(seconds=seconds),
        created_at=now,
    )
    execution = None
    if priced.route is not None:
        execution = receipt.best_execution(
            priced.route, priced.books, mid=offer.mid, decided_at=now, digests=desk.digests
        ).model_dump_json(exclude={"realised"})
    standing = await policy.limits_left(desk, user_id, now) if wanted.kind is QuoteKind.WITHDRAWAL else []
    warnings = list(where.warnings) + (["network_fee_estimated"] if cost.estimated else [])
    shown = _shape(desk, wanted, offer, speeds, arrivals, standing, warnings).model_dump(mode="json")
    return await _keep(desk, Row(offer, shown, execution, payable), keyed)


async def get(desk: Desk, *, user_id: uuid.UUID, quote_id: uuid.UUID) -> QuoteOut:
    """The quote as it was given, with its state now. Refuses NOT_FOUND, also for somebody else's."""
    async with desk.db.reading() as session:
        found = await store.shown(session, user_id=user_id, quote_id=quote_id)
    if found is None:
        raise Refusal(Kind.NOT_FOUND, "There is no such quote.")
    shown = QuoteOut.model_validate(found[0])
    state = found[1]
    if state == QuoteState.OPEN and shown.expires_at <= utcnow():
        state = QuoteState.EXPIRED
    return shown.model_copy(update={"state": state})


async def _arrival(desk: Desk, wanted: Wanted, speed: str | None, *, review: bool) -> Arrival:
    """What our own history says of such a payout; while there is too little of it, what blocks and batches let expect."""
    if wanted.network is None or speed is None:
        return rules.CONVERSION_ARRIVAL
    network = desk.settings.networks[wanted.network]
    earliest, latest = shortest_wait(network.block_seconds, network.confirmations, speed)
    way = Way.REVIEWED if review else Way.STRAIGHT
    found = await desk.arrivals.usual(desk.db, Trip(way, wanted.network, wanted.target.code, speed))
    if found is not None:
        promised = math.ceil(found.promised.total_seconds())
        return Arrival(min(earliest, promised), promised)
    # Where payouts share a transaction the first one waits for the others.
    company = math.ceil(network.batch_seconds.of(speed)) if network.kind == "bitcoin" else 0
    return Arrival(earliest, latest + company + (REVIEW_SECONDS if review else 0))


def _arrives(arrival: Arrival, now: datetime) -> ArrivesByOut:
    return ArrivesByOut(
        earliest=now + timedelta(seconds=arrival.earliest_seconds),
        latest=now + timedelta(seconds=arrival.latest_seconds),
    )


def _shape(
    desk: Desk,
    wanted: Wanted,
    offer: Offer,
    speeds: dict[str, tuple[NetworkCost, Priced]],
    arrivals: Mapping[str | None, Arrival],
    standing: list[LimitOut],
    warnings: list[str],
) -> QuoteOut:
    figures = offer.figures
    to_chain = wanted.kind is QuoteKind.WITHDRAWAL
    source, target = wanted.source.code, wanted.target.code
    cost = Amount(wanted.source, figures.fees)
    estimate = desk.markets.estimate(cost)
    return QuoteOut(
        id=offer.id,
        kind=offer.kind.value,
        side=offer.side.value,
        from_asset=source,
        to_asset=target,
        network=offer.network,
        speed=offer.speed,
        address=offer.address,
        beneficiary_id=offer.beneficiary_id,
        debit=AmountOut.units(source, figures.debit),
        deliver=AmountOut.units(target, figures.deliver),
        rate=figures.rate.text,
        fees=shapes.fee_lines(source, figures, converting=wanted.converting, to_chain=to_chain),
        total_cost=TotalCostOut(
            amount=AmountOut.of(cost),
            share=rules.share_text(figures.fees, figures.debit),
            estimate=EstimateOut(currency=estimate.currency, amount=str(estimate.amount), as_of=estimate.as_of)
            if estimate
            else None,
        ),
        route=[RouteOut(**part) for part in offer.route],
        arrives_by=_arrives(offer.arrives, offer.created_at),
        limits=standing,
        review=ReviewOut(
            needed=offer.review_needed, usual_minutes=REVIEW_SECONDS // 60 if offer.review_needed else None
        ),
        warnings=warnings,
        speeds=[
            SpeedOut(
                speed=speed,
                debit=AmountOut.units(source, priced.figures.debit),
                deliver=AmountOut.units(target, priced.figures.deliver),
                arrives_by=_arrives(arrivals[speed], offer.created_at),
            )
            for speed, (_, priced) in speeds.items()
            if to_chain
        ],
        refund_rule=RefundRuleOut(),
        expires_at=offer.expires_at,
        created_at=offer.created_at,
        state="open",
    )


@dataclass(frozen=True, slots=True)
class Row:
    """What is written of a price: the offer, how it was shown, its receipt, and what can leave the network it goes to."""

    offer: Offer
    shown: dict[str, Any]
    execution: str | None
    payable: int | None


async def _keep(desk: Desk, row: Row, keyed: Keyed) -> Stored:
    """Write the row with its receipt, its reservation and the key, in one commit."""
    offer = row.offer
    answer = Stored.of(201, row.shown)
    verdict = None
    worth = await policy.account_worth(desk, offer.user_id) if offer.reserved_usd_units else 0
    if offer.reserved_usd_units <= worth:
        verdict = await _write(desk, row, keyed, answer, worth=worth)
    if verdict is None or (verdict.rider == "user_exposure" and worth < desk.caps.user):
        # More than the account could pay: it is firm all the same, and counts in a part of the cap that is for such.
        row = replace(row, offer=replace(offer, uncovered_usd_units=offer.reserved_usd_units))
        verdict = await _write(desk, row, keyed, answer)
    if verdict.posted:
        return answer
    if verdict.rider == "idempotency":
        return await idempotency.replay_after_conflict(desk.db, keyed, user_id=offer.user_id, operation=OPERATION)
    raise await _refused(desk, row, verdict.rider)


async def _write(desk: Desk, row: Row, keyed: Keyed, answer: Stored, *, worth: int | None = None) -> Verdict:
    offer = row.offer
    return await desk.lane.write(
        [
            *keyed.rider(user_id=offer.user_id, operation=OPERATION, answer=answer),
            rates.rider(desk.settings, LIMIT, str(offer.user_id), now=offer.created_at),
            *store.reserve(offer, desk.caps, worth=worth, payable=row.payable),
            store.insert_quote(offer, row.shown, row.execution),
        ]
    )


async def _refused(desk: Desk, row: Row, rider: str | None) -> Refusal:
    """Why the row could not be written."""
    offer, target = row.offer, asset(row.offer.to_asset)
    if rider == "rate":
        return await rates.none_left(desk.db, desk.settings, LIMIT, str(offer.user_id), now=offer.created_at)
    if rider in ("user_exposure", "house_exposure"):
        return rules.too_much_open()
    if rider == "uncovered":
        return rules.beyond_accounts()
    if rider == "inventory":
        async with desk.db.reading() as session:
            return rules.not_in_stock(Amount(target, max(await store.in_stock(session, target.code), 0)))
    if rider == "payable" and row.payable is not None:
        async with desk.db.reading() as session:
            left = row.payable - await store.promised(session, target.code, offer.network or "")
        return rules.not_payable(Amount(target, max(left, 0)))
    return Refusal(Kind.BUSY, "Ask again in a moment.", retry_after=1)
