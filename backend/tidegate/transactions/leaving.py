"""Taking everything along, and going: the data of an account as one file, and closing it when nothing is left in it."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidegate.auth import accounts, closing, email, sessions
from tidegate.auth.gate import Gate
from tidegate.auth.subject import Subject
from tidegate.download import plain
from tidegate.money import listed_assets
from tidegate.refusal import Kind, Refusal
from tidegate.transactions import history, store, transfer_store
from tidegate.transactions.office import Office
from tidegate.wallets import addresses, beneficiaries, overview, statement
from tidegate.webhooks import endpoints
from tidegate.webhooks.courier import Courier
from tidegate.wire import Cursor, decode_cursor, time_text

AT_ONCE = 200


# --- everything about an account ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rooms:
    """Who is asked."""

    gate: Gate
    office: Office
    courier: Courier


async def everything(rooms: Rooms, subject: Subject, *, now: datetime) -> AsyncIterator[bytes]:
    """One JSON object, written while it is sent: what we know of this account, but no secret (passwords, seeds, codes
    and keys are stored so that we cannot tell them). A slow reader holds no transaction."""
    account = await accounts.get_account(rooms.gate, user_id=subject.user_id)
    yield _begin({"exported_at": now, "account": _account(account)})
    cashier, user_id = rooms.office.cashier, subject.user_id
    held = await overview.balances(cashier, user_id=user_id)
    yield _list("balances", [one.model_dump(mode="json") for one in held])
    async for part in _pages("deposit_addresses", lambda before: _addresses(rooms, subject, before)):
        yield part
    async for part in _pages("saved_addresses", lambda before: _saved(rooms, subject, before)):
        yield part
    async for part in _pages("sessions", lambda before: _sessions(rooms, subject, before, now)):
        yield part
    told = await endpoints.all_of(rooms.courier, user_id=user_id)
    yield _list("webhooks", [one.model_dump(mode="json") for one in told.items])
    rows = history.rows(rooms.office, user_id=user_id, kind=None, asset=None, since=None, until=None)
    async for part in _rows("transactions", history.COLUMNS, rows):
        yield part
    for asset in listed_assets():
        wanted = statement.asked(user_id=user_id, asset=asset.code, since=None, until=None)
        async for part in _rows(f"statement_{asset.code}", statement.COLUMNS, statement.rows(cashier, wanted)):
            yield part
    yield b"\n}\n"


def _account(account: accounts.Account) -> dict[str, object]:
    return {
        "id": account.id,
        "email": account.email,
        "name": account.name,
        "roles": sorted(account.roles),
        "second_factor": account.enrolled,
        "recovery_codes_left": account.recovery_codes_left,
        "language": account.language,
        "currency": account.currency,
        "notices": account.notices,
        "created_at": account.created_at,
        "frozen_at": account.frozen_at,
        "held_until": account.held_until,
    }


Found = tuple[Sequence[dict[str, Any]], Cursor | None]


async def _addresses(rooms: Rooms, subject: Subject, before: Cursor | None) -> Found:
    page = await addresses.page(
        rooms.office.cashier, user_id=subject.user_id, asset=None, network=None, used=None, limit=AT_ONCE, before=before
    )
    return [one.model_dump(mode="json") for one in page.items], decode_cursor(page.next_cursor)


async def _saved(rooms: Rooms, subject: Subject, before: Cursor | None) -> Found:
    page = await beneficiaries.page(
        rooms.office.cashier, user_id=subject.user_id, asset=None, network=None, limit=AT_ONCE, before=before
    )
    return [one.model_dump(mode="json") for one in page.items], decode_cursor(page.next_cursor)


async def _sessions(rooms: Rooms, subject: Subject, before: Cursor | None, now: datetime) -> Found:
    rows = await sessions.live(rooms.gate, subject, before=before, limit=AT_ONCE, now=now)
    shown = [
        {
            "credential": row.credential,
            "user_agent": row.user_agent,
            "created_at": row.created_at,
            "last_seen_at": row.last_seen_at,
        }
        for row in rows
    ]
    return shown, (rows[-1].created_at, rows[-1].id) if len(rows) == AT_ONCE else None


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_text)


def _text(value: object) -> object:
    return time_text(value) if isinstance(value, datetime) else plain(value)


def _begin(head: dict[str, object]) -> bytes:
    return _json(head)[:-1].encode()


def _list(name: str, items: Sequence[object]) -> bytes:
    return f',\n"{name}":{_json(items)}'.encode()


async def _pages(name: str, ask: Any) -> AsyncIterator[bytes]:
    yield f',\n"{name}":['.encode()
    before: Cursor | None = None
    first = True
    while True:
        items, before = await ask(before)
        lines = ",\n".join(_json(one) for one in items)
        if lines:
            yield (lines if first else ",\n" + lines).encode()
            first = False
        if before is None:
            yield b"]"
            return


async def _rows(
    name: str, columns: Sequence[str], rows: AsyncIterator[Sequence[Sequence[object]]]
) -> AsyncIterator[bytes]:
    yield f',\n"{name}":['.encode()
    first = True
    async for some in rows:
        lines = ",\n".join(_json(dict(zip(columns, map(plain, row), strict=True))) for row in some)
        if lines:
            yield (lines if first else ",\n" + lines).encode()
            first = False
    yield b"]"


# --- closing --------------------------------------------------------------------------------------------------------


async def obstacles(office: Office, subject: Subject) -> list[str]:
    """Why this account cannot be closed now, each as a code and what it is about: `balance:BTC`, `incoming:ETH`,
    `withdrawals:2`, `transfers:1`."""
    found = []
    for one in await overview.balances(office.cashier, user_id=subject.user_id):
        if one.total.strip("0.") != "":
            found.append(f"balance:{one.asset}")
        if one.incoming.strip("0.") != "":
            found.append(f"incoming:{one.asset}")
    async with office.db.reading() as session:
        waiting = await store.open_count(session, user_id=subject.user_id)
        moving = await transfer_store.open_count(session, user_id=subject.user_id)
    found += [f"withdrawals:{waiting}"] if waiting else []
    found += [f"transfers:{moving}"] if moving else []
    return found


async def close(
    gate: Gate, office: Office, subject: Subject, *, password: str, code: str | None, now: datetime
) -> None:
    """Close the account: with password and second factor, and only when nothing is left in it (CONFLICT with `reasons`).

    Money that comes afterwards is booked like any other and waits for a person: an address once given out is watched for
    ever, and the books stay as they are.
    """
    riders = await email.proved(gate, subject, password=password, code=code, now=now)
    reasons = await obstacles(office, subject)
    if reasons:
        raise Refusal(Kind.CONFLICT, "There is still something in this account.", reasons=reasons)
    async with gate.db.transaction() as session:
        await closing.close(gate, session, subject, riders=riders, now=now)
