"""Asking for the second factor again, for one action: the code is checked here and spent in the caller's commit."""

import hmac
import uuid
from dataclasses import dataclass
from datetime import datetime

import pyotp
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.auth import rates, store
from tidegate.auth.gate import gate_of
from tidegate.auth.rules import is_totp_code, seconds_to_next_step, steps_around
from tidegate.database import Rider
from tidegate.refusal import Kind, Refusal


@dataclass(frozen=True, slots=True)
class TotpUse:
    """A right code, not yet spent. `rider` ("totp_step") spends it; its miss means that somebody was faster."""

    step: int
    rider: Rider


async def check_totp(session: AsyncSession, *, user_id: uuid.UUID, code: str, now: datetime) -> TotpUse:
    """The use of a right and unused code.

    Refuses SECOND_FACTOR_REQUIRED (none set up), INVALID_CODE, CODE_ALREADY_USED, RATE_LIMITED. Every try counts at
    once, whatever becomes of the caller's transaction; a right one is given back.
    """
    gate = gate_of(session)
    await rates.take(gate, "second_factor", str(user_id), now=now)
    factor = await store.totp_factor(session, user_id=user_id, confirmed=True)
    if factor is None:
        raise Refusal(Kind.SECOND_FACTOR_REQUIRED, "Set up an authenticator first.")
    steps = matching_steps(gate.keys.open_seed(user_id, factor.secret), code, now)
    if not steps:
        raise Refusal(Kind.INVALID_CODE, "This code is not right.", field="code")
    await rates.give_back(gate, "second_factor", str(user_id), now=now)
    fresh = [step for step in steps if step > factor.last_step]
    if not fresh:
        raise reused(now)
    return TotpUse(fresh[0], store.use_step(user_id, fresh[0], now))


def reused(now: datetime) -> Refusal:
    """The refusal of a code that was used before, with the seconds until there is another."""
    detail = "This code was used before; wait for the next one."
    return Refusal(Kind.CODE_ALREADY_USED, detail, field="code", retry_after=seconds_to_next_step(now))


def matching_steps(seed: str, code: str, now: datetime) -> list[int]:
    """The steps around now whose code this is, oldest first. Only six ASCII digits are ever compared."""
    if not is_totp_code(code):
        return []
    codes = pyotp.HOTP(seed)
    return [step for step in steps_around(now) if hmac.compare_digest(codes.at(step), code)]
