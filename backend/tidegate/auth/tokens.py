"""Access tokens for API clients: the only module that knows python-jose, and keeps it on a short lead.

python-jose accepts far more than it should and raises far more than it says (security.md findings 1 and 2), so
everything that can be judged is judged before it sees a token, and whatever it raises means: not signed in.
HS256 with 32 derived bytes only; jwe is never imported.
"""

import base64
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jose import jws, jwt

from tidegate.auth.keyring import KEY_BYTES, Keyring

ALGORITHM = "HS256"
TYPE = "at+jwt"
MOST_BYTES = 2048
MOST_SECONDS = 300
LEEWAY_SECONDS = 5
MOST_REMEMBERED = 20_000
_PART = re.compile(r"[A-Za-z0-9_-]+\Z", re.ASCII)
_HEADER_KEYS = frozenset({"alg", "typ", "kid"})
_CLAIMS = frozenset({"iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"})
_REQUIRED = {f"require_{claim}": True for claim in ("exp", "iat", "nbf", "aud", "iss", "sub", "jti")}


class NotAToken(Exception):
    """The bytes are not an access token of ours that is valid now. The text is for the log of a test, not for a client."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a valid token says. Whether session and user still stand is for the database to answer."""

    user_id: uuid.UUID
    session_id: uuid.UUID


class Tokens:
    """Makes and reads access tokens of one installation."""

    def __init__(self, keys: Keyring, *, issuer: str, seconds: int) -> None:
        if len(keys.access_token) != KEY_BYTES:
            raise SystemExit("The access token key is too short.")
        self._key = keys.access_token
        self._key_id = keys.access_token_id
        self._issuer = issuer
        self._audience = issuer.rstrip("/") + "/api/v1"
        self.seconds = min(seconds, MOST_SECONDS)
        self._read: dict[str, tuple[AccessToken, int]] = {}

    def make(self, *, user_id: uuid.UUID, session_id: uuid.UUID, now: datetime) -> str:
        """A token for one session, valid from `now` for `seconds`."""
        issued = int(now.timestamp())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": str(uuid.uuid4()),
            "iat": issued,
            "nbf": issued,
            "exp": issued + self.seconds,
        }
        made: str = jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"typ": TYPE, "kid": self._key_id})
        return made

    def read(self, token: str, *, now: datetime) -> AccessToken:
        """The token's subject and session, or NotAToken; no input raises anything else.

        A signature is computed once: the same bytes again are only held against the clock. Whether the session stands
        is never remembered.
        """
        known = self._read.get(token)
        if known is not None:
            if now.timestamp() >= known[1] + LEEWAY_SECONDS:
                del self._read[token]
                raise NotAToken("expired")
            return known[0]
        try:
            self._check_outside(token)
            # Signature first and by itself: jws with a list of one algorithm; jwt.decode repeats it for the claims.
            payload = jws.verify(token, self._key, algorithms=[ALGORITHM])
            claims = _object(payload)
            jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                # The clock is judged below, against the caller's `now`.
                options=_REQUIRED
                | {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "leeway": LEEWAY_SECONDS},
            )
            found = self._check_claims(claims, now)
            if len(self._read) >= MOST_REMEMBERED:
                self._read.clear()
            self._read[token] = found, claims["exp"]
            return found
        except NotAToken:
            raise
        except Exception as error:  # noqa: BLE001  hostile tokens raise TypeError, OverflowError, RecursionError … in jose
            raise NotAToken(type(error).__name__) from None

    def _check_outside(self, token: str) -> None:
        """Everything that can be judged without a key."""
        if len(token) > MOST_BYTES or not token.isascii():
            raise NotAToken("size or alphabet")
        parts = token.split(".")
        if len(parts) != 3:
            raise NotAToken("parts")
        for part in parts:
            if not _PART.match(part) or _encode(_decode(part)) != part:
                raise NotAToken("not canonical base64url")
        if len(_decode(parts[2])) != 32:
            raise NotAToken("signature length")
        header = _object(_decode(parts[0]))
        if header.keys() != _HEADER_KEYS:
            raise NotAToken("header keys")
        if header["alg"] != ALGORITHM or header["typ"] != TYPE or header["kid"] != self._key_id:
            raise NotAToken("header values")

    def _check_claims(self, claims: dict[str, Any], now: datetime) -> AccessToken:
        """Names, types and times, each against what `make` writes."""
        if claims.keys() != _CLAIMS:
            raise NotAToken("claim names")
        if claims["iss"] != self._issuer or claims["aud"] != self._audience:
            raise NotAToken("issuer or audience")
        times = [claims[name] for name in ("iat", "nbf", "exp")]
        if any(type(time) is not int or not 0 < time < 2**40 for time in times):
            raise NotAToken("a time is not an integer")
        issued, not_before, expires = times
        present = now.timestamp()
        leeway = timedelta(seconds=LEEWAY_SECONDS).total_seconds()
        if issued > present + leeway or not_before > present + leeway:
            raise NotAToken("from the future")
        if not 0 < expires - issued <= MOST_SECONDS or present >= expires + leeway:
            raise NotAToken("expired, or lives too long")
        if any(type(claims[name]) is not str for name in ("sub", "sid", "jti")):
            raise NotAToken("an id is not text")
        uuid.UUID(claims["jti"])
        return AccessToken(user_id=uuid.UUID(claims["sub"]), session_id=uuid.UUID(claims["sid"]))


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _object(raw: bytes) -> dict[str, Any]:
    """A JSON object without duplicate names at any depth."""
    found = json.loads(raw.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constants)
    if not isinstance(found, dict):
        raise NotAToken("not an object")
    return found


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotAToken("duplicate name")
    return found


def _no_constants(name: str) -> Callable[[], None]:
    raise NotAToken(f"{name} is not JSON")
