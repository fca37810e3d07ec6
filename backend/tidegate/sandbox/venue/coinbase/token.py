"""Verifying the token that comes with each request: a JWT signed by the account's own key (ES256 or EdDSA)."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tidegate.sandbox.venue.dialect import Account, Raw

LONGEST_SECONDS = 120
_ISSUERS = frozenset({"cdp", "coinbase-cloud"})


class Untrue(Exception):
    """The token does not say what it should; the text is for whoever debugs a client."""


class Tokens:
    """Tokens of these accounts. One counts once: its nonce is remembered as long as it lasts (in memory only)."""

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = accounts
        self._seen: dict[str, int] = {}  # nonce → exp

    def account(self, raw: Raw, now: int) -> Account:
        """Whose request this is; `now` in seconds. Raises Untrue."""
        kind, _, token = raw.headers.get("authorization", "").partition(" ")
        parts = token.split(".")
        if kind != "Bearer" or len(parts) != 3:
            raise Untrue("no token")
        head, claims, signature = _table(parts[0]), _table(parts[1]), _bytes(parts[2])
        name = head.get("kid")
        account = self._accounts.get(name) if isinstance(name, str) else None
        if account is None:
            raise Untrue("an unknown key")
        _check_signature(account, head.get("alg"), f"{parts[0]}.{parts[1]}".encode(), signature)
        if claims.get("sub") != name or claims.get("iss") not in _ISSUERS:
            raise Untrue("sub or iss")
        self._check_time(claims, now)
        if claims.get("uri") not in _uris(raw):
            raise Untrue("uri")
        self._use(head.get("nonce"), claims["exp"], now)
        return account

    @staticmethod
    def _check_time(claims: Mapping[str, Any], now: int) -> None:
        begins, ends = claims.get("nbf"), claims.get("exp")
        if type(begins) is not int or type(ends) is not int or not 0 < ends - begins <= LONGEST_SECONDS:
            raise Untrue("nbf or exp")
        if not begins <= now < ends:
            raise Untrue("not now")

    def _use(self, nonce: Any, until: int, now: int) -> None:
        if not isinstance(nonce, str) or not nonce or len(nonce) > 200 or nonce in self._seen:
            raise Untrue("nonce")
        if len(self._seen) > 10_000:
            self._seen = {one: ends for one, ends in self._seen.items() if ends > now}
        self._seen[nonce] = until


def _uris(raw: Raw) -> set[str]:
    """Method, host and path without the query; some clients leave the scheme in."""
    where = f"{raw.headers.get('host', '')}{raw.path}"
    return {f"{raw.method} {scheme}{where}" for scheme in ("", "http://", "https://")}


def _bytes(part: str) -> bytes:
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise Untrue("not base64") from None


def _table(part: str) -> dict[str, Any]:
    try:
        value = json.loads(_bytes(part))
    except (ValueError, RecursionError):
        raise Untrue("not JSON") from None
    if not isinstance(value, dict):
        raise Untrue("not a table")
    return value


@cache
def _key(secret: str) -> Any:
    """The account's private key; the venue keeps it as the other dialects keep their secrets, and uses its other half."""
    return load_pem_private_key(secret.replace("\\n", "\n").encode(), password=None)


def _check_signature(account: Account, algorithm: Any, signed: bytes, signature: bytes) -> None:
    key = _key(account.secret)
    try:
        if algorithm == "ES256" and isinstance(key, EllipticCurvePrivateKey) and len(signature) == 64:
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            key.public_key().verify(encode_dss_signature(r, s), signed, ECDSA(SHA256()))
        elif algorithm == "EdDSA" and isinstance(key, Ed25519PrivateKey):
            key.public_key().verify(signature, signed)
        else:
            raise Untrue("another algorithm")
    except InvalidSignature:
        raise Untrue("signature") from None
