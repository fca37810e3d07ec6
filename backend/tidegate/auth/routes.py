"""HTTP door of /auth: parse, one verb call, shape the answer."""

import base64
import binascii
import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response

from tidegate.auth import accounts, email, factors, freezing, links, sessions
from tidegate.auth.accounts import Account, Client
from tidegate.auth.gate import Gate, the_gate
from tidegate.auth.rules import Credential
from tidegate.auth.schemas import (
    ConfirmTotpIn,
    EmailConfirmedOut,
    EmailIn,
    EmailWaitingOut,
    FreezableOut,
    HoldOut,
    LinkIn,
    LoginIn,
    MeIn,
    MeOut,
    NoticesOut,
    PasswordIn,
    RecoveryCodesOut,
    RefreshIn,
    RegisteredOut,
    RegisterIn,
    RegistrationTakenOut,
    SessionOut,
    SignedInOut,
    TokenIn,
    TokenOut,
    TotpOut,
    UnfreezeIn,
)
from tidegate.auth.subject import Subject, allow, client_address, own_page, session_cookie
from tidegate.database import utcnow
from tidegate.problems import problems
from tidegate.refusal import Kind, Refusal
from tidegate.wire import Page, Paging, next_cursor

router = APIRouter(prefix="/auth", tags=["auth"])

PUBLIC = [Depends(allow("public"))]
SIGNING_IN = (
    Kind.MALFORMED,
    Kind.INVALID_REQUEST,
    Kind.INVALID_CREDENTIALS,
    Kind.MFA_REQUIRED,
    Kind.CODE_ALREADY_USED,
    Kind.RATE_LIMITED,
    Kind.BUSY,
)
SIGNED_IN = (Kind.UNAUTHENTICATED, Kind.FORBIDDEN)
PROVING = (
    Kind.MALFORMED,
    Kind.INVALID_REQUEST,
    Kind.INVALID_CREDENTIALS,
    Kind.MFA_REQUIRED,
    Kind.INVALID_CODE,
    Kind.CODE_ALREADY_USED,
    Kind.RATE_LIMITED,
    Kind.BUSY,
)
"""What may be answered where password and second factor are asked for again."""
BY_LINK = (Kind.MALFORMED, Kind.INVALID_REQUEST, Kind.NOT_FOUND, Kind.RATE_LIMITED)
DEVICE_SECONDS = 365 * 24 * 3600

At = Annotated[Gate, Depends(the_gate)]
Reader = Annotated[Subject, Depends(allow("account.read"))]
Writer = Annotated[Subject, Depends(allow("account.write"))]


@router.post(
    "/register",
    operation_id="auth_register",
    status_code=201,
    dependencies=[Depends(allow("public", feature="registration"))],
    response_model=RegisteredOut,
    responses={
        202: {"model": RegistrationTakenOut, "description": "Production: taken; the address has to be confirmed first"},
        **problems(Kind.MALFORMED, Kind.INVALID_REQUEST, Kind.CONFLICT, Kind.FORBIDDEN, Kind.RATE_LIMITED, Kind.BUSY),
    },
)
async def register(body: RegisterIn, request: Request, gate: At) -> Any:
    """A new customer account. Sandbox: 201, usable at once. Production: 202, whether or not the address is known."""
    _refuse_other_sites(gate, request)
    made = await accounts.register(
        gate, email=body.email, password=body.password.get_secret_value(), client=_client(gate, request), now=utcnow()
    )
    if made is None:
        neutral = RegistrationTakenOut(detail="If this address can have an account, it is waiting to be confirmed.")
        return Response(neutral.model_dump_json(), status_code=202, media_type="application/json")
    return RegisteredOut(id=made.id, email=made.email)


@router.post("/login", operation_id="auth_login", dependencies=PUBLIC, responses=problems(*SIGNING_IN, Kind.FORBIDDEN))
async def login(body: LoginIn, request: Request, response: Response, gate: At) -> SignedInOut:
    """Sign a browser in: the answer sets the session cookie. With a second factor set up, `totp_code` is needed."""
    _refuse_other_sites(gate, request)
    client = _client(gate, request)
    now = utcnow()
    proof = await accounts.authenticate(
        gate, email=body.email, password=body.password.get_secret_value(), code=body.totp_code, client=client, now=now
    )
    replaces = request.cookies.get(session_cookie(gate))
    opened = await sessions.open_browser_session(gate, proof, client=client, replaces=replaces, now=now)
    _set_cookie(response, session_cookie(gate), opened.value, gate.settings.auth.session_absolute_seconds)
    if opened.device_mark is not None:
        _set_cookie(response, _device_cookie(gate), opened.device_mark, DEVICE_SECONDS)
    account = await accounts.get_account(gate, user_id=opened.user_id)
    waiting = await email.waiting(gate, user_id=opened.user_id, now=now)
    return SignedInOut(user=_me(account, opened.session_id, waiting, now))


@router.post("/token", operation_id="auth_token", dependencies=PUBLIC, responses=problems(*SIGNING_IN))
async def token(form: Annotated[TokenIn, Form()], request: Request, gate: At) -> TokenOut:
    """Tokens for an API client. The second factor comes as `totp_code` or as `client_secret`."""
    client = _client(gate, request)
    now = utcnow()
    proof = await accounts.authenticate(
        gate,
        email=form.username,
        password=form.password.get_secret_value(),
        code=form.totp_code or form.client_secret or _client_secret(request),
        client=client,
        now=now,
    )
    return _tokens(await sessions.open_token_family(gate, proof, client=client, now=now))


@router.post(
    "/token/refresh",
    operation_id="auth_refresh_token",
    dependencies=PUBLIC,
    responses=problems(Kind.MALFORMED, Kind.INVALID_REQUEST, Kind.UNAUTHENTICATED),
)
async def refresh_token(body: RefreshIn, request: Request, gate: At) -> TokenOut:
    """The next pair; each refresh token works once. One that is used again ends its whole family."""
    given = body.refresh_token.get_secret_value()
    return _tokens(await sessions.refresh(gate, token=given, client=_client(gate, request), now=utcnow()))


@router.post("/logout", operation_id="auth_logout", status_code=204, responses=problems(*SIGNED_IN))
async def logout(subject: Writer, gate: At) -> Response:
    """End this session: its cookie, or its access and refresh tokens."""
    await sessions.end(gate, subject, session_id=subject.session_id, now=utcnow())
    return _signed_out(gate)


@router.post(
    "/logout-everywhere", operation_id="auth_logout_everywhere", status_code=204, responses=problems(*SIGNED_IN)
)
async def logout_everywhere(subject: Writer, gate: At) -> Response:
    """End every session and every token of the account, this one included, at once."""
    await sessions.end_all(gate, subject, now=utcnow())
    return _signed_out(gate)


@router.get("/me", operation_id="auth_get_me", responses=problems(*SIGNED_IN))
async def get_me(subject: Reader, gate: At) -> MeOut:
    """The signed-in account: roles, second factors, holds, language, currency, notice choices."""
    return await _mine(gate, subject)


@router.patch(
    "/me", operation_id="auth_update_me", responses=problems(*SIGNED_IN, Kind.MALFORMED, Kind.INVALID_REQUEST)
)
async def update_me(body: MeIn, subject: Writer, gate: At) -> MeOut:
    """Change what the body names; the rest stays. `name` may be null."""
    given = body.model_dump(exclude_unset=True, exclude={"notices"})
    values = {key: value for key, value in given.items() if value is not None or key == "name"}
    notices = body.notices.model_dump(exclude_none=True) if body.notices is not None else None
    await accounts.update_account(gate, subject, values=values, notices=notices)
    return await _mine(gate, subject)


@router.post("/totp", operation_id="auth_create_totp", status_code=201, responses=problems(*SIGNED_IN, Kind.CONFLICT))
async def create_totp(subject: Writer, gate: At) -> TotpOut:
    """A new authenticator seed, shown once; it counts when it is confirmed with a code."""
    seed, uri = await factors.begin_totp(gate, subject, now=utcnow())
    return TotpOut(secret=seed, otpauth_uri=uri)


@router.post(
    "/totp/confirm",
    operation_id="auth_confirm_totp",
    responses=problems(
        *SIGNED_IN, Kind.MALFORMED, Kind.INVALID_REQUEST, Kind.INVALID_CODE, Kind.CONFLICT, Kind.RATE_LIMITED
    ),
)
async def confirm_totp(body: ConfirmTotpIn, subject: Writer, response: Response, gate: At) -> RecoveryCodesOut:
    """Prove that the authenticator works. The answer shows the recovery codes, once."""
    codes, value = await factors.confirm_totp(gate, subject, code=body.code, now=utcnow())
    _renew_cookie(gate, response, subject, value)
    return RecoveryCodesOut(recovery_codes=codes)


@router.post(
    "/password",
    operation_id="auth_change_password",
    status_code=204,
    responses=problems(
        *SIGNED_IN,
        Kind.MALFORMED,
        Kind.INVALID_REQUEST,
        Kind.INVALID_CREDENTIALS,
        Kind.MFA_REQUIRED,
        Kind.INVALID_CODE,
        Kind.CODE_ALREADY_USED,
        Kind.CONFLICT,
        Kind.RATE_LIMITED,
        Kind.BUSY,
    ),
)
async def change_password(body: PasswordIn, subject: Writer, gate: At) -> Response:
    """Change the password; every other session ends. With a second factor set up, `totp_code` is needed."""
    value = await sessions.change_password(
        gate,
        subject,
        current=body.current_password.get_secret_value(),
        new=body.new_password.get_secret_value(),
        code=body.totp_code,
        now=utcnow(),
    )
    response = Response(status_code=204)
    _renew_cookie(gate, response, subject, value)
    return response


@router.post(
    "/email",
    operation_id="auth_change_email",
    status_code=202,
    responses=problems(*SIGNED_IN, *PROVING, Kind.CONFLICT),
)
async def change_email(body: EmailIn, subject: Writer, gate: At) -> EmailWaitingOut:
    """Ask for another e-mail address: a link goes there, and a word of it to the present one. Nothing changes until the
    link is opened; then nothing new leaves the account for 72 hours."""
    asked = await email.ask(
        gate,
        subject,
        email=body.email,
        password=body.current_password.get_secret_value(),
        code=body.totp_code,
        now=utcnow(),
    )
    return EmailWaitingOut(email=asked.email, expires_at=asked.expires_at)


@router.delete(
    "/email", operation_id="auth_drop_email", status_code=204, responses=problems(*SIGNED_IN, Kind.NOT_FOUND)
)
async def drop_email(subject: Writer, gate: At) -> Response:
    """Keep the present address: the link that is on its way does nothing any more."""
    await email.drop(gate, subject, now=utcnow())
    return Response(status_code=204)


@router.post(
    "/email/confirm",
    operation_id="auth_confirm_email",
    dependencies=PUBLIC,
    responses=problems(*BY_LINK, Kind.CONFLICT),
)
async def confirm_email(body: LinkIn, request: Request, gate: At) -> EmailConfirmedOut:
    """Open the link: from now on this is the account's address."""
    now = utcnow()
    await links.take(gate, client_address(request), now=now)
    address, until = await email.confirm(gate, token=body.token.get_secret_value(), now=now)
    return EmailConfirmedOut(email=address, held_until=until)


@router.get("/sessions", operation_id="auth_list_sessions", responses=problems(*SIGNED_IN, Kind.INVALID_REQUEST))
async def list_sessions(subject: Reader, paging: Annotated[Paging, Depends()], gate: At) -> Page[SessionOut]:
    """Where the account is signed in, newest first."""
    rows = await sessions.live(gate, subject, before=paging.before, limit=paging.limit, now=utcnow())
    items = [
        SessionOut(
            id=row.id,
            credential=Credential(row.credential).value,
            user_agent=row.user_agent,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            expires_at=row.expires_at,
            current=row.id == subject.session_id,
        )
        for row in rows
    ]
    return Page(items=items, next_cursor=next_cursor([(row.created_at, row.id) for row in rows], paging.limit))


@router.delete(
    "/sessions/{session_id}",
    operation_id="auth_revoke_session",
    status_code=204,
    responses=problems(*SIGNED_IN, Kind.INVALID_REQUEST, Kind.NOT_FOUND),
)
async def revoke_session(session_id: uuid.UUID, subject: Writer, gate: At) -> Response:
    """End one of your sessions."""
    await sessions.end(gate, subject, session_id=session_id, now=utcnow())
    return _signed_out(gate) if session_id == subject.session_id else Response(status_code=204)


@router.post("/freeze/look", operation_id="auth_look_freeze", dependencies=PUBLIC, responses=problems(*BY_LINK))
async def look_freeze(body: LinkIn, request: Request, gate: At) -> FreezableOut:
    """What the freeze link of a mail is about. Changes nothing."""
    now = utcnow()
    await links.take(gate, client_address(request), now=now)
    found = await freezing.look(gate, body.token.get_secret_value(), now=now)
    return FreezableOut(email=found.email, frozen_at=found.frozen_at, used=found.used)


@router.post("/freeze", operation_id="auth_freeze", dependencies=PUBLIC, responses=problems(*BY_LINK, Kind.CONFLICT))
async def freeze(body: LinkIn, request: Request, gate: At) -> FreezableOut:
    """Stop everything that would leave the account that the mail went to. Each link does it once."""
    now = utcnow()
    await links.take(gate, client_address(request), now=now)
    found = await freezing.freeze(gate, body.token.get_secret_value(), now=now)
    return FreezableOut(email=found.email, frozen_at=found.frozen_at, used=found.used)


@router.post(
    "/unfreeze",
    operation_id="auth_unfreeze",
    responses=problems(
        *SIGNED_IN,
        Kind.MALFORMED,
        Kind.INVALID_REQUEST,
        Kind.CONFLICT,
        Kind.POLICY_BLOCKED,
        Kind.SECOND_FACTOR_REQUIRED,
        Kind.INVALID_CODE,
        Kind.CODE_ALREADY_USED,
        Kind.RATE_LIMITED,
    ),
)
async def unfreeze(body: UnfreezeIn, subject: Writer, gate: At) -> MeOut:
    """Lift what a freeze link of yours froze, with your second factor. What we froze, we lift."""
    await freezing.lift(gate, subject, code=body.totp_code, now=utcnow())
    return await _mine(gate, subject)


# --- shapes --------------------------------------------------------------------------------------------------------


async def _mine(gate: Gate, subject: Subject) -> MeOut:
    now = utcnow()
    account = await accounts.get_account(gate, user_id=subject.user_id)
    return _me(account, subject.session_id, await email.waiting(gate, user_id=subject.user_id, now=now), now)


def _me(account: Account, session_id: uuid.UUID, waiting: email.Asked | None, now: datetime) -> MeOut:
    holds = []
    if account.frozen_at is not None:
        yours = account.frozen_by == "owner"
        holds.append(HoldOut(reason="frozen", since=account.frozen_at, until=None, yours=yours))
    if account.held_since is not None and account.held_until is not None and account.held_until > now:
        holds.append(HoldOut(reason="email_changed", since=account.held_since, until=account.held_until, yours=False))
    return MeOut(
        id=account.id,
        email=account.email,
        name=account.name,
        roles=sorted(account.roles),
        permissions=sorted(account.permissions),
        factors=["totp"] if account.enrolled else [],
        recovery_codes_left=account.recovery_codes_left,
        holds=holds,
        language=account.language,
        currency=account.currency,
        notices=NoticesOut.model_validate(account.notices),
        email_waiting=EmailWaitingOut(email=waiting.email, expires_at=waiting.expires_at) if waiting else None,
        created_at=account.created_at,
        session_id=session_id,
    )


def _tokens(pair: sessions.TokenPair) -> TokenOut:
    return TokenOut(access_token=pair.access_token, expires_in=pair.expires_in, refresh_token=pair.refresh_token)


# --- cookies and clients -------------------------------------------------------------------------------------------


def _refuse_other_sites(gate: Gate, request: Request) -> None:
    """A page of another site must not sign its visitor in as somebody else. Clients that are no browsers say nothing."""
    if own_page(gate, request) is False:
        raise Refusal(Kind.FORBIDDEN, "Another site's page may not do this.")


def _client(gate: Gate, request: Request) -> Client:
    return Client(
        address=client_address(request),
        user_agent=request.headers.get("user-agent"),
        device_mark=request.cookies.get(_device_cookie(gate)),
    )


def _client_secret(request: Request) -> str | None:
    """The secret of OAuth2 client authentication in the header, which is where Swagger UI's dialog puts it by default."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic" or len(encoded) > 1024:
        return None
    try:
        _, _, secret = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeError, ValueError):
        return None
    return secret[:64] or None


def _device_cookie(gate: Gate) -> str:
    return session_cookie(gate).replace("__Host-sid", "__Host-device")


def _set_cookie(response: Response, name: str, value: str, seconds: int) -> None:
    # `__Host-` needs Secure; browsers take and send Secure cookies on http to localhost.
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict")


def _renew_cookie(gate: Gate, response: Response, subject: Subject, value: str) -> None:
    if subject.credential is Credential.COOKIE:
        _set_cookie(response, session_cookie(gate), value, gate.settings.auth.session_absolute_seconds)


def _signed_out(gate: Gate) -> Response:
    response = Response(status_code=204)
    response.delete_cookie(session_cookie(gate), path="/", secure=True, httponly=True, samesite="strict")
    return response
