"""Binance's request signature (venues.md 1.2): percent-encode first, sign the bytes that will be sent, append last."""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import quote

Parameters = Sequence[tuple[str, str]]


def encode(parameters: Parameters) -> bytes:
    """`a=b&c=d` in the given order, everything but unreserved characters percent-encoded as UTF-8."""
    return "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in parameters).encode("ascii")


def signature(secret: bytes, query: bytes, body: bytes = b"") -> bytes:
    """Lower-case hex HMAC-SHA256 over query and body with nothing between them."""
    return hmac.new(secret, query + body, sha256).hexdigest().encode("ascii")


def signed(secret: bytes, parameters: Parameters) -> bytes:
    """The encoded parameters with their signature appended: send exactly these bytes, as query or as body."""
    payload = encode(parameters)
    return payload + b"&signature=" + signature(secret, payload)
