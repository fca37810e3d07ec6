"""The statement of one asset as its owner reads it, a page at a time or as a file."""

import base64
import binascii
import re
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tidegate.ledger import statement
from tidegate.ledger.statement import Line, Place
from tidegate.money import Asset, format_units
from tidegate.refusal import Kind, Refusal
from tidegate.wallets.cashier import Cashier
from tidegate.wallets.schemas import Charge, StatementLineOut
from tidegate.wire import Page, asset_in

AT_ONCE = 500
"""Lines of an export read in one go."""
COLUMNS = ("time", "event", "kind", "id", "charge", "amount", "balance", "held_amount", "held")
CHARGES: Mapping[str, Charge] = {
    "charged:network": "network",
    "charged:service": "service",
    "charged:spread": "spread",
    "rounding": "rounding",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose statement of what: posted at or after `since`, before `until`."""

    user_id: uuid.UUID
    asset: Asset
    since: datetime | None
    until: datetime | None


def asked(*, user_id: uuid.UUID, asset: str, since: datetime | None, until: datetime | None) -> Asked:
    """Refuses UNKNOWN_ASSET, and INVALID_REQUEST when the end is before the beginning."""
    found = asset_in(asset)
    if since is not None and until is not None and until < since:
        raise Refusal(Kind.INVALID_REQUEST, "This ends before it begins.", field="to")
    return Asked(user_id, found, since, until)


async def page(cashier: Cashier, wanted: Asked, *, limit: int, cursor: str | None) -> Page[StatementLineOut]:
    """A page of it, newest first."""
    place = None if cursor is None else _decoded(cursor)
    lines, more = await _read(cashier, wanted, place, limit)
    return Page(items=[_shape(line, wanted.asset) for line in lines], next_cursor=_encoded(more) if more else None)


async def rows(cashier: Cashier, wanted: Asked) -> AsyncIterator[Sequence[Sequence[object]]]:
    """All of it for a file, newest first, in the order of COLUMNS. A slow reader holds no transaction."""
    place: Place | None = None
    while True:
        lines, place = await _read(cashier, wanted, place, AT_ONCE)
        shapes = [_shape(line, wanted.asset) for line in lines]
        yield [(s.at, s.event, s.kind, s.id, s.charge, s.amount, s.balance, s.held_amount, s.held) for s in shapes]
        if place is None:
            return


async def _read(cashier: Cashier, wanted: Asked, place: Place | None, limit: int) -> tuple[list[Line], Place | None]:
    async with cashier.db.reading() as session:
        return await statement.page(
            session,
            user_id=wanted.user_id,
            asset=wanted.asset.code,
            since=wanted.since,
            until=wanted.until,
            place=place,
            limit=limit,
        )


def _shape(line: Line, asset: Asset) -> StatementLineOut:
    kind, identity = of_key(line.key)
    return StatementLineOut(
        at=line.at,
        event=line.event,
        kind=kind,
        id=identity,
        charge=CHARGES.get(line.against),
        amount=format_units(line.amount, asset.decimals),
        balance=format_units(line.balance, asset.decimals),
        held_amount=format_units(line.held_amount, asset.decimals),
        held=format_units(line.held, asset.decimals),
    )


_OURS = ("deposit", "withdrawal", "conversion", "transfer")


def of_key(key: str) -> tuple[str | None, uuid.UUID | None]:
    """What a posting was for, by its key `kind:id:step`. What is no object of a customer's is not named."""
    kind, _, rest = key.partition(":")
    if kind not in _OURS:
        return None, None
    try:
        return kind, uuid.UUID(rest.partition(":")[0])
    except ValueError:
        return kind, None


def _encoded(place: Place) -> str:
    return base64.urlsafe_b64encode(f"{place.available}.{place.held}".encode()).decode().rstrip("=")


_PLACE = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})", re.ASCII)


def _decoded(cursor: str) -> Place:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (ValueError, binascii.Error):
        raw = ""
    found = _PLACE.fullmatch(raw)
    if found is None:
        raise Refusal(Kind.INVALID_REQUEST, "This cursor is not one of ours.", field="cursor")
    return Place(int(found[1]), int(found[2]))
