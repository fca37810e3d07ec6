"""What auth decides, without doing it: permissions, TOTP steps, limits, passwords, names of people, origins."""

import hashlib
import ipaddress
import re
import unicodedata
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

# --- permissions ---------------------------------------------------------------------------------------------------

PUBLIC = "public"
SANDBOX = "sandbox"
ANONYMOUS = frozenset({PUBLIC, SANDBOX})
"""Policies that ask for no credential."""

PERMISSIONS = frozenset(
    {
        "account.read",
        "account.write",
        "wallets.read",
        "wallets.write",
        "exchange.quote",
        "exchange.convert",
        "transactions.read",
        "transactions.withdraw",
        "events.read",
        "audit.books",
        "ops.withdrawals",
        "ops.pause",
        "ops.treasury",
        "compliance.approve",
    }
)
"""Every permission a route may name. Which role holds which is rows (`role_permissions`)."""

_OWN_ACCOUNT = frozenset({"account.read", "account.write", "events.read"})

ROLES: dict[str, frozenset[str]] = {
    "customer": _OWN_ACCOUNT
    | {
        "wallets.read",
        "wallets.write",
        "exchange.quote",
        "exchange.convert",
        "transactions.read",
        "transactions.withdraw",
    },
    "support": _OWN_ACCOUNT,
    "compliance_officer": _OWN_ACCOUNT | {"compliance.approve", "ops.withdrawals"},
    "approver": _OWN_ACCOUNT | {"compliance.approve"},
    "treasurer": _OWN_ACCOUNT | {"ops.withdrawals", "ops.pause", "ops.treasury", "audit.books"},
    "auditor": _OWN_ACCOUNT | {"audit.books"},
    "administrator": _OWN_ACCOUNT | {"ops.withdrawals", "ops.pause", "ops.treasury", "audit.books"},
}
"""What a fresh database is seeded with; afterwards the rows are the truth."""


class Credential(StrEnum):
    """How a session shows itself."""

    COOKIE = "cookie"
    """A browser: the opaque session value in a `__Host-` cookie."""
    BEARER = "bearer"
    """An API client: access tokens and a rotating refresh token."""


class Purpose(StrEnum):
    """What a link is for, and nothing else."""

    CANCEL = "cancel"
    """Cancels one withdrawal."""
    FREEZE = "freeze"
    """Freezes what would leave the account that a mail went to, once."""
    CONFIRM_EMAIL = "confirm-email"
    """Makes an address that somebody asked for their account's."""
    TRACK = "track"
    """Shows how far one withdrawal is."""


LINK_BYTES = 16 + 5 + 32
"""Of what, until when in seconds, and the tag."""


def link_body(of: uuid.UUID, until: datetime) -> bytes:
    """What is signed of a link; whole seconds."""
    return of.bytes + int(until.timestamp()).to_bytes(5)


def read_link(body: bytes) -> tuple[uuid.UUID, datetime]:
    """The other way round."""
    return uuid.UUID(bytes=body[:16]), datetime.fromtimestamp(int.from_bytes(body[16:21]), UTC)


# --- people --------------------------------------------------------------------------------------------------------

EMAIL_MOST = 254


def canonical_email(email: str) -> str | None:
    """The one spelling by which an account is found, or None for what can be nobody's address.

    The whole address is folded: two accounts that differ in case only would be one person to everybody else.
    """
    text = unicodedata.normalize("NFC", email.strip()).casefold()
    if not 3 <= len(text) <= EMAIL_MOST or "@" not in text or not text.isprintable():
        return None
    return text


EMAIL_HOLD = timedelta(hours=72)
"""How long nothing leaves an account after its e-mail address changed: time for the one who reads the old address."""
EMAIL_LINK = timedelta(hours=24)
"""How long the link in the message to the new address works."""

PASSWORD_LEAST = 15
PASSWORD_MOST = 128

# What people type when a page asks for fifteen characters (the survivors of the usual lists, and keyboard walks).
_COMMON = frozenset(
    {
        "000000000000000", "0000000000000000", "111111111111111", "1111111111111111", "123123123123123",
        "123456789012345", "1234567890123456", "123456789123456", "1234567891234567", "12345678910111213",
        "1q2w3e4r5t6y7u8i9o0p", "1qaz2wsx3edc4rfv", "1qaz2wsx3edc4rfv5tgb", "abcdefghijklmno", "abcdefghijklmnop",
        "abcdefghijklmnopqrstuvwxyz", "changemechangeme", "changemenowplease", "iloveyouiloveyou",
        "letmeinletmeinletmein", "passwordpassword", "passwordpassword1", "password123456789", "password1234567",
        "passw0rdpassw0rd", "qazwsxedcrfvtgb", "qwertyuiopasdfg", "qwertyuiopasdfgh", "qwertyuiopasdfghjkl",
        "qwertyuiop123456", "qwertyqwertyqwerty", "thisismypassword", "thequickbrownfox", "administratoradministrator",
    }
)  # fmt: skip

_FILLER = re.compile(r"[\W\d_]+")


def normal_password(password: str) -> str:
    """The characters as typed, after NFC, so that two keyboards spell the same password."""
    return unicodedata.normalize("NFC", password)


def password_fault(password: str, *, email: str, brand: str) -> str | None:
    """Why this password is refused, as a sentence, or None. Expects `normal_password`."""
    if len(password) < PASSWORD_LEAST:
        return f"A password has at least {PASSWORD_LEAST} characters."
    if len(password) > PASSWORD_MOST:
        return f"A password has at most {PASSWORD_MOST} characters."
    folded = password.casefold()
    if folded in _COMMON:
        return "This password is on every list of common passwords."
    # The own address and the brand are the first guesses: what remains beside them has to be a password by itself.
    account = email.casefold()
    local, _, domain = account.partition("@")
    bare = folded
    for word in sorted({account, local, domain, domain.partition(".")[0], brand.casefold()}, key=len, reverse=True):
        if len(word) >= 3:
            bare = bare.replace(word, "")
    if bare != folded and len(_FILLER.sub("", bare)) < 4:
        return "This password is made of your e-mail address or our name."
    return None


# --- second factor -------------------------------------------------------------------------------------------------

STEP_SECONDS = 30
_CODE = re.compile(r"[0-9]{6}\Z", re.ASCII)
_RECOVERY = re.compile(r"[A-Z2-7]{16}\Z", re.ASCII)
RECOVERY_CODES = 10


def is_totp_code(code: str) -> bool:
    """Six ASCII digits: other scripts' digits would verify too, and then a code would be usable twice."""
    return _CODE.match(code) is not None


def step_at(now: datetime) -> int:
    """The TOTP time step of a moment."""
    return int(now.timestamp()) // STEP_SECONDS


def steps_around(now: datetime) -> tuple[int, int, int]:
    """The steps whose codes are taken: one back, the present, one ahead."""
    step = step_at(now)
    return step - 1, step, step + 1


def seconds_to_next_step(now: datetime) -> int:
    """Until the authenticator shows another code; at least 1."""
    return max(1, STEP_SECONDS - int(now.timestamp()) % STEP_SECONDS)


def spelled_recovery_code(raw: str) -> str:
    """Sixteen base32 characters in groups of four, as shown to the user."""
    return "-".join(raw[at : at + 4] for at in range(0, 16, 4))


def bare_recovery_code(text: str) -> str | None:
    """The sixteen characters of a recovery code however it was typed, or None when it cannot be one."""
    bare = text.strip().upper().replace("-", "").replace(" ", "")
    return bare if _RECOVERY.match(bare) else None


# --- limits (security.md 4.6) --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` in any `period`; a spent one comes back after `period / count`."""

    name: str
    count: int
    period: timedelta

    def times(self, factor: int) -> "Limit":
        return Limit(self.name, self.count * factor, self.period)

    @property
    def interval(self) -> timedelta:
        return self.period / self.count


_TEN_MINUTES = timedelta(minutes=10)
LIMITS: dict[str, Limit] = {
    limit.name: limit
    for limit in (
        Limit("login_device", 10, _TEN_MINUTES),
        Limit("login_account", 20, _TEN_MINUTES),
        Limit("login_network", 100, _TEN_MINUTES),
        Limit("register_network", 20, timedelta(hours=1)),
        Limit("password", 10, timedelta(hours=1)),
        Limit("email_changes", 10, timedelta(hours=1)),
        Limit("second_factor", 20, timedelta(days=1)),
        Limit("withdrawals", 10, timedelta(hours=1)),
        Limit("transfers", 20, timedelta(hours=1)),
        Limit("quotes", 60, timedelta(minutes=1)),
        Limit("exports", 5, timedelta(hours=1)),
        Limit("addresses", 60, timedelta(hours=1)),
        Limit("webhooks", 60, timedelta(hours=1)),
        Limit("receipts", 120, timedelta(hours=1)),
        Limit("links_network", 120, timedelta(minutes=1)),
    )
}


def network_of(address: str) -> str:
    """The /24 or /56 a client belongs to: one household or rack counts as one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    width = 24 if found.version == 4 else 56
    return str(ipaddress.ip_network(f"{found}/{width}", strict=False))


def is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found.is_loopback


# --- sessions and origins ------------------------------------------------------------------------------------------

REFRESH_GRACE = timedelta(seconds=10)
"""A lost answer: the same device may fetch the same successor again within this time."""
REFRESH_IDLE = timedelta(days=7)
COOKIE_GRACE = timedelta(seconds=10)
"""Requests already on their way when the cookie's value changed."""
SEEN_EVERY = timedelta(seconds=60)
"""How often `last_seen_at` is written; finer would cost a write per request."""


def secret_digest(secret: str) -> bytes:
    """What is stored in place of a 256-bit random secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def cookie_name(public_url: str, port: int) -> str:
    """`__Host-sid`; on plain http the port is part of it, because cookies do not know ports (HOUSE.md)."""
    return "__Host-sid" if public_url.startswith("https://") else f"__Host-sid-{port}"


def origins_of(public_url: str, port: int, *, sandboxed: bool) -> frozenset[str]:
    """The origins whose pages may write with the cookie."""
    found = {public_url.rstrip("/").lower()}
    if sandboxed:
        found |= {f"http://{host}:{port}" for host in ("localhost", "127.0.0.1", "[::1]")}
    return frozenset(found)


def from_own_page(*, fetch_site: str | None, origin: str | None, origins: Iterable[str]) -> bool | None:
    """Whether a browser says that our own page asks; None when it says nothing (no browser, or a very old one)."""
    if fetch_site is not None:
        return fetch_site == "same-origin"
    if origin is not None:
        return origin.lower() in origins
    return None


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What the store knows about a presented refresh token and its family."""

    id: uuid.UUID
    session_id: uuid.UUID
    user_id: uuid.UUID
    issued_at: datetime
    expires_at: datetime
    used_at: datetime | None
    device: bytes
    alive: bool
    """Session neither revoked nor outdated by the user's epoch nor past its end."""
    successor_used: bool


class Turn(StrEnum):
    """What happens to a presented refresh token."""

    ROTATE = "rotate"
    """First use: it is spent and a successor is given."""
    REPEAT = "repeat"
    """The answer was lost: the same successor again."""
    KILL = "kill"
    """Used before: somebody else holds it too, and the family ends."""
    REFUSE = "refuse"
    """Expired, or its family has ended."""


def judge_refresh(token: RefreshToken, *, device: bytes, now: datetime) -> Turn:
    """Rotation with a safe retry: a good client that lost an answer is not signed out, a thief is."""
    if not token.alive:
        return Turn.REFUSE
    if token.used_at is not None:
        lost = now <= token.used_at + REFRESH_GRACE and token.device == device and not token.successor_used
        return Turn.REPEAT if lost else Turn.KILL
    if now >= token.expires_at or now >= token.issued_at + REFRESH_IDLE:
        return Turn.REFUSE
    return Turn.ROTATE
