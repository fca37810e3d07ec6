"""All SQL of the exchange room. Functions that return Riders write nothing themselves: the lane does."""

import json
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import asyncpg
from sqlalchemy import ColumnElement, RowMapping, func, literal, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from tidegate.database import Rider, Write, adding, inserting, ride, updating
from tidegate.exchange.rules import (
    TRIES,
    UNSETTLED,
    Arrival,
    Caps,
    ConversionState,
    Dust,
    Figures,
    Hedge,
    Offer,
    OrderState,
    QuoteKind,
    QuoteSide,
    QuoteState,
    Trade,
    exact_decimal,
)
from tidegate.exchange.tables import Conversion, Exposure, Fill, Order, Promise, Quote, VenueDust
from tidegate.money import Rate
from tidegate.queue import Lease, claim_due
from tidegate.wire import Cursor

HOUSE = "house"
UNCOVERED = "uncovered"
POSITIONS = "positions"

# Users first, then the house and what is uncovered ("house" sorts after every id): the order in which reservations take
# the same rows; `promises` come after them.
_LOWER = Write(
    """
    WITH r AS (
        SELECT * FROM jsonb_to_recordset($1::jsonb) AS rows(i int, scope text, units numeric)
    ), locked AS (
        SELECT scope FROM exposures WHERE scope IN (SELECT scope FROM r) ORDER BY scope FOR UPDATE
    ), done AS (
        UPDATE exposures e SET usd_units = e.usd_units - l.units
        FROM (SELECT scope, sum(units) AS units FROM r JOIN locked USING (scope) GROUP BY scope) l
        WHERE e.scope = l.scope RETURNING e.scope
    )
    SELECT array_agg(i) FROM r JOIN done USING (scope)
    """
)
_UNPROMISE = Write(
    """
    WITH r AS (
        SELECT * FROM jsonb_to_recordset($1::jsonb) AS rows(i int, asset text, network text, units numeric)
    ), locked AS (
        SELECT asset, network FROM promises WHERE (asset, network) IN (SELECT asset, network FROM r)
        ORDER BY asset, network FOR UPDATE
    ), done AS (
        UPDATE promises p SET units = p.units - l.units
        FROM (SELECT asset, network, sum(units) AS units FROM r JOIN locked USING (asset, network)
              GROUP BY asset, network) l
        WHERE p.asset = l.asset AND p.network = l.network RETURNING p.asset, p.network
    )
    SELECT array_agg(i) FROM r JOIN done USING (asset, network)
    """
)
# What executed prices have left open counts as well: the worker keeps it in a row of its own.
_RAISE_HOUSE = Write(
    """
    WITH r AS (
        SELECT * FROM jsonb_to_recordset($1::jsonb) AS rows(i int, usd_units numeric, cap numeric)
    ), asked AS (
        SELECT sum(usd_units) AS usd_units,
               min(cap) - coalesce((SELECT e.usd_units FROM exposures e WHERE e.scope = 'positions'), 0) AS cap FROM r
    ), done AS (
        INSERT INTO exposures AS e (scope, usd_units) SELECT 'house', usd_units FROM asked WHERE usd_units <= cap
        ON CONFLICT (scope) DO UPDATE SET usd_units = e.usd_units + excluded.usd_units
        WHERE e.usd_units + excluded.usd_units <= (SELECT cap FROM asked) RETURNING 1
    )
    SELECT array_agg(i) FROM r WHERE EXISTS (SELECT FROM done)
    """
)
# Asked when the promise is counted and its row locked: whoever executes another one changes the same row, so what it took
# from the books is seen here, or it waits for this one.
_IN_STOCK = Write(
    """
    WITH r AS (
        SELECT * FROM jsonb_to_recordset($1::jsonb) AS rows(i int, asset text)
    ), enough AS (
        SELECT p.asset FROM promises p
        WHERE p.network = '' AND p.asset IN (SELECT asset FROM r) AND p.units <= ledger_own(p.asset)
    )
    SELECT array_agg(i) FROM r JOIN enough USING (asset)
    """
)
_ACCEPT = Write(
    """
    WITH r AS (
        SELECT * FROM jsonb_to_recordset($1::jsonb) AS rows(i int, id uuid, user_id uuid, used_by uuid, now timestamptz)
    ), done AS (
        UPDATE quotes q SET state = 'accepted', used_by = r.used_by, version = q.version + 1
        FROM r WHERE q.id = r.id AND q.user_id = r.user_id AND q.state = 'open' AND q.expires_at > r.now
        RETURNING r.i
    )
    SELECT array_agg(i) FROM done
    """
)
# The residue of an asset is written over what it was, or where there was none.
_MOVE_DUST = Write(
    """
    WITH r AS (
        SELECT DISTINCT ON (venue, asset) *
        FROM jsonb_to_recordset($1::jsonb) AS rows(i int, venue text, asset text, was numeric, residue numeric)
        ORDER BY venue, asset, i
    ), done AS (
        INSERT INTO venue_dust AS d (venue, asset, residue) SELECT venue, asset, residue FROM r
        ON CONFLICT (venue, asset) DO UPDATE SET residue = excluded.residue
        WHERE d.residue = (SELECT r.was FROM r WHERE r.venue = d.venue AND r.asset = d.asset)
        RETURNING venue, asset
    )
    SELECT array_agg(i) FROM r JOIN done USING (venue, asset)
    """
)


# --- quotes and exposure -------------------------------------------------------------------------------------------


def insert_quote(offer: Offer, shown: dict[str, Any], execution: str | None = None) -> Rider:
    """The quote row, named "quote"; `execution` is its receipt, when something is exchanged."""
    values = {
        "id": offer.id,
        "user_id": offer.user_id,
        "kind": offer.kind,
        "side": offer.side,
        "from_asset": offer.from_asset,
        "to_asset": offer.to_asset,
        "network": offer.network,
        "speed": offer.speed,
        "address": offer.address,
        "beneficiary_id": offer.beneficiary_id,
        "debit_units": offer.figures.debit,
        "deliver_units": offer.figures.deliver,
        "rate": offer.figures.rate.text,
        "fee_network_units": offer.figures.network,
        "fee_service_units": offer.figures.service,
        "fee_spread_units": offer.figures.spread,
        "network_fee_max_units": offer.network_fee_max_units,
        "mid": offer.mid,
        "mid_at": offer.mid_at,
        "route": list(offer.route),
        "hedge": [_hedge_json(hedge) for hedge in offer.hedges],
        "usd_units": offer.usd_units,
        "review_needed": offer.review_needed,
        "arrives_earliest_seconds": offer.arrives.earliest_seconds,
        "arrives_latest_seconds": offer.arrives.latest_seconds,
        "shown": shown,
        "execution": execution,
        "state": QuoteState.OPEN,
        "used_by": None,
        "reserved_usd_units": offer.reserved_usd_units,
        "uncovered_usd_units": offer.uncovered_usd_units,
        "promised_units": offer.promised_units,
        "expires_at": offer.expires_at,
        "created_at": offer.created_at,
        "version": 1,
    }
    return Rider("quote", inserting(Quote.__table__, key=("id",)), values)


def _hedge_json(hedge: Hedge) -> dict[str, Any]:
    return {
        "venue": hedge.venue,
        "symbol": hedge.symbol,
        "base_asset": hedge.base_asset,
        "quote_asset": hedge.quote_asset,
        "side": hedge.side,
        "base_units": str(hedge.base_units),
    }


def _read_hedges(value: Any) -> tuple[Hedge, ...]:
    """Of a quote's row; one that was written before quotes had several holds one, or none, without a list."""
    found = _read_json(value)
    rows = found if isinstance(found, list) else [found] if found else []
    return tuple(Hedge(**{**row, "base_units": int(row["base_units"])}) for row in rows)


def reserve(offer: Offer, caps: Caps, *, worth: int | None = None, payable: int | None = None) -> list[Rider]:
    """Count an offer as exposure and promise its delivery, each bound guarded in the statement.

    Named "user_exposure", "house_exposure", "uncovered", "payable" and "inventory". `worth`: all that the user's open prices
    may come to together, below the cap; for prices that the account could pay. `payable`: what can leave its network.
    """
    if offer.reserved_usd_units <= 0:
        return []
    user_cap = caps.user if worth is None else min(caps.user, worth)
    riders = [
        _raise("user_exposure", str(offer.user_id), offer.reserved_usd_units, user_cap),
        Rider("house_exposure", _RAISE_HOUSE, {"usd_units": offer.reserved_usd_units, "cap": caps.house}),
    ]
    if offer.uncovered_usd_units:
        riders.append(_raise("uncovered", UNCOVERED, offer.uncovered_usd_units, caps.uncovered))
    for place in _places(offer):
        capped = place["network"] != "" and payable is not None
        promise = adding(Promise.__table__, key=("asset", "network"), column="units", capped=capped)
        cap = {"cap": payable} if capped else {}
        riders.append(
            Rider("payable" if capped else "inventory", promise, {**place, "units": offer.promised_units, **cap})
        )
    if offer.promised_units:
        riders.append(Rider("inventory", _IN_STOCK, {"asset": offer.to_asset}))
    return riders


def _places(offer: Offer) -> list[dict[str, Any]]:
    """The rows of `promises` that an offer counts in."""
    if not offer.promised_units:
        return []
    networks = [""] if offer.network is None else ["", offer.network]
    return [{"asset": offer.to_asset, "network": network} for network in networks]


def _raise(name: str, scope: str, units: int, cap: int) -> Rider:
    write = adding(Exposure.__table__, key=("scope",), column="usd_units", capped=True)
    return Rider(name, write, {"scope": scope, "usd_units": units, "cap": cap})


def release(offer: Offer) -> list[Rider]:
    """Give a quote's reservation back, once: the first rider, "reservation", misses when it was given back before."""
    if offer.reserved_usd_units <= 0:
        return []
    write = updating(Quote.__table__, guards=("id", "reserved_usd_units"), columns=_RESERVED)
    cleared = {"was_id": offer.id, "was_reserved_usd_units": offer.reserved_usd_units} | dict.fromkeys(_RESERVED, 0)
    return [
        Rider("reservation", write, cleared),
        _lower(str(offer.user_id), offer.reserved_usd_units),
        _lower(HOUSE, offer.reserved_usd_units),
        *([_lower(UNCOVERED, offer.uncovered_usd_units)] if offer.uncovered_usd_units else []),
        *(_unpromise(**place, units=offer.promised_units) for place in _places(offer)),
    ]


_RESERVED = ("reserved_usd_units", "uncovered_usd_units", "promised_units")


def _lower(scope: str, units: int) -> Rider:
    return Rider("exposure", _LOWER, {"scope": scope, "units": units})


def _unpromise(*, asset: str, network: str, units: int) -> Rider:
    return Rider("promise", _UNPROMISE, {"asset": asset, "network": network, "units": units})


def accept(quote_id: uuid.UUID, user_id: uuid.UUID, used_by: uuid.UUID, now: datetime) -> Rider:
    """Open to accepted, once and in time; named "quote"."""
    return Rider("quote", _ACCEPT, {"id": quote_id, "user_id": user_id, "used_by": used_by, "now": now})


async def offer(session: AsyncSession, *, user_id: uuid.UUID, quote_id: uuid.UUID) -> Offer | None:
    """That user's quote, or None: somebody else's is the same as none."""
    table = Quote.__table__
    found = await session.execute(select(table).where(table.c.id == quote_id, table.c.user_id == user_id))
    row = found.mappings().one_or_none()
    return None if row is None else _offer(row)


# All but what only the page is shown.
_OFFERS = """
    SELECT id, user_id, kind, side, from_asset, to_asset, network, speed, address, beneficiary_id, debit_units,
           deliver_units, rate, fee_network_units, fee_service_units, fee_spread_units, network_fee_max_units, mid, mid_at,
           route, hedge, usd_units, review_needed, arrives_earliest_seconds, arrives_latest_seconds, state, used_by,
           reserved_usd_units, uncovered_usd_units, promised_units, expires_at, created_at
    FROM quotes WHERE id = ANY ($1)
"""


async def offers(
    connection: "asyncpg.Connection[Any]", keys: Sequence[tuple[uuid.UUID, uuid.UUID]]
) -> dict[tuple[uuid.UUID, uuid.UUID], Offer]:
    """Quotes by (quote, user), for all who ask at once."""
    rows = await connection.fetch(_OFFERS, [quote_id for quote_id, _ in keys])
    return {(row["id"], row["user_id"]): _offer(row) for row in rows}


def _offer(row: RowMapping | asyncpg.Record) -> Offer:
    """From a row of either driver: units may be Decimal, JSON may be text."""
    usd_units = row["usd_units"]
    return Offer(
        id=row["id"],
        user_id=row["user_id"],
        kind=QuoteKind(row["kind"]),
        side=QuoteSide(row["side"]),
        from_asset=row["from_asset"],
        to_asset=row["to_asset"],
        network=row["network"],
        speed=row["speed"],
        address=row["address"],
        beneficiary_id=row["beneficiary_id"],
        figures=Figures(
            debit=int(row["debit_units"]),
            deliver=int(row["deliver_units"]),
            rate=Rate.parse(row["rate"]),
            network=int(row["fee_network_units"]),
            service=int(row["fee_service_units"]),
            spread=int(row["fee_spread_units"]),
        ),
        network_fee_max_units=int(row["network_fee_max_units"]),
        mid=row["mid"],
        mid_at=row["mid_at"],
        route=tuple(_read_json(row["route"])),
        hedges=_read_hedges(row["hedge"]),
        usd_units=None if usd_units is None else int(usd_units),
        review_needed=row["review_needed"],
        arrives=Arrival(row["arrives_earliest_seconds"], row["arrives_latest_seconds"]),
        state=QuoteState(row["state"]),
        used_by=row["used_by"],
        reserved_usd_units=int(row["reserved_usd_units"]),
        uncovered_usd_units=int(row["uncovered_usd_units"]),
        promised_units=int(row["promised_units"]),
        expires_at=row["expires_at"],
        created_at=row["created_at"],
    )


def _read_json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


async def shown(session: AsyncSession, *, user_id: uuid.UUID, quote_id: uuid.UUID) -> tuple[dict[str, Any], str] | None:
    """The quote as it was given, and its state now."""
    row = (
        await session.execute(select(Quote.shown, Quote.state).where(Quote.id == quote_id, Quote.user_id == user_id))
    ).one_or_none()
    return None if row is None else (row[0], row[1])


async def expire_due(session: AsyncSession, *, now: datetime, limit: int = 200) -> int:
    """Open quotes past their time become expired and their reservations are given back, in the caller's transaction."""
    ids = (
        await session.scalars(
            select(Quote.id)
            .where(Quote.state == QuoteState.OPEN, Quote.expires_at <= now)
            .order_by(Quote.expires_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    ).all()
    if not ids:
        return 0
    given_back, unpromised = await _reserved_by(session, ids)
    await session.execute(
        update(Quote)
        .where(Quote.id.in_(ids))
        .values(state=QuoteState.EXPIRED, execution=None, version=Quote.version + 1, **dict.fromkeys(_RESERVED, 0))
    )
    # In the order in which everybody takes these rows.
    riders = [_lower(scope, units) for scope, units in sorted(given_back.items())]
    riders += [_unpromise(asset=key[0], network=key[1], units=units) for key, units in sorted(unpromised.items())]
    await ride(session, riders)
    return len(ids)


async def _reserved_by(
    session: AsyncSession, ids: Sequence[uuid.UUID]
) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    """What these quotes reserve: by scope of exposure, and by asset and network of promises."""
    exposed: Counter[str] = Counter()
    promised: Counter[tuple[str, str]] = Counter()
    columns = (Quote.user_id, Quote.to_asset, Quote.network, *(getattr(Quote, name) for name in _RESERVED))
    for row in await session.execute(select(*columns).where(Quote.id.in_(ids))):
        exposed.update({str(row.user_id): row.reserved_usd_units, HOUSE: row.reserved_usd_units})
        exposed[UNCOVERED] += row.uncovered_usd_units
        for network in {"", row.network or ""}:
            promised[row.to_asset, network] += row.promised_units
    return (
        {scope: units for scope, units in exposed.items() if units},
        {place: units for place, units in promised.items() if units},
    )


async def in_stock(session: AsyncSession, asset: str) -> int:
    """What the house has of an asset beyond what it owes and what open prices promise."""
    promised = select(Promise.units).where(Promise.asset == asset, Promise.network == "").scalar_subquery()
    found = await session.scalar(select(func.ledger_own(asset) - func.coalesce(promised, 0)))
    return int(found or 0)


async def promised(session: AsyncSession, asset: str, network: str) -> int:
    """What open prices would have leave there."""
    found = await session.scalar(select(Promise.units).where(Promise.asset == asset, Promise.network == network))
    return found or 0


async def exposure(session: AsyncSession, scope: str = HOUSE) -> int:
    """Millionths of a dollar reserved now."""
    found = await session.scalar(select(Exposure.usd_units).where(Exposure.scope == scope))
    return found or 0


# --- conversions ---------------------------------------------------------------------------------------------------


def insert_conversion(
    source: Offer,
    *,
    conversion_id: uuid.UUID,
    withdrawal_id: uuid.UUID | None,
    reference: str | None,
    now: datetime,
) -> Rider:
    """The conversion, completed by the posting of its commit. Named "reference": its only conflict is a used one."""
    figures = source.figures
    values = {
        "id": conversion_id,
        "user_id": source.user_id,
        "quote_id": source.id,
        "withdrawal_id": withdrawal_id,
        "reference": reference,
        "state": ConversionState.COMPLETED,
        "from_asset": source.from_asset,
        "to_asset": source.to_asset,
        "debit_units": figures.debit,
        "deliver_units": figures.deliver,
        "rate": figures.rate.text,
        "fee_network_units": figures.network,
        "fee_service_units": figures.service,
        "fee_spread_units": figures.spread,
        "mid": source.mid,
        "mid_at": source.mid_at,
        "route": list(source.route),
        "created_at": now,
        "completed_at": now,
        "version": 1,
    }
    return Rider("reference", inserting(Conversion.__table__, key=("id",)), values)


async def conversion(session: AsyncSession, *, user_id: uuid.UUID, conversion_id: uuid.UUID) -> Conversion | None:
    found: Conversion | None = await session.scalar(
        select(Conversion).where(Conversion.id == conversion_id, Conversion.user_id == user_id)
    )
    return found


async def execution_of(session: AsyncSession, quote_id: uuid.UUID) -> str | None:
    """The receipt of the decision, as it was written with the quote."""
    found: str | None = await session.scalar(select(Quote.execution).where(Quote.id == quote_id))
    return found


async def conversion_page(
    session: AsyncSession,
    *,
    user_id: uuid.UUID,
    before: Cursor | None,
    limit: int,
    where: Sequence[ColumnElement[bool]] = (),
) -> Sequence[Conversion]:
    """Newest first, after the cursor."""
    query = select(Conversion).where(Conversion.user_id == user_id, *where)
    if before is not None:
        query = query.where(
            tuple_(Conversion.created_at, Conversion.id) < tuple_(literal(before[0]), literal(before[1]))
        )
    return (
        await session.scalars(query.order_by(Conversion.created_at.desc(), Conversion.id.desc()).limit(limit))
    ).all()


def of_account() -> ColumnElement[bool]:
    """Conversions that stand for themselves, not as half of a withdrawal."""
    return Conversion.withdrawal_id.is_(None)


def with_reference(reference: str) -> ColumnElement[bool]:
    return Conversion.reference == reference


def touching(asset: str) -> ColumnElement[bool]:
    return or_(Conversion.from_asset == asset, Conversion.to_asset == asset)


def in_state(state: str) -> ColumnElement[bool]:
    return Conversion.state == state


def created_from(at: datetime) -> ColumnElement[bool]:
    return Conversion.created_at >= at


def created_before(at: datetime) -> ColumnElement[bool]:
    return Conversion.created_at < at


async def orders_of(session: AsyncSession, conversion_id: uuid.UUID) -> Sequence[Order]:
    return (
        await session.scalars(
            select(Order).where(Order.conversion_id == conversion_id).order_by(Order.created_at, Order.id)
        )
    ).all()


async def fills_of(session: AsyncSession, conversion_id: uuid.UUID) -> Sequence[tuple[Fill, Order]]:
    rows = await session.execute(
        select(Fill, Order)
        .join(Order, Order.id == Fill.order_id)
        .where(Order.conversion_id == conversion_id)
        .order_by(Fill.booked_at, Fill.trade_id)
    )
    return [(row[0], row[1]) for row in rows]


# --- orders --------------------------------------------------------------------------------------------------------


def insert_order(
    hedge: Hedge,
    *,
    order_id: uuid.UUID,
    conversion_id: uuid.UUID,
    client_order_id: str,
    now: datetime,
    due_at: datetime,
    part: int,
    follows: uuid.UUID | None = None,
    attempt: int = 0,
) -> Rider:
    """An order to be sent, named "order". It is the `part`-th of those its conversion begins with, or of those that follow
    the one it follows.
    """
    values = {
        "id": order_id,
        "conversion_id": conversion_id,
        "follows": follows,
        "part": part,
        "attempt": attempt,
        "venue": hedge.venue,
        "symbol": hedge.symbol,
        "base_asset": hedge.base_asset,
        "quote_asset": hedge.quote_asset,
        "side": hedge.side,
        "base_units": hedge.base_units,
        "client_order_id": client_order_id,
        "state": OrderState.INTENDED,
        "filled": Decimal(0),
        "due_at": due_at,
        "fence": 0,
        "created_at": now,
        "updated_at": now,
        "version": 1,
    }
    return Rider("order", inserting(Order.__table__, key=("id",)), values)


async def claim_orders(session: AsyncSession, *, now: datetime, seconds: int, limit: int) -> list[tuple[Lease, Order]]:
    """Lease the orders that have something to be done now."""
    leases = await claim_due(session, Order, where=Order.state.in_(UNSETTLED), now=now, seconds=seconds, limit=limit)
    if not leases:
        return []
    rows = {
        row.id: row
        for row in await session.scalars(
            select(Order).where(Order.id.in_([lease.id for lease in leases])).execution_options(populate_existing=True)
        )
    }
    return [(lease, rows[lease.id]) for lease in leases]


def move_order(lease: Lease, *, was: Sequence[OrderState], now: datetime, **values: Any) -> Rider:
    """A guarded change of a leased order; named "lease": it misses when another worker has taken over."""
    states = ", ".join(f"'{state.value}'" for state in was)
    return _leased(lease, values | {"updated_at": now}, counted="version", also=f"t.state IN ({states})")


def let_go(lease: Lease, *, due_at: datetime, reason: str | None = None) -> Rider:
    """Give the lease back, to be looked at again at `due_at`; misses silently when another has it."""
    values: dict[str, Any] = {"lease_until": None, "due_at": due_at}
    if reason is not None:
        values["reason"] = reason
    return _leased(lease, values)


def _leased(lease: Lease, values: dict[str, Any], *, counted: str | None = None, also: str = "true") -> Rider:
    write = updating(Order.__table__, guards=("id", "fence"), columns=tuple(values), counted=counted, also=also)
    return Rider("lease", write, {"was_id": lease.id, "was_fence": lease.fence} | values)


async def booked_trades(session: AsyncSession, order_id: uuid.UUID) -> dict[str, Decimal]:
    """Trade id to quantity of what is booked of an order."""
    rows = await session.execute(select(Fill.trade_id, Fill.quantity).where(Fill.order_id == order_id))
    return {row[0]: row[1] for row in rows}


def insert_fill(order: Order, fill: Trade, now: datetime) -> Rider:
    """The fill, once by the venue's trade id; named "fill"."""
    values = {
        "venue": order.venue,
        "symbol": order.symbol,
        "trade_id": fill.trade_id,
        "order_id": order.id,
        "price": fill.price,
        "quantity": fill.quantity,
        "quote_quantity": fill.quote_quantity,
        "fee": fill.fee,
        "fee_asset": fill.fee_asset,
        "booked_at": now,
    }
    return Rider("fill", inserting(Fill.__table__, key=("venue", "symbol", "trade_id")), values)


async def residues(session: AsyncSession, venue: str) -> dict[str, Fraction]:
    """By asset, what the venue holds beyond whole base units."""
    rows = await session.execute(select(VenueDust.asset, VenueDust.residue).where(VenueDust.venue == venue))
    return {row[0]: Fraction(row[1]) for row in rows}


async def all_residues(session: AsyncSession) -> dict[tuple[str, str], Fraction]:
    rows = await session.execute(select(VenueDust.venue, VenueDust.asset, VenueDust.residue))
    return {(row[0], row[1]): Fraction(row[2]) for row in rows}


def move_dust(venue: str, before: Dust, after: Dust) -> Rider:
    """The residue, guarded by what it was; named "dust"."""
    was, residue = exact_decimal(before.residue), exact_decimal(after.residue)
    return Rider("dust", _MOVE_DUST, {"venue": venue, "asset": after.asset, "was": was, "residue": residue})


async def unsettled_orders(session: AsyncSession) -> Sequence[Order]:
    """Orders that may have traded at the venue without being fully booked."""
    return (
        await session.scalars(
            select(Order)
            .where(Order.state.in_([s for s in UNSETTLED if s is not OrderState.INTENDED]))
            .order_by(Order.id)
        )
    ).all()


async def order(session: AsyncSession, order_id: uuid.UUID) -> Order | None:
    return await session.get(Order, order_id)


async def open_orders(session: AsyncSession) -> Sequence[tuple[Order, Decimal]]:
    """Orders that are not done, those not sent included, with what of each is booked."""
    booked = select(func.coalesce(func.sum(Fill.quantity), 0)).where(Fill.order_id == Order.id).scalar_subquery()
    rows = await session.execute(select(Order, booked).where(Order.state.in_(UNSETTLED)).order_by(Order.id))
    return [(row[0], row[1]) for row in rows]


async def carried_orders(session: AsyncSession, *, limit: int) -> Sequence[tuple[Order, int]]:
    """Orders whose rest was tried often enough, newest first, with what follows them all the same."""
    after = aliased(Order)
    followed = select(func.coalesce(func.sum(after.base_units), 0)).where(after.follows == Order.id).scalar_subquery()
    rows = await session.execute(
        select(Order, followed)
        .where(Order.state.not_in(UNSETTLED), Order.reason == TRIES)
        .order_by(Order.updated_at.desc())
        .limit(limit)
    )
    return [(row[0], int(row[1])) for row in rows]


async def set_positions(session: AsyncSession, *, usd_units: int) -> None:
    """What the house's positions are worth, beside the exposures: it counts against the same cap."""
    row = insert(Exposure).values(scope=POSITIONS, usd_units=usd_units)
    await session.execute(
        row.on_conflict_do_update(
            index_elements=[Exposure.scope],
            set_={"usd_units": row.excluded.usd_units},
            where=Exposure.usd_units != row.excluded.usd_units,
        )
    )


async def hedge_states(session: AsyncSession) -> dict[str, int]:
    """Orders by state; for metrics and health."""
    rows = await session.execute(select(Order.state, func.count()).group_by(Order.state))
    return {row[0]: row[1] for row in rows}


async def executing_debits(session: AsyncSession) -> dict[str, int]:
    """By asset, the debits of conversions that are accepted and not booked."""
    rows = await session.execute(
        select(Conversion.from_asset, func.sum(Conversion.debit_units))
        .where(Conversion.state == ConversionState.EXECUTING, Conversion.withdrawal_id.is_(None))
        .group_by(Conversion.from_asset)
    )
    return {row[0]: int(row[1]) for row in rows}
