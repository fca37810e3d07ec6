"""All SQL of the auth room."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import and_, case, cast, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from tidegate.auth.rules import SEEN_EVERY, Credential, RefreshToken, secret_digest
from tidegate.auth.tables import (
    RateCounter,
    RecoveryCode,
    RefreshTokenRow,
    RolePermission,
    Session,
    TotpFactor,
    User,
    UserRole,
)
from tidegate.database import Rider, Write, new_id, updating

# --- users ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Account:
    """A user as the house sees them: no secrets."""

    id: uuid.UUID
    email: str
    name: str | None
    roles: frozenset[str]
    permissions: frozenset[str]
    enrolled: bool
    recovery_codes_left: int
    language: str
    currency: str
    notices: dict[str, Any]
    created_at: datetime
    frozen_at: datetime | None
    frozen_by: str | None
    held_since: datetime | None
    held_until: datetime | None
    closed_at: datetime | None
    confirmed: bool

    @property
    def receives(self) -> bool:
        """Whether money may be sent to it from inside."""
        return self.confirmed and self.frozen_at is None and self.closed_at is None


def _roles_of(user_id: Any) -> Any:
    return select(func.array_agg(UserRole.role)).where(UserRole.user_id == user_id).scalar_subquery()


def _permissions_of(user_id: Any) -> Any:
    return (
        select(func.array_agg(RolePermission.permission.distinct()))
        .join(UserRole, UserRole.role == RolePermission.role)
        .where(UserRole.user_id == user_id)
        .scalar_subquery()
    )


def _enrolled(user_id: Any) -> Any:
    return exists().where(TotpFactor.user_id == user_id, TotpFactor.confirmed_at.is_not(None))


async def account(session: AsyncSession, *, user_id: uuid.UUID) -> Account | None:
    """The user with roles, permissions and factors."""
    left = (
        select(func.count())
        .select_from(RecoveryCode)
        .where(RecoveryCode.user_id == User.id, RecoveryCode.used_at.is_(None))
        .scalar_subquery()
    )
    row = (
        await session.execute(
            select(User, _roles_of(User.id), _permissions_of(User.id), _enrolled(User.id), left).where(
                User.id == user_id
            )
        )
    ).one_or_none()
    if row is None:
        return None
    user, roles, permissions, enrolled, codes = row
    return Account(
        id=user.id,
        email=user.email,
        name=user.name,
        roles=frozenset(roles or ()),
        permissions=frozenset(permissions or ()),
        enrolled=enrolled,
        recovery_codes_left=codes,
        language=user.language,
        currency=user.currency,
        notices=user.notices,
        created_at=user.created_at,
        frozen_at=user.frozen_at,
        frozen_by=user.frozen_by,
        held_since=user.held_since,
        held_until=user.held_until,
        closed_at=user.closed_at,
        confirmed=user.email_confirmed_at is not None,
    )


async def user_by_canonical(session: AsyncSession, *, canonical: str) -> User | None:
    found: User | None = await session.scalar(select(User).where(User.email_canonical == canonical))
    return found


async def user_by_id(session: AsyncSession, *, user_id: uuid.UUID) -> User | None:
    return await session.get(User, user_id)


async def is_frozen(session: AsyncSession, *, user_id: uuid.UUID) -> bool:
    """By the one column that the worker may read."""
    return await session.scalar(select(User.frozen_at).where(User.id == user_id)) is not None


async def frozen_among(session: AsyncSession, *, user_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    rows = await session.scalars(select(User.id).where(User.id.in_(user_ids), User.frozen_at.is_not(None)))
    return set(rows)


async def addressee(session: AsyncSession, *, user_id: uuid.UUID) -> tuple[str, bool, dict[str, Any]] | None:
    """E-mail address, whether it is confirmed, and notice choices: by the columns that the worker may read."""
    columns = User.email, User.email_confirmed_at, User.notices
    row = (await session.execute(select(*columns).where(User.id == user_id))).one_or_none()
    return None if row is None else (row.email, row.email_confirmed_at is not None, row.notices)


async def freeze(session: AsyncSession, *, user_id: uuid.UUID, by: str, now: datetime) -> int | None:
    """The account's new version; None when it was frozen before, which stays as it was."""
    return await session.scalar(
        update(User)
        .where(User.id == user_id, User.frozen_at.is_(None))
        .values(frozen_at=now, frozen_by=by, version=User.version + 1)
        .returning(User.version)
    )


async def lift_own(session: AsyncSession, *, user_id: uuid.UUID) -> int | None:
    """The account's new version; None when its owner has not frozen it."""
    return await session.scalar(
        update(User)
        .where(User.id == user_id, User.frozen_by == "owner")
        .values(frozen_at=None, frozen_by=None, version=User.version + 1)
        .returning(User.version)
    )


async def has_signed_in(session: AsyncSession, *, user_id: uuid.UUID) -> bool:
    """Whether this user ever had a session that is still known."""
    return await session.scalar(select(Session.id).where(Session.user_id == user_id).limit(1)) is not None


_FREE = Write(
    """
    WITH r AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS rows(i int, user_id uuid))
    SELECT array_agg(r.i) FROM r JOIN users u ON u.id = r.user_id
    WHERE u.frozen_at IS NULL AND u.closed_at IS NULL
    """
)
_SPENDS = Write(
    """
    WITH r AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS rows(i int, user_id uuid, now timestamptz))
    SELECT array_agg(r.i) FROM r JOIN users u ON u.id = r.user_id
    WHERE u.frozen_at IS NULL AND u.closed_at IS NULL AND (u.held_until IS NULL OR u.held_until <= r.now)
    """
)


def not_frozen(user_id: uuid.UUID) -> Rider:
    return Rider("frozen", _FREE, {"user_id": user_id})


def may_spend(user_id: uuid.UUID, now: datetime) -> Rider:
    return Rider("held", _SPENDS, {"user_id": user_id, "now": now})


async def insert_user(session: AsyncSession, *, user: User) -> bool:
    """False when the address is taken."""
    values = {
        column.key: getattr(user, column.key)
        for column in User.__table__.columns
        if column.server_default is None or getattr(user, column.key) is not None
    }
    statement = (
        insert(User).values(values).on_conflict_do_nothing(index_elements=["email_canonical"]).returning(User.id)
    )
    return await session.scalar(statement) is not None


async def insert_role(session: AsyncSession, *, user_id: uuid.UUID, role: str, now: datetime) -> None:
    await session.execute(insert(UserRole).values(user_id=user_id, role=role, granted_at=now).on_conflict_do_nothing())


async def delete_role(session: AsyncSession, *, user_id: uuid.UUID, role: str) -> None:
    await session.execute(delete(UserRole).where(UserRole.user_id == user_id, UserRole.role == role))


async def update_user(
    session: AsyncSession, *, user_id: uuid.UUID, values: dict[str, Any], notices: dict[str, bool] | None = None
) -> int:
    """Change and count: the account's new version. `notices` are merged into those there."""
    changes: dict[str, Any] = values | {"version": User.version + 1}
    if notices:
        changes["notices"] = User.notices.op("||")(cast(notices, JSONB))
    version = await session.scalar(update(User).where(User.id == user_id).values(changes).returning(User.version))
    if version is None:
        raise LookupError("no such user")
    return int(version)


async def replace_password(session: AsyncSession, *, user_id: uuid.UUID, was: str, now_is: str, now: datetime) -> bool:
    """False when the password was changed by somebody else meanwhile."""
    done = await session.scalar(
        update(User)
        .where(User.id == user_id, User.password_hash == was)
        .values(password_hash=now_is, password_changed_at=now)
        .returning(User.id)
    )
    return done is not None


async def replace_hash(session: AsyncSession, *, user_id: uuid.UUID, was: str, now_is: str) -> None:
    """The same password under newer parameters; a password changed meanwhile stays."""
    await session.execute(
        update(User).where(User.id == user_id, User.password_hash == was).values(password_hash=now_is)
    )


# --- sessions ------------------------------------------------------------------------------------------------------


def _alive(now: datetime) -> Any:
    return and_(Session.revoked_at.is_(None), Session.epoch == User.epoch, Session.expires_at > now)


# Sessions by an array of what proves them, with their users and what these may do: one query for all who ask at once.
_LIVE = """
    WITH live AS (
        SELECT {proof} AS proof, s.id AS session_id, s.credential, s.last_seen_at, s.second_factor_at, s.expires_at,
               s.rotated_at, u.id AS user_id, u.email, u.frozen_at, u.held_until
        FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE {proof} = ANY ($1) AND s.credential = '{credential}' AND s.revoked_at IS NULL AND s.epoch = u.epoch
    ), held AS (
        SELECT r.user_id, array_agg(DISTINCT r.role) AS roles,
               array_agg(DISTINCT p.permission) FILTER (WHERE p.permission IS NOT NULL) AS permissions
        FROM user_roles r LEFT JOIN role_permissions p ON p.role = r.role
        WHERE r.user_id = ANY (SELECT user_id FROM live) GROUP BY r.user_id
    )
    SELECT live.*, held.roles, held.permissions, EXISTS (
        SELECT FROM totp_factors t WHERE t.user_id = live.user_id AND t.confirmed_at IS NOT NULL
    ) AS enrolled
    FROM live LEFT JOIN held ON held.user_id = live.user_id
"""
_BY_ACCESS_TOKEN = _LIVE.format(proof="s.id", credential=Credential.BEARER.value)
_BY_COOKIE = _LIVE.format(proof="s.token_digest", credential=Credential.COOKIE.value)
_BY_COOKIE_BEFORE = _LIVE.format(proof="s.previous_digest", credential=Credential.COOKIE.value)


async def by_access_tokens(
    connection: "asyncpg.Connection[Any]", keys: Sequence[tuple[uuid.UUID, uuid.UUID]]
) -> dict[tuple[uuid.UUID, uuid.UUID], asyncpg.Record]:
    """The families of access tokens that stand, by (session, user), with their users. No time is judged."""
    rows = await connection.fetch(_BY_ACCESS_TOKEN, [session_id for session_id, _ in keys])
    return {(row["session_id"], row["user_id"]): row for row in rows}


async def by_cookies(connection: "asyncpg.Connection[Any]", digests: Sequence[bytes]) -> dict[bytes, asyncpg.Record]:
    """The sessions of cookie values, with their users. No time is judged."""
    return {row["proof"]: row for row in await connection.fetch(_BY_COOKIE, digests)}


async def by_cookies_before(
    connection: "asyncpg.Connection[Any]", digests: Sequence[bytes]
) -> dict[bytes, asyncpg.Record]:
    """The same by the values before the last rotation, which count for COOKIE_GRACE after `rotated_at`."""
    return {row["proof"]: row for row in await connection.fetch(_BY_COOKIE_BEFORE, digests)}


async def seen(session: AsyncSession, *, session_id: uuid.UUID, now: datetime) -> None:
    await session.execute(
        update(Session)
        .where(Session.id == session_id, Session.last_seen_at < now - SEEN_EVERY)
        .values(last_seen_at=now)
    )


async def insert_session(
    session: AsyncSession,
    *,
    user_id: uuid.UUID,
    epoch: int,
    credential: Credential,
    digest: bytes | None,
    user_agent: str | None,
    now: datetime,
    expires_at: datetime,
    second_factor: bool,
) -> uuid.UUID:
    """A session of this epoch of the user's; it is alive only while that is the present one."""
    session_id = new_id()
    await session.execute(
        insert(Session).values(
            id=session_id,
            user_id=user_id,
            credential=credential.value,
            token_digest=digest,
            epoch=epoch,
            user_agent=user_agent,
            created_at=now,
            last_seen_at=now,
            expires_at=expires_at,
            second_factor_at=now if second_factor else None,
        )
    )
    return session_id


async def renew_session(
    session: AsyncSession, *, session_id: uuid.UUID, value: str, now: datetime, second_factor: bool
) -> None:
    """After a step-up: a cookie's session gets another value; a family has none and only remembers the moment."""
    of_cookie = Session.credential == Credential.COOKIE.value
    values: dict[str, Any] = {
        "previous_digest": Session.token_digest,
        "token_digest": case((of_cookie, secret_digest(value)), else_=None),
        "rotated_at": now,
    }
    if second_factor:
        values["second_factor_at"] = now
    await session.execute(update(Session).where(Session.id == session_id).values(values))


async def revoke_session(session: AsyncSession, *, session_id: uuid.UUID, user_id: uuid.UUID, now: datetime) -> bool:
    """False when it is not this user's, or is over already."""
    result = await session.scalar(
        update(Session)
        .where(Session.id == session_id, Session.user_id == user_id, Session.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(Session.id)
    )
    return result is not None


async def revoke_cookie(session: AsyncSession, *, digest: bytes, now: datetime) -> None:
    await session.execute(
        update(Session).where(Session.token_digest == digest, Session.revoked_at.is_(None)).values(revoked_at=now)
    )


async def revoke_others(session: AsyncSession, *, user_id: uuid.UUID, but: uuid.UUID | None, now: datetime) -> None:
    """End every session and family of the user, except one."""
    conditions = [Session.user_id == user_id, Session.revoked_at.is_(None)]
    if but is not None:
        conditions.append(Session.id != but)
    await session.execute(update(Session).where(*conditions).values(revoked_at=now))


async def next_epoch(session: AsyncSession, *, user_id: uuid.UUID, keep: uuid.UUID | None) -> None:
    """Outdate every session at once, also those being opened at this moment; `keep` moves along."""
    epoch = await session.scalar(
        update(User).where(User.id == user_id).values(epoch=User.epoch + 1).returning(User.epoch)
    )
    if keep is not None:
        await session.execute(update(Session).where(Session.id == keep).values(epoch=epoch))


async def live_sessions(
    session: AsyncSession,
    *,
    user_id: uuid.UUID,
    now: datetime,
    idle_since: datetime,
    before: tuple[datetime, uuid.UUID] | None,
    limit: int,
) -> Sequence[Session]:
    """A page of the user's live sessions, newest first."""
    query = (
        select(Session)
        .join(User, User.id == Session.user_id)
        .where(
            Session.user_id == user_id,
            _alive(now),
            or_(Session.credential == Credential.BEARER.value, Session.last_seen_at > idle_since),
        )
    )
    if before is not None:
        query = query.where(
            or_(Session.created_at < before[0], and_(Session.created_at == before[0], Session.id < before[1]))
        )
    return (await session.scalars(query.order_by(Session.created_at.desc(), Session.id.desc()).limit(limit))).all()


async def delete_sessions_over(session: AsyncSession, *, before: datetime) -> None:
    await session.execute(delete(Session).where(or_(Session.expires_at < before, Session.revoked_at < before)))


async def delete_idle_counters(session: AsyncSession, *, now: datetime) -> None:
    await session.execute(delete(RateCounter).where(RateCounter.spent_until < now))


# --- refresh tokens ------------------------------------------------------------------------------------------------


async def insert_refresh(
    session: AsyncSession,
    *,
    session_id: uuid.UUID,
    digest: bytes,
    device: bytes,
    now: datetime,
    expires_at: datetime,
) -> uuid.UUID:
    token_id = new_id()
    session.add(
        RefreshTokenRow(
            id=token_id,
            session_id=session_id,
            token_digest=digest,
            device_digest=device,
            issued_at=now,
            expires_at=expires_at,
        )
    )
    await session.flush()
    return token_id


async def refresh_token(session: AsyncSession, *, digest: bytes, now: datetime) -> RefreshToken | None:
    """The presented token, locked: of two at once the second sees what the first did."""
    locked = await session.scalar(
        select(RefreshTokenRow.id).where(RefreshTokenRow.token_digest == digest).with_for_update()
    )
    if locked is None:
        return None
    successor = aliased(RefreshTokenRow)
    row = (
        await session.execute(
            select(RefreshTokenRow, Session.user_id, _alive(now), successor.used_at)
            .join(Session, Session.id == RefreshTokenRow.session_id)
            .join(User, User.id == Session.user_id)
            .outerjoin(successor, successor.id == RefreshTokenRow.successor_id)
            .where(RefreshTokenRow.id == locked)
        )
    ).one()
    token, user_id, alive, successor_used_at = row
    return RefreshToken(
        id=token.id,
        session_id=token.session_id,
        user_id=user_id,
        issued_at=token.issued_at,
        expires_at=token.expires_at,
        used_at=token.used_at,
        device=token.device_digest,
        alive=bool(alive),
        successor_used=successor_used_at is not None,
    )


async def spend_refresh(session: AsyncSession, *, token_id: uuid.UUID, successor_id: uuid.UUID, now: datetime) -> None:
    await session.execute(
        update(RefreshTokenRow).where(RefreshTokenRow.id == token_id).values(used_at=now, successor_id=successor_id)
    )


# --- second factors ------------------------------------------------------------------------------------------------


async def totp_factor(session: AsyncSession, *, user_id: uuid.UUID, confirmed: bool) -> TotpFactor | None:
    query = select(TotpFactor).where(TotpFactor.user_id == user_id)
    query = query.where(TotpFactor.confirmed_at.is_not(None) if confirmed else TotpFactor.confirmed_at.is_(None))
    found: TotpFactor | None = await session.scalar(query)
    return found


async def put_unconfirmed_totp(session: AsyncSession, *, user_id: uuid.UUID, secret: bytes, now: datetime) -> bool:
    """A new seed in place of an unconfirmed one; False when a confirmed one stands."""
    statement = (
        insert(TotpFactor)
        .values(user_id=user_id, secret=secret, created_at=now)
        .on_conflict_do_update(
            index_elements=["user_id"],
            set_={"secret": secret, "created_at": now},
            where=TotpFactor.confirmed_at.is_(None),
        )
        .returning(TotpFactor.user_id)
    )
    return await session.scalar(statement) is not None


async def confirm_totp(session: AsyncSession, *, user_id: uuid.UUID, secret: bytes, now: datetime) -> bool:
    """False when another request confirmed, or replaced the seed, first."""
    done = await session.scalar(
        update(TotpFactor)
        .where(TotpFactor.user_id == user_id, TotpFactor.confirmed_at.is_(None), TotpFactor.secret == secret)
        .values(confirmed_at=now)
        .returning(TotpFactor.user_id)
    )
    return done is not None


# The step only moves forward (the row lock makes two at once take turns), and the use is written for ever. Nothing is
# inserted when the step is not newer: the rider misses.
_USE_STEP = Write(
    """
    WITH r AS (
        SELECT * FROM jsonb_to_recordset($1::jsonb) AS rows(i int, user_id uuid, step bigint, now timestamptz)
    ), moved AS (
        UPDATE totp_factors t SET last_step = r.step FROM r
        WHERE t.user_id = r.user_id AND t.confirmed_at IS NOT NULL AND t.last_step < r.step
        RETURNING r.*
    ), used AS (
        INSERT INTO totp_uses (user_id, step, used_at) SELECT user_id, step, now FROM moved
        ON CONFLICT DO NOTHING RETURNING user_id
    )
    SELECT array_agg(i) FROM moved JOIN used USING (user_id)
    """
)


def use_step(user_id: uuid.UUID, step: int, now: datetime) -> Rider:
    return Rider("totp_step", _USE_STEP, {"user_id": user_id, "step": step, "now": now})


async def replace_recovery_codes(
    session: AsyncSession, *, user_id: uuid.UUID, digests: Sequence[bytes], now: datetime
) -> None:
    """All earlier ones are void."""
    await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.add_all(RecoveryCode(id=new_id(), user_id=user_id, digest=digest, created_at=now) for digest in digests)
    await session.flush()


async def has_recovery_code(session: AsyncSession, *, user_id: uuid.UUID, digest: bytes) -> bool:
    found = await session.scalar(
        select(RecoveryCode.id).where(
            RecoveryCode.user_id == user_id, RecoveryCode.digest == digest, RecoveryCode.used_at.is_(None)
        )
    )
    return found is not None


def use_recovery_code(user_id: uuid.UUID, digest: bytes, now: datetime) -> Rider:
    guards = ("user_id", "digest")
    write = updating(RecoveryCode.__table__, guards=guards, columns=("used_at",), also="t.used_at IS NULL")
    return Rider("recovery_code", write, {"was_user_id": user_id, "was_digest": digest, "used_at": now})
