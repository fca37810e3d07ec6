"""People: registering, proving who one is, and what an account says about itself."""

import asyncio
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.auth import factors, rates, store
from tidegate.auth.gate import Gate
from tidegate.auth.passwords import MEMORY_KIB, hash_password
from tidegate.auth.rules import ROLES, canonical_email, network_of, normal_password, password_fault, secret_digest
from tidegate.auth.store import Account
from tidegate.auth.subject import Subject
from tidegate.auth.tables import User
from tidegate.database import Rider, new_id, ride, utcnow
from tidegate.outbox.events import changed
from tidegate.refusal import Kind, Refusal

__all__ = ["Account", "Client", "Proof", "authenticate", "create_user", "get_account", "grant_role", "user_by_email"]


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from: what limits and the list of sessions need to know."""

    address: str
    user_agent: str | None
    device_mark: str | None


@dataclass(frozen=True, slots=True)
class Proof:
    """The right password, and the right code where one is needed; opening a session spends the code."""

    user_id: uuid.UUID
    epoch: int
    """The user's epoch when the password was judged: a session of it ends with the password's next change."""
    spends: Rider | None
    known_device: bool
    rehash: tuple[str, str] | None


def read_email(text: str, *, sandboxed: bool) -> tuple[str, str]:
    """The address as to be shown, and its canonical form. Refusal INVALID_REQUEST."""
    try:
        shown = validate_email(text, check_deliverability=False, test_environment=sandboxed).normalized
    except EmailNotValidError:
        shown = ""
    canonical = canonical_email(shown)
    if canonical is None:
        raise Refusal(Kind.INVALID_REQUEST, "This is not an e-mail address.", field="email")
    return shown, canonical


def checked_password(text: str, *, email: str, brand: str, field: str) -> str:
    """The password to store, or Refusal INVALID_REQUEST that says why not."""
    password = normal_password(text)
    fault = password_fault(password, email=email, brand=brand)
    if fault is not None:
        raise Refusal(Kind.INVALID_REQUEST, fault, field=field)
    return password


def _new_user(
    email: str, canonical: str, password_hash: str, *, now: datetime, confirmed: bool, name: str | None
) -> User:
    return User(
        id=new_id(),
        email=email,
        email_canonical=canonical,
        email_confirmed_at=now if confirmed else None,
        name=name,
        password_hash=password_hash,
        password_changed_at=now,
        created_at=now,
        frozen_at=None,
        frozen_by=None,
    )


async def register(gate: Gate, *, email: str, password: str, client: Client, now: datetime) -> User | None:
    """A new customer. Sandbox: usable at once, CONFLICT when the address is taken. Production: None in either case,
    and a new account waits until its address is confirmed."""
    sandboxed = gate.settings.sandboxed
    shown, canonical = read_email(email, sandboxed=sandboxed)
    chosen = checked_password(password, email=canonical, brand=gate.settings.brand.name, field="password")
    await rates.take(gate, "register_network", network_of(client.address), now=now)
    user = _new_user(shown, canonical, await gate.hashing.hash(chosen), now=now, confirmed=sandboxed, name=None)
    async with gate.db.transaction() as session:
        made = await store.insert_user(session, user=user)
        if made:
            await store.insert_role(session, user_id=user.id, role="customer", now=now)
            await ride(session, [changed(user.id, "account", user.id, 1)])
    if not sandboxed:
        return None
    if not made:
        raise Refusal(Kind.CONFLICT, "There is an account with this e-mail address.", field="email")
    return user


async def authenticate(
    gate: Gate, *, email: str, password: str, code: str | None, client: Client, now: datetime
) -> Proof:
    """Proof of the password and of the second factor.

    Refuses INVALID_CREDENTIALS (the same for an unknown address, a wrong password and a wrong code), MFA_REQUIRED with
    `methods`, CODE_ALREADY_USED, RATE_LIMITED, BUSY. A browser that has signed in before keeps a counter of its own, so
    that strangers cannot lock its owner out.
    """
    canonical = canonical_email(email) or "nobody"
    async with gate.db.reading() as session:
        user = await store.user_by_canonical(session, canonical=canonical)
    device = gate.keys.known_device(user.id, client.device_mark) if user is not None else None
    account = secret_digest(canonical).hex()
    counters = [
        ("login_network", network_of(client.address)),
        ("login_account", account) if device is None else ("login_device", f"{account}:{device}"),
    ]
    for limit, whose in counters:
        await rates.take(gate, limit, whose, now=now)
    right = await gate.hashing.verify(password, user.password_hash if user is not None else None)
    if user is None or not right or user.email_confirmed_at is None or user.closed_at is not None:
        raise Refusal(Kind.INVALID_CREDENTIALS, "The e-mail address, the password or the code is not right.")
    spends = await _second_factor(gate, user.id, code, now)
    for limit, whose in counters:
        await rates.give_back(gate, limit, whose, now=now)
    rehash = None
    if gate.hashing.outdated(user.password_hash):
        rehash = (user.password_hash, await gate.hashing.hash(password))
    return Proof(user.id, user.epoch, spends, known_device=device is not None, rehash=rehash)


async def _second_factor(gate: Gate, user_id: uuid.UUID, code: str | None, now: datetime) -> Rider | None:
    async with gate.db.reading() as session:
        if await store.totp_factor(session, user_id=user_id, confirmed=True) is None:
            return None
        if code is None:
            raise Refusal(Kind.MFA_REQUIRED, "Add the code of your authenticator.", methods=list(factors.METHODS))
        return await factors.second_factor(session, user_id=user_id, code=code, now=now)


async def get_account(gate: Gate, *, user_id: uuid.UUID) -> Account:
    """The account of a signed-in user."""
    async with gate.db.reading() as session:
        found = await store.account(session, user_id=user_id)
    if found is None:
        raise Refusal(Kind.UNAUTHENTICATED, "This account is no more.")
    return found


async def update_account(
    gate: Gate, subject: Subject, *, values: dict[str, Any], notices: dict[str, bool] | None
) -> Account:
    """Change name, language, currency or notice choices; fields not named stay."""
    async with gate.db.transaction() as session:
        version = await store.update_user(session, user_id=subject.user_id, values=values, notices=notices)
        await ride(session, [changed(subject.user_id, "account", subject.user_id, version)])
        found = await store.account(session, user_id=subject.user_id)
    assert found is not None
    return found


# --- for the command line, the sandbox and other rooms --------------------------------------------------------------


async def user_by_email(session: AsyncSession, email: str) -> Account | None:
    """The account with this address, however it is written; none that is closed."""
    canonical = canonical_email(email)
    if canonical is None:
        return None
    user = await store.user_by_canonical(session, canonical=canonical)
    return await store.account(session, user_id=user.id) if user is not None and user.closed_at is None else None


async def user_by_id(session: AsyncSession, user_id: uuid.UUID) -> Account | None:
    return await store.account(session, user_id=user_id)


async def create_user(
    session: AsyncSession,
    *,
    email: str,
    password: str,
    roles: Iterable[str] = ("customer",),
    name: str | None = None,
    memory_kib: int = MEMORY_KIB,
) -> uuid.UUID:
    """A confirmed user with these roles, in the caller's transaction. CONFLICT when the address is taken."""
    now = utcnow()
    shown, canonical = read_email(email, sandboxed=True)
    chosen = checked_password(password, email=canonical, brand="Tidegate", field="password")
    digest = await asyncio.to_thread(hash_password, chosen, memory_kib=memory_kib)
    user = _new_user(shown, canonical, digest, now=now, confirmed=True, name=name)
    if not await store.insert_user(session, user=user):
        raise Refusal(Kind.CONFLICT, "There is an account with this e-mail address.", field="email")
    for role in roles:
        await grant_role(session, user_id=user.id, role=role)
    await ride(session, [changed(user.id, "account", user.id, 1)])
    return user.id


async def grant_role(session: AsyncSession, *, user_id: uuid.UUID, role: str) -> None:
    """Give a role; giving it again changes nothing. Takes effect with the user's next request."""
    if role not in ROLES:
        raise Refusal(Kind.INVALID_REQUEST, f"There is no role {role!r}.", field="role", allowed=sorted(ROLES))
    await store.insert_role(session, user_id=user_id, role=role, now=utcnow())


async def revoke_role(session: AsyncSession, *, user_id: uuid.UUID, role: str) -> None:
    """Take a role away; takes effect with the user's next request."""
    await store.delete_role(session, user_id=user_id, role=role)


async def set_frozen(session: AsyncSession, *, user_id: uuid.UUID, frozen: bool) -> None:
    """As an operator: stop (or let go) everything that would leave this account; signing in and looking stay possible."""
    values = {"frozen_at": utcnow(), "frozen_by": "operator"} if frozen else {"frozen_at": None, "frozen_by": None}
    version = await store.update_user(session, user_id=user_id, values=values)
    await ride(session, [changed(user_id, "account", user_id, version)])


async def is_frozen(session: AsyncSession, user_id: uuid.UUID) -> bool:
    """Whether nothing may leave this account now."""
    return await store.is_frozen(session, user_id=user_id)


@dataclass(frozen=True, slots=True)
class Addressee:
    """Where a user's mail goes, and what they do not want to be told."""

    email: str
    confirmed: bool
    choices: dict[str, Any]


async def addressee(session: AsyncSession, user_id: uuid.UUID) -> Addressee | None:
    """For whoever sends mail; by what the worker may read."""
    found = await store.addressee(session, user_id=user_id)
    return None if found is None else Addressee(*found)


async def confirm_email(session: AsyncSession, *, user_id: uuid.UUID) -> None:
    """The address is the user's: from now on they can sign in."""
    await store.update_user(session, user_id=user_id, values={"email_confirmed_at": utcnow()})


async def frozen_among(session: AsyncSession, user_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these accounts are frozen."""
    return await store.frozen_among(session, user_ids=user_ids)


def not_frozen(user_id: uuid.UUID) -> Rider:
    """Writes nothing; misses as "frozen" when that account is, in the commit that would move its money."""
    return store.not_frozen(user_id)


def may_spend(user_id: uuid.UUID, now: datetime) -> Rider:
    """Writes nothing; misses as "held" when that account is frozen, closed, or held after its address changed."""
    return store.may_spend(user_id, now)
