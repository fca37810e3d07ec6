"""Kraken's request signature (venues.md 2.2): over the path, and the hash of nonce and body exactly as they are sent."""

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256, sha512
from urllib.parse import quote_plus

Parameters = Sequence[tuple[str, str]]


def secret_of(told: str) -> bytes:
    """The key's bytes. Raises ValueError for what is no base64."""
    try:
        return b64decode(told, validate=True)
    except binascii.Error as error:
        raise ValueError("secret: not base64") from error


def encode(nonce: int, parameters: Parameters) -> bytes:
    """The form body, nonce first."""
    told = [("nonce", str(nonce)), *parameters]
    return "&".join(f"{quote_plus(key)}={quote_plus(value)}" for key, value in told).encode("ascii")


def signature(secret: bytes, path: str, nonce: int, body: bytes) -> str:
    """The header API-Sign. `path` begins with /0/private/; `body` is sent as it stands here."""
    digest = sha256(str(nonce).encode("ascii") + body).digest()
    return b64encode(hmac.new(secret, path.encode("ascii") + digest, sha512).digest()).decode("ascii")
