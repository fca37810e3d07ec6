"""Sessions: opening them after a proof, refreshing, listing and ending them, and changing the password."""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.auth import factors, rates, store
from tidegate.auth.accounts import Client, Proof, checked_password
from tidegate.auth.gate import Gate
from tidegate.auth.rules import Credential, Turn, judge_refresh, network_of, secret_digest
from tidegate.auth.step_up import check_totp, reused
from tidegate.auth.subject import Subject
from tidegate.auth.tables import Session
from tidegate.database import Rider, new_id, ride
from tidegate.outbox.events import changed
from tidegate.outbox.mails import MailKind, told
from tidegate.refusal import Kind, Refusal

USER_AGENT_MOST = 256
KEPT = timedelta(days=30)
"""How long an ended session is kept, for questions about what happened."""


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """What a browser gets: the cookie's value, and the mark by which its next sign-in is recognised."""

    user_id: uuid.UUID
    session_id: uuid.UUID
    value: str
    device_mark: str | None


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What an API client gets."""

    access_token: str
    refresh_token: str
    expires_in: int


async def open_browser_session(
    gate: Gate, proof: Proof, *, client: Client, replaces: str | None, now: datetime
) -> BrowserSession:
    """A new session with a new value; the one the browser came with ends."""
    value = secrets.token_urlsafe(32)
    async with gate.db.transaction() as session:
        stranger = not proof.known_device and await store.has_signed_in(session, user_id=proof.user_id)
        await _spend(gate, session, proof, now)
        if replaces:
            await store.revoke_cookie(session, digest=secret_digest(replaces), now=now)
        session_id = await store.insert_session(
            session,
            user_id=proof.user_id,
            epoch=proof.epoch,
            credential=Credential.COOKIE,
            digest=secret_digest(value),
            user_agent=_short(client.user_agent),
            now=now,
            expires_at=now + timedelta(seconds=gate.settings.auth.session_absolute_seconds),
            second_factor=proof.spends is not None,
        )
        if not proof.known_device:
            await _tell(session, proof.user_id)
        if stranger:
            facts = {"browser": _short(client.user_agent) or "", "network": network_of(client.address)}
            await ride(session, _mail(gate, MailKind.NEW_BROWSER, proof.user_id, now, facts))
    mark = None if proof.known_device else gate.keys.device_mark(proof.user_id)
    return BrowserSession(proof.user_id, session_id, value, mark)


async def open_token_family(gate: Gate, proof: Proof, *, client: Client, now: datetime) -> TokenPair:
    """An access token and the first refresh token of a new family."""
    refresh = "tgr_" + secrets.token_hex(32)
    expires_at = now + timedelta(seconds=gate.settings.auth.refresh_seconds)
    async with gate.db.transaction() as session:
        await _spend(gate, session, proof, now)
        session_id = await store.insert_session(
            session,
            user_id=proof.user_id,
            epoch=proof.epoch,
            credential=Credential.BEARER,
            digest=None,
            user_agent=_short(client.user_agent),
            now=now,
            expires_at=expires_at,
            second_factor=proof.spends is not None,
        )
        await store.insert_refresh(
            session,
            session_id=session_id,
            digest=secret_digest(refresh),
            device=_device(client),
            now=now,
            expires_at=expires_at,
        )
        if not proof.known_device:
            await _tell(session, proof.user_id)
    return _pair(gate, proof.user_id, session_id, refresh, now)


async def refresh(gate: Gate, *, token: str, client: Client, now: datetime) -> TokenPair:
    """The next pair. A token used before ends its family, except for the device's own safe retry (rules.judge_refresh).

    Refuses UNAUTHENTICATED, always with the same words.
    """
    successor = gate.keys.refresh_successor(token)
    device = _device(client)
    async with gate.db.transaction() as session:
        found = await store.refresh_token(session, digest=secret_digest(token), now=now)
        turn = judge_refresh(found, device=device, now=now) if found is not None else Turn.REFUSE
        if found is not None and turn is Turn.KILL:
            await store.revoke_session(session, session_id=found.session_id, user_id=found.user_id, now=now)
            await _tell(session, found.user_id)
        elif found is not None and turn is Turn.ROTATE:
            next_id = await store.insert_refresh(
                session,
                session_id=found.session_id,
                digest=secret_digest(successor),
                device=device,
                now=now,
                expires_at=found.expires_at,
            )
            await store.spend_refresh(session, token_id=found.id, successor_id=next_id, now=now)
            await store.seen(session, session_id=found.session_id, now=now)
    if found is None or turn in (Turn.KILL, Turn.REFUSE):
        raise Refusal(Kind.UNAUTHENTICATED, "This refresh token is not valid; sign in again.")
    return _pair(gate, found.user_id, found.session_id, successor, now)


async def end(gate: Gate, subject: Subject, *, session_id: uuid.UUID, now: datetime) -> None:
    """End one of the user's own sessions; NOT_FOUND for everybody else's and for those that are over."""
    async with gate.db.transaction() as session:
        ended = await store.revoke_session(session, session_id=session_id, user_id=subject.user_id, now=now)
    if not ended:
        raise Refusal(Kind.NOT_FOUND, "There is no such session.")


async def end_all(gate: Gate, subject: Subject, *, now: datetime) -> None:
    """End every session and every family of the user, this one included, at once."""
    async with gate.db.transaction() as session:
        await store.next_epoch(session, user_id=subject.user_id, keep=None)
        await store.revoke_others(session, user_id=subject.user_id, but=None, now=now)
        await _tell(session, subject.user_id)


async def live(
    gate: Gate, subject: Subject, *, before: tuple[datetime, uuid.UUID] | None, limit: int, now: datetime
) -> Sequence[Session]:
    """The user's live sessions, newest first."""
    idle = timedelta(seconds=gate.settings.auth.session_idle_seconds)
    async with gate.db.reading() as session:
        return await store.live_sessions(
            session, user_id=subject.user_id, now=now, idle_since=now - idle, before=before, limit=limit
        )


async def change_password(
    gate: Gate, subject: Subject, *, current: str, new: str, code: str | None, now: datetime
) -> str:
    """A new password, and the new value of this session; every other session ends.

    Refuses INVALID_REQUEST (the new one), INVALID_CREDENTIALS (the current one), MFA_REQUIRED, INVALID_CODE,
    CODE_ALREADY_USED, CONFLICT.
    """
    user_id = subject.user_id
    async with gate.db.reading() as session:
        user = await store.user_by_id(session, user_id=user_id)
    if user is None:
        raise Refusal(Kind.UNAUTHENTICATED, "This account is no more.")
    chosen = checked_password(new, email=user.email_canonical, brand=gate.settings.brand.name, field="new_password")
    await rates.take(gate, "password", str(user_id), now=now)
    if not await gate.hashing.verify(current, user.password_hash):
        raise Refusal(Kind.INVALID_CREDENTIALS, "The current password is not right.", field="current_password")
    riders = []
    if subject.enrolled:
        if code is None:
            raise Refusal(Kind.MFA_REQUIRED, "Add the code of your authenticator.", methods=[factors.METHODS[0]])
        async with gate.db.reading() as session:
            riders.append((await check_totp(session, user_id=user_id, code=code, now=now)).rider)
    stored = await gate.hashing.hash(chosen)
    value = secrets.token_urlsafe(32)
    async with gate.db.transaction() as session:
        if await ride(session, riders) is not None:
            raise reused(now)
        if not await store.replace_password(session, user_id=user_id, was=user.password_hash, now_is=stored, now=now):
            raise Refusal(Kind.CONFLICT, "The password was changed meanwhile.")
        await store.next_epoch(session, user_id=user_id, keep=subject.session_id)
        await store.revoke_others(session, user_id=user_id, but=subject.session_id, now=now)
        await store.renew_session(
            session, session_id=subject.session_id, value=value, now=now, second_factor=bool(riders)
        )
        await _tell(session, user_id)
        await ride(session, _mail(gate, MailKind.PASSWORD_CHANGED, user_id, now))
    await rates.give_back(gate, "password", str(user_id), now=now)
    return value


async def forget_old(gate: Gate, *, now: datetime) -> None:
    """Delete sessions that ended more than KEPT ago, and counters that count nothing any more. For the worker, daily."""
    async with gate.db.transaction() as session:
        await store.delete_sessions_over(session, before=now - KEPT)
        await store.delete_idle_counters(session, now=now)


async def _spend(gate: Gate, session: AsyncSession, proof: Proof, now: datetime) -> None:
    """Use up the proof's code, in the commit that opens the session; of two at once one gets in.

    Refuses INVALID_CREDENTIALS when the password was changed since it was judged. A change that commits only after this
    look ends the session too: it carries the epoch of the proof.
    """
    user = await store.user_by_id(session, user_id=proof.user_id)
    if user is None or user.epoch != proof.epoch:
        raise Refusal(Kind.INVALID_CREDENTIALS, "The e-mail address, the password or the code is not right.")
    if proof.spends is not None and await ride(session, [proof.spends]) is not None:
        raise reused(now)
    if proof.spends is not None and proof.spends.name == factors.RECOVERY_CODE:
        await ride(session, _mail(gate, MailKind.RECOVERY_CODE_USED, proof.user_id, now))
    if proof.rehash is not None:
        was, now_is = proof.rehash
        await store.replace_hash(session, user_id=proof.user_id, was=was, now_is=now_is)


def _mail(
    gate: Gate, kind: MailKind, user_id: uuid.UUID, now: datetime, facts: dict[str, Any] | None = None
) -> list[Rider]:
    return told(gate.settings, kind, user_id=user_id, object_id=new_id(), facts=facts or {}, now=now)


async def _tell(session: AsyncSession, user_id: uuid.UUID) -> None:
    version = await store.update_user(session, user_id=user_id, values={})
    await ride(session, [changed(user_id, "account", user_id, version)])


def _pair(gate: Gate, user_id: uuid.UUID, session_id: uuid.UUID, refresh_token: str, now: datetime) -> TokenPair:
    access = gate.tokens.make(user_id=user_id, session_id=session_id, now=now)
    return TokenPair(access, refresh_token, gate.tokens.seconds)


def _device(client: Client) -> bytes:
    """What stands for "the same device" with API clients, which have no cookie: how they name themselves."""
    return secret_digest(client.user_agent or "")


def _short(user_agent: str | None) -> str | None:
    return user_agent[:USER_AGENT_MOST] if user_agent else None
