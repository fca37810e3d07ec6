"""The one authentication function, and the policy that each route names.

`Annotated[Subject, Depends(allow("wallets.read"))]`: signed in by bearer token or by cookie, and holding that
permission. `Depends(allow("public"))` asks for nothing; `Depends(allow("sandbox"))` asks for a sandbox and loopback.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import asyncpg
from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.security import APIKeyCookie, HTTPBearer, OAuth2PasswordBearer

from tidegate.auth import rates, store
from tidegate.auth.gate import Gate
from tidegate.auth.rules import (
    ANONYMOUS,
    COOKIE_GRACE,
    PERMISSIONS,
    SANDBOX,
    SEEN_EVERY,
    Credential,
    cookie_name,
    from_own_page,
    is_loopback,
    origins_of,
    secret_digest,
)
from tidegate.auth.tokens import NotAToken
from tidegate.config import FeatureSettings
from tidegate.database import utcnow
from tidegate.refusal import Kind, Refusal

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
WRITE_HEADER = "X-Tidegate"

# For the OpenAPI document and its readers (Swagger UI, client generators); `authenticate` reads the request itself, so
# these are no dependencies: each would cost every request some time and prove nothing.
_PASSWORD = OAuth2PasswordBearer(
    tokenUrl="/api/v1/auth/token",
    scheme_name="password",
    description="E-mail and password; the six digits of the authenticator go into `client_secret`.",
    auto_error=False,
)
_BEARER = HTTPBearer(scheme_name="bearer", description="An access token of POST /auth/token.", auto_error=False)
_COOKIE = APIKeyCookie(
    name="__Host-sid",
    scheme_name="session",
    description="A browser's session; on loopback http the name is `__Host-sid-<port>`. Writes also need `X-Tidegate: 1`.",
    auto_error=False,
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks, proved: the user, what they may do, and through which session."""

    user_id: uuid.UUID
    email: str
    roles: frozenset[str]
    permissions: frozenset[str]
    credential: Credential
    session_id: uuid.UUID
    enrolled: bool
    """Has a confirmed second factor."""
    frozen: bool
    """Nothing may leave this account."""
    second_factor_at: datetime | None
    """When this session last showed a second factor."""
    held_until: datetime | None = None
    """Until then nothing new leaves this account; None when nothing holds it."""


def client_address(request: Request) -> str:
    """The peer's address. No forwarding header is believed: no proxies are configured yet."""
    return request.client.host if request.client is not None else ""


def session_cookie(gate: Gate) -> str:
    return cookie_name(gate.settings.api.public_url, gate.settings.api.port)


def own_page(gate: Gate, request: Request) -> bool | None:
    """Whether a browser says that our own page asks; None when nothing is said."""
    api = gate.settings.api
    return from_own_page(
        fetch_site=request.headers.get("sec-fetch-site"),
        origin=request.headers.get("origin"),
        origins=origins_of(api.public_url, api.port, sandboxed=gate.settings.sandboxed),
    )


async def authenticate(gate: Gate, request: Request, *, now: datetime) -> Subject:
    """The subject of a request, or Refusal UNAUTHENTICATED. An Authorization header wins, and the cookie is ignored.

    For writes by cookie: Refusal FORBIDDEN unless our own page asks. Revocation is visible at once: session, user and
    roles are read in one query after the request came, and nothing is remembered but a token's signature.
    """
    header = request.headers.get("authorization")
    if header is not None:
        row = await _by_bearer(gate, header, now)
    else:
        row = await _by_cookie(gate, request, now)
    if row is None:
        raise Refusal(Kind.UNAUTHENTICATED, "Sign in, or send a valid access token.")
    if header is None and request.method not in _SAFE:
        _check_own_page(gate, request)
    if row["last_seen_at"] < now - SEEN_EVERY:
        async with gate.db.transaction() as session:
            await store.seen(session, session_id=row["session_id"], now=now)
    return Subject(
        user_id=row["user_id"],
        email=row["email"],
        roles=frozenset(row["roles"] or ()),
        permissions=frozenset(row["permissions"] or ()),
        credential=Credential(row["credential"]),
        session_id=row["session_id"],
        enrolled=row["enrolled"],
        frozen=row["frozen_at"] is not None,
        held_until=row["held_until"] if row["held_until"] is not None and row["held_until"] > now else None,
        second_factor_at=row["second_factor_at"],
    )


async def _by_bearer(gate: Gate, header: str, now: datetime) -> asyncpg.Record | None:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        read = gate.tokens.read(token, now=now)
    except NotAToken:
        return None
    row = await gate.db.ask(store.by_access_tokens, (read.session_id, read.user_id))
    return row if row is not None and row["expires_at"] > now else None


async def _by_cookie(gate: Gate, request: Request, now: datetime) -> asyncpg.Record | None:
    value = request.cookies.get(session_cookie(gate))
    if not value:
        return None
    digest = secret_digest(value)
    row = await gate.db.ask(store.by_cookies, digest)
    if row is None:
        row = await gate.db.ask(store.by_cookies_before, digest)
        if row is None or row["rotated_at"] <= now - COOKIE_GRACE:
            return None
    idle = timedelta(seconds=gate.settings.auth.session_idle_seconds)
    return row if row["expires_at"] > now and row["last_seen_at"] > now - idle else None


def _check_own_page(gate: Gate, request: Request) -> None:
    if request.headers.get(WRITE_HEADER) != "1" or own_page(gate, request) is not True:
        raise Refusal(
            Kind.FORBIDDEN, f"With the session cookie, writes need {WRITE_HEADER}: 1 and must come from our own page."
        )


# --- policies ------------------------------------------------------------------------------------------------------


class Policy:
    """A named policy; the dependency that a route carries. Equal names are the same object (see `allow`)."""

    def __init__(self, permission: str, limit: str | None, feature: str | None) -> None:
        self.permission = permission
        self.limit = limit
        self.feature = feature

    def check_offered(self, gate: Gate) -> None:
        """Refusal FORBIDDEN for what this installation does not offer."""
        if self.feature is not None and not getattr(gate.settings.features, self.feature):
            raise Refusal(Kind.FORBIDDEN, "This is not offered here.", feature=self.feature)


class _Signed(Policy):
    async def __call__(self, request: Request) -> Subject:
        gate: Gate = request.app.state.gate
        self.check_offered(gate)
        now = utcnow()
        subject = await authenticate(gate, request, now=now)
        if self.permission not in subject.permissions:
            raise Refusal(Kind.FORBIDDEN, f"This needs the permission {self.permission}.")
        if self.limit is not None:
            await rates.take(gate, self.limit, str(subject.user_id), now=now)
        return subject


class _Anonymous(Policy):
    async def __call__(self, request: Request) -> None:
        if self.feature is not None:
            self.check_offered(request.app.state.gate)
        if self.permission != SANDBOX:
            return
        gate: Gate = request.app.state.gate
        if not gate.settings.sandboxed or not is_loopback(client_address(request)):
            raise Refusal(Kind.NOT_FOUND, "There is nothing here.")
        if request.method not in _SAFE and own_page(gate, request) is False:
            raise Refusal(Kind.FORBIDDEN, "Another site's page may not do this.")


def allow(permission: str, *, limit: str | None = None, feature: str | None = None) -> Callable[..., Any]:
    """The dependency for a policy. `limit` names one of rules.LIMITS, taken once per request of the user; `feature` a
    switch of `[features]` that must be on."""
    return _policy(permission, limit, feature)


@cache
def _policy(permission: str, limit: str | None, feature: str | None) -> Callable[..., Any]:
    if feature is not None and feature not in FeatureSettings.model_fields:
        raise ValueError(f"{feature!r} is no feature; see config.FeatureSettings")
    if permission in ANONYMOUS:
        return _Anonymous(permission, None, feature)
    if permission not in PERMISSIONS:
        raise ValueError(f"{permission!r} is not a permission; see auth.rules.PERMISSIONS")
    return _Signed(permission, limit, feature)


def policies_of(dependant: Dependant) -> list[Policy]:
    """Every policy among a route's dependencies, at any depth."""
    call: object = dependant.call
    found = [call] if isinstance(call, Policy) else []
    for inner in dependant.dependencies:
        found += policies_of(inner)
    return found


SCHEMES = (_PASSWORD, _BEARER, _COOKIE)


def tell_security(app: FastAPI, document: dict[str, Any]) -> None:
    """Write into the OpenAPI document which operations take credentials, and which ways there are to give them."""
    ways = [{scheme.scheme_name: list[str]()} for scheme in SCHEMES]
    for context in iter_route_contexts(app.routes):
        if any(isinstance(policy, _Signed) for policy in _route_policies(context)):
            for method in context.methods or ():
                document["paths"][context.path][method.lower()]["security"] = ways
    document["components"]["securitySchemes"] = {
        scheme.scheme_name: scheme.model.model_dump(mode="json", by_alias=True, exclude_none=True) for scheme in SCHEMES
    }


def _route_policies(context: Any) -> list[Policy]:
    return policies_of(context.dependant) if isinstance(context.original_route, APIRoute) else []


def check_policies(app: FastAPI) -> None:
    """Refuse to start when an operation names no policy, or two (security.md abuse case 13)."""
    wrong = []
    for context in iter_route_contexts(app.routes):
        if not isinstance(context.original_route, APIRoute):
            continue
        names = {policy.permission for policy in _route_policies(context)}
        if len(names) != 1:
            methods = ",".join(sorted(context.methods or ()))
            wrong.append(f"{methods} {context.path}: {', '.join(sorted(names)) or 'none'}")
    if wrong:
        raise SystemExit("Every route names exactly one policy; these do not:\n  " + "\n  ".join(sorted(wrong)))
