"""Policy on a price: what it is worth, whether it could be honoured at once, which limits it counts against."""

import uuid
from datetime import datetime
from fractions import Fraction

from tidegate.compliance import limits
from tidegate.compliance.rules import Judged, Policy, cents_text, day_ends, day_of
from tidegate.exchange import rules, store
from tidegate.exchange.desk import Desk
from tidegate.exchange.rules import Figures, QuoteKind
from tidegate.exchange.schemas import LimitOut
from tidegate.exchange.wanted import Destination, Wanted
from tidegate.ledger import balances
from tidegate.markets.books import DOLLAR
from tidegate.money import Amount, asset
from tidegate.refusal import Kind, Refusal
from tidegate.treasury import inventory


async def worth(desk: Desk, wanted: Wanted, figures: Figures) -> int | None:
    """The debit in millionths of a dollar, rounded up. A plain withdrawal may be of unknown worth."""
    try:
        return await worth_of(desk, Amount(wanted.source, figures.debit))
    except Refusal:
        if wanted.converting:
            raise
        return None


async def worth_of(desk: Desk, amount: Amount) -> int:
    """In millionths of a dollar, rounded up. Refuses VENUE_UNAVAILABLE."""
    mid = await desk.markets.mid(amount.asset, asset(DOLLAR), stale=True)
    return rules.usd_units(amount, mid.value)


async def cents_of(desk: Desk, amount: Amount) -> int | None:
    """What an amount counts for against limits, rounded up; None while nobody can say what it is worth."""
    try:
        return rules.ceiling(Fraction(await worth_of(desk, amount), 10 ** (rules.USD_DECIMALS - 2)))
    except Refusal:
        return None


async def judge(
    desk: Desk,
    user_id: uuid.UUID,
    wanted: Wanted,
    destination: Destination,
    figures: Figures,
    usd: int | None,
    now: datetime,
) -> Judged | None:
    """What policy says of this size, refusing at once what could not be honoured. None: nothing is asked of policy."""
    if wanted.converting and usd is not None:
        rules.judge_exposure(desk.caps, usd)
    if wanted.kind is QuoteKind.CONVERSION:
        return None
    if usd is None:
        return Judged(Policy.REVIEW)
    async with desk.db.reading() as session:
        judged = await limits.judge(
            session,
            settings=desk.settings.compliance,
            user_id=user_id,
            usd_cents=rules.ceiling(Fraction(usd, 10 ** (rules.USD_DECIMALS - 2))),
            now=now,
        )
    # A plain withdrawal is judged when it is asked for; a converting one now, when it says where it goes.
    if wanted.converting and destination.known:
        if judged.policy is Policy.REVIEW:
            raise rules.would_need_review()
        if judged.policy is Policy.REFUSE:
            left = None if judged.left_cents is None else cents_text(judged.left_cents)
            raise Refusal(Kind.LIMIT_EXCEEDED, f"Above the limit {judged.limit}.", field="amount", limit=left)
    return judged


async def payable(desk: Desk, wanted: Wanted, figures: Figures) -> int | None:
    """What can leave the network of a converting withdrawal; None for anything else.

    Refuses LIMIT_EXCEEDED: what we do not hold there, or what open prices promise already, is not promised.
    """
    if wanted.network is None or not wanted.converting:
        return None
    bitcoin = desk.settings.networks[wanted.network].family == "bitcoin"
    async with desk.db.reading() as session:
        most = await inventory.payable(session, wanted.network, wanted.target.code, bitcoin=bitcoin)
        left = most - await store.promised(session, wanted.target.code, wanted.network)
    if figures.deliver > left:
        raise rules.not_payable(Amount(wanted.target, max(left, 0)))
    return most


async def account_worth(desk: Desk, user_id: uuid.UUID) -> int:
    """All that the account holds, in millionths of a dollar by the last known prices; what has none counts nothing."""
    held = await desk.db.ask(balances.holdings, user_id) or {}
    found = 0
    for code, units in held.items():
        mid = desk.markets.known_mid(asset(code), asset(DOLLAR))
        if mid is not None:
            found += rules.usd_units(Amount(asset(code), units), mid.value)
    return found


async def limits_left(desk: Desk, user_id: uuid.UUID, now: datetime) -> list[LimitOut]:
    """What a withdrawal counts against, and what is left of it."""
    found = limits.of(desk.settings.compliance)
    day = day_of(now)
    async with desk.db.reading() as session:
        spent = await limits.spent(session, user_id, day)
    return [
        LimitOut(name="per_withdrawal", left=cents_text(found.per_withdrawal), resets_at=None),
        LimitOut(name="daily", left=cents_text(max(found.daily - spent, 0)), resets_at=day_ends(day)),
    ]
