"""Second factors: setting up an authenticator, its recovery codes, and checking either at sign-in."""

import base64
import secrets
import uuid
from datetime import datetime

import pyotp
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.auth import rates, store
from tidegate.auth.gate import Gate, gate_of
from tidegate.auth.rules import RECOVERY_CODES, bare_recovery_code, is_totp_code, seconds_to_next_step, step_at
from tidegate.auth.rules import spelled_recovery_code as spelled
from tidegate.auth.step_up import check_totp, matching_steps, reused
from tidegate.auth.subject import Subject
from tidegate.database import Rider, new_id, ride
from tidegate.outbox.events import changed
from tidegate.outbox.mails import MailKind, told
from tidegate.refusal import Kind, Refusal

SEED_CHARACTERS = 32
"""Base32: 160 bits."""
RECOVERY_CODE = "recovery_code"
METHODS = ("totp", RECOVERY_CODE)


async def begin_totp(gate: Gate, subject: Subject, *, now: datetime) -> tuple[str, str]:
    """A new seed and its otpauth URI, in place of an unconfirmed one; CONFLICT when a confirmed one stands."""
    seed = pyotp.random_base32(SEED_CHARACTERS)
    async with gate.db.transaction() as session:
        stored = await store.put_unconfirmed_totp(
            session, user_id=subject.user_id, secret=gate.keys.seal_seed(subject.user_id, seed), now=now
        )
    if not stored:
        raise Refusal(Kind.CONFLICT, "An authenticator is set up already.")
    return seed, pyotp.TOTP(seed).provisioning_uri(name=subject.email, issuer_name=gate.settings.brand.name)


async def confirm_totp(gate: Gate, subject: Subject, *, code: str, now: datetime) -> tuple[list[str], str]:
    """The ten recovery codes, and the session's new cookie value. The code proves that the seed arrived; it is spent."""
    user_id = subject.user_id
    await rates.take(gate, "second_factor", str(user_id), now=now)
    async with gate.db.reading() as session:
        factor = await store.totp_factor(session, user_id=user_id, confirmed=False)
    if factor is None:
        raise Refusal(Kind.CONFLICT, "There is no authenticator waiting to be confirmed.")
    steps = matching_steps(gate.keys.open_seed(user_id, factor.secret), code, now)
    if not steps:
        raise Refusal(Kind.INVALID_CODE, "This code is not right.", field="code")
    await rates.give_back(gate, "second_factor", str(user_id), now=now)
    bare = [_random_recovery_code() for _ in range(RECOVERY_CODES)]
    value = secrets.token_urlsafe(32)
    async with gate.db.transaction() as session:
        if not await store.confirm_totp(session, user_id=user_id, secret=factor.secret, now=now):
            raise Refusal(Kind.CONFLICT, "The authenticator was confirmed or replaced meanwhile.")
        if await ride(session, [store.use_step(user_id, steps[-1], now)]) is not None:
            raise reused(now)
        digests = [gate.keys.recovery_digest(user_id, one) for one in bare]
        await store.replace_recovery_codes(session, user_id=user_id, digests=digests, now=now)
        await store.renew_session(session, session_id=subject.session_id, value=value, now=now, second_factor=True)
        version = await store.update_user(session, user_id=user_id, values={})
        mail = told(gate.settings, MailKind.AUTHENTICATOR_ADDED, user_id=user_id, object_id=new_id(), facts={}, now=now)
        await ride(session, [changed(user_id, "account", user_id, version), *mail])
    return [spelled(one) for one in bare], value


async def second_factor(session: AsyncSession, *, user_id: uuid.UUID, code: str, now: datetime) -> Rider:
    """At sign-in, after the password: the rider that spends the code or recovery code.

    Refuses INVALID_CREDENTIALS, CODE_ALREADY_USED, RATE_LIMITED.
    """
    wrong = Refusal(Kind.INVALID_CREDENTIALS, "The e-mail address, the password or the code is not right.")
    if is_totp_code(code):
        try:
            return (await check_totp(session, user_id=user_id, code=code, now=now)).rider
        except Refusal as refusal:
            raise (wrong if refusal.kind is Kind.INVALID_CODE else refusal) from None
    gate = gate_of(session)
    await rates.take(gate, "second_factor", str(user_id), now=now)
    bare = bare_recovery_code(code)
    if bare is None:
        raise wrong
    digest = gate.keys.recovery_digest(user_id, bare)
    if not await store.has_recovery_code(session, user_id=user_id, digest=digest):
        raise wrong
    await rates.give_back(gate, "second_factor", str(user_id), now=now)
    return store.use_recovery_code(user_id, digest, now)


async def enrol(session: AsyncSession, *, user_id: uuid.UUID, seed: str, now: datetime) -> None:
    """Set up a known seed as confirmed, without a code: for seeding demo users. CONFLICT when one stands."""
    sealed = gate_of(session).keys.seal_seed(user_id, seed)
    stored = await store.put_unconfirmed_totp(session, user_id=user_id, secret=sealed, now=now)
    if not stored or not await store.confirm_totp(session, user_id=user_id, secret=sealed, now=now):
        raise Refusal(Kind.CONFLICT, "An authenticator is set up already.")


async def sandbox_code(session: AsyncSession, *, user_id: uuid.UUID, now: datetime) -> tuple[str, int] | None:
    """What the user's authenticator shows now, and for how many more seconds. Only a sandbox may ask."""
    gate = gate_of(session)
    if not gate.settings.sandboxed:
        raise RuntimeError("codes are shown in the sandbox only")
    factor = await store.totp_factor(session, user_id=user_id, confirmed=True)
    if factor is None:
        return None
    return pyotp.HOTP(gate.keys.open_seed(user_id, factor.secret)).at(step_at(now)), seconds_to_next_step(now)


def _random_recovery_code() -> str:
    return base64.b32encode(secrets.token_bytes(10)).decode("ascii")
