"""Idempotency-Key: the key, the effect and the stored answer are one commit (libraries.md section 4).

Scope is (user, operation). The stored answer rides in the verb's own commit; a duplicate that arrives while the first
is running waits on the row's unique index, for at most 10 s, and is then told `in_progress`.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import Header, Request
from fastapi.responses import Response
from pydantic import WithJsonSchema
from sqlalchemy import CheckConstraint, Text, TextClause, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.database import Base, Database, Rider, inserting, utcnow
from tidegate.refusal import Kind, Refusal

WAIT_SECONDS = 10.0


class IdempotencyKey(Base):
    __tablename__ = "idempotency_keys"
    __table_args__ = (CheckConstraint("status BETWEEN 200 AND 299", name="status_success"),)

    user_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_digest: Mapped[str]
    status: Mapped[int]
    answer: Mapped[str] = mapped_column(Text)
    """As it was sent, byte for byte."""
    created_at: Mapped[datetime]


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """An answer as it was, or will be, given: written once, as JSON. `replayed` when it was given before."""

    status: int
    raw: bytes
    replayed: bool = False

    @classmethod
    def of(cls, status: int, body: dict[str, Any], *, replayed: bool = False) -> "Stored":
        return cls(status, json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), replayed)

    @property
    def body(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.raw)
        return read

    def __eq__(self, other: object) -> bool:
        """The same answer, however its JSON is laid out."""
        if not isinstance(other, Stored):
            return NotImplemented
        return (self.status, self.body, self.replayed) == (other.status, other.body, other.replayed)


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request with its key, bound to user and operation by the verb. `key` None: the caller gave none."""

    key: str | None
    digest: str

    def rider(self, *, user_id: uuid.UUID, operation: str, answer: Stored) -> list[Rider]:
        """The row that makes the answer repeatable, named "idempotency"; empty when no key was given."""
        if self.key is None:
            return []
        values = {
            "user_id": user_id,
            "operation": operation,
            "key": self.key,
            "body_digest": self.digest,
            "status": answer.status,
            "answer": answer.raw.decode(),
            "created_at": utcnow(),
        }
        write = inserting(IdempotencyKey.__table__, key=("user_id", "operation", "key"))
        return [Rider("idempotency", write, values)]


async def replay(db: Database, keyed: Keyed, *, user_id: uuid.UUID, operation: str) -> Stored | None:
    """The first answer of this key, or None. Refuses IDEMPOTENCY_KEY_REUSED when the body is another."""
    if keyed.key is None:
        return None
    async with db.reading() as session:
        found = await _find(session, keyed, user_id, operation)
    if found is not None:
        # Visible is not acknowledged: the first one may have been told "unknown", and a failover may take it back.
        await db.acknowledged()
    return found


async def _find(session: AsyncSession, keyed: Keyed, user_id: uuid.UUID, operation: str) -> Stored | None:
    row = await session.scalar(
        select(IdempotencyKey).where(
            IdempotencyKey.user_id == user_id,
            IdempotencyKey.operation == operation,
            IdempotencyKey.key == keyed.key,
        )
    )
    if row is None:
        return None
    if row.body_digest != keyed.digest:
        raise Refusal(Kind.IDEMPOTENCY_KEY_REUSED, "The same key came with another body before.")
    return Stored(row.status, row.answer.encode(), replayed=True)


async def replay_after_conflict(db: Database, keyed: Keyed, *, user_id: uuid.UUID, operation: str) -> Stored:
    """After a rider "idempotency" missed: the winner's answer, or Refusal IN_PROGRESS."""
    found = await replay(db, keyed, user_id=user_id, operation=operation)
    if found is None:
        raise Refusal(Kind.IN_PROGRESS, "The first request with this key is still running.", retry_after=1)
    return found


async def first_answer(
    db: Database,
    keyed: Keyed,
    *,
    user_id: uuid.UUID,
    operation: str,
    work: Callable[[], Awaitable[Stored]],
    look_first: bool = True,
) -> Stored:
    """The stored answer of this key, else what `work` answers.

    `work` looks at the world before its own commit, and a twin may have changed that world since the key was looked
    up: what then seems a reason to refuse (a used quote, a state) is the twin's doing, and its answer is ours. Without
    `look_first` the key is looked up only then: for work that does nothing but its own commit, whose rider finds a key
    that was used before.
    """
    if look_first:
        known = await replay(db, keyed, user_id=user_id, operation=operation)
        if known is not None:
            return known
    try:
        return await work()
    except Refusal:
        twin = await replay(db, keyed, user_id=user_id, operation=operation)
        if twin is None:
            raise
        return twin


async def limit_wait(session: AsyncSession) -> None:
    """In a transaction that inserts a key: wait for a running twin at most WAIT_SECONDS."""
    await session.execute(_wait())


def _wait() -> TextClause:
    return text(f"SET LOCAL lock_timeout = '{int(WAIT_SECONDS * 1000)}ms'")


def timed_out_waiting(error: DBAPIError) -> bool:
    """True when the wait for a running twin hit its limit (SQLSTATE 55P03)."""
    return getattr(error.orig, "sqlstate", None) == "55P03"


def respond(stored: Stored) -> Response:
    """The stored answer as a response; `Idempotency-Replayed: true` when it was given before."""
    headers = {"Idempotency-Replayed": "true"} if stored.replayed else {}
    return Response(stored.raw, status_code=stored.status, headers=headers, media_type="application/json")


_KEY = re.compile(r"[!-~]{1,255}\Z", re.ASCII)


def _check(key: str) -> str:
    if not _KEY.match(key):
        raise Refusal(Kind.MALFORMED, "Idempotency-Key is 1 to 255 visible ASCII characters.")
    return key


async def _digest(request: Request) -> str:
    raw = await request.body()
    try:
        # Parsed once: the request keeps it for the body model too.
        canonical = _CANONICAL(await request.json() if raw else None)
    except (ValueError, RecursionError):  # the body model refuses it anyway; the digest only has to exist
        return hashlib.sha256(raw).hexdigest()
    return hashlib.sha256(request.scope["path"].encode() + b"\n" + canonical).hexdigest()


_CANONICAL = msgspec.json.Encoder(order="sorted").encode


# Told in the document and judged by `_check`, so that every unfit key is `malformed`, whatever is wrong with it.
_CHOSEN = "Chosen by the client; the same key and body give the first answer."
_RequiredKey = Annotated[
    str, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 255, "description": _CHOSEN})
]
_OptionalKey = Annotated[str, WithJsonSchema({"type": "string", "maxLength": 255})]


async def keyed_required(
    request: Request,
    idempotency_key: Annotated[_RequiredKey, Header(description=_CHOSEN)],
) -> Keyed:
    """Dependency of the calls that need a key (API.md). Missing → IDEMPOTENCY_KEY_MISSING."""
    return Keyed(_check(idempotency_key), await _digest(request))


async def keyed_optional(
    request: Request,
    idempotency_key: Annotated[_OptionalKey | None, Header(description="Honoured when given.")] = None,
) -> Keyed:
    """Dependency of every other POST of a signed-in user."""
    return Keyed(_check(idempotency_key) if idempotency_key is not None else None, await _digest(request))
