"""Links that prove themselves: signed, expiring, for one purpose. Nothing of them is stored, and none is ever logged.

They travel behind a `#`, which browsers keep to themselves, and come back in the body of a POST: no address that any
server, proxy or mail scanner sees holds one.
"""

import base64
import binascii
import hmac
import uuid
from datetime import datetime

from tidegate.auth import rates
from tidegate.auth.gate import Gate
from tidegate.auth.keyring import Keyring
from tidegate.auth.rules import LINK_BYTES, Purpose, link_body, network_of, read_link
from tidegate.refusal import Kind, Refusal

TOKEN_LENGTH = -(-LINK_BYTES * 8 // 6)
_TAG_BYTES = 32


def token(keys: Keyring, purpose: Purpose, of: uuid.UUID, until: datetime) -> str:
    """The same for the same, always."""
    body = link_body(of, until)
    return base64.urlsafe_b64encode(body + keys.link_tag(purpose, body)).rstrip(b"=").decode()


def url(base: str, keys: Keyring, purpose: Purpose, of: uuid.UUID, until: datetime) -> str:
    """Where a person goes with it."""
    return f"{base.rstrip('/')}/{purpose}#{token(keys, purpose, of, until)}"


def read(keys: Keyring, purpose: Purpose, given: str, *, now: datetime) -> uuid.UUID:
    """What the link is about. Refuses NOT_FOUND: not ours, for another purpose, or expired."""
    raw = _bytes(given)
    body, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
    if len(raw) != LINK_BYTES or not hmac.compare_digest(tag, keys.link_tag(purpose, body)):
        raise Refusal(Kind.NOT_FOUND, "This link leads nowhere. Perhaps a part of it is missing.")
    of, until = read_link(body)
    if now >= until:
        raise Refusal(Kind.NOT_FOUND, "This link has expired.")
    return of


def _bytes(given: str) -> bytes:
    if len(given) != TOKEN_LENGTH or not given.isascii():
        return b""
    try:
        raw = base64.b64decode(given + "=" * (-len(given) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return b""
    # One spelling only: the last character has bits that count for nothing.
    return raw if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == given else b""


async def take(gate: Gate, address: str, *, now: datetime) -> None:
    """One look at a link from there; RATE_LIMITED when there were too many."""
    await rates.take(gate, "links_network", network_of(address), now=now)
