"""Reading a request the way Kraken does: the signature over path, nonce and body, forms or JSON, its own refusals."""

import binascii
import hmac
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256, sha512
from typing import Any
from urllib.parse import parse_qsl

from tidegate.sandbox.venue.dialect import Account, Raw
from tidegate.sandbox.venue.kraken.names import pair_of
from tidegate.sandbox.venue.kraken.words import invalid, wrong
from tidegate.sandbox.venue.orders import Ask
from tidegate.sandbox.venue.prices import E8, e8

_DECIMAL = re.compile(r"([0-9]{1,20})(\.[0-9]{1,20})?\Z", re.ASCII)
_NONCE = re.compile(r"[0-9]{1,20}\Z", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z|[0-9a-fA-F]{32}\Z", re.ASCII)
_SHORT = re.compile(r"[!-~]{1,18}\Z", re.ASCII)
_MOST_NONCE = 1 << 64
LEAST_DEADLINE_MS, MOST_DEADLINE_MS = 2_000, 60_000


def parameters(raw: Raw) -> dict[str, str]:
    """Of a public call from its query, of a private one from its body, form or JSON."""
    if raw.method == "GET":
        return _form(raw.query)
    if raw.headers.get("content-type", "").partition(";")[0] != "application/json":
        return _form(raw.body)
    try:
        value = json.loads(raw.body, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        raise wrong("EGeneral:Invalid arguments") from None
    if not isinstance(value, dict):
        raise wrong("EGeneral:Invalid arguments")
    return {name: _text(name, one) for name, one in value.items() if one is not None}


def _form(part: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(part.decode("ascii"), keep_blank_values=True, strict_parsing=bool(part)))
    except (ValueError, UnicodeDecodeError):
        raise wrong("EGeneral:Invalid arguments") from None


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise invalid(name)
    return value


def authenticate(accounts: Mapping[str, Account], raw: Raw, found: Mapping[str, str]) -> tuple[Account, int]:
    """The account behind a signed request, and its nonce. Raises Wrong in the order in which Kraken looks."""
    account = accounts.get(raw.headers.get("api-key", ""))
    if account is None:
        raise wrong("EAPI:Invalid key")
    nonce = found.get("nonce", "")
    if not _NONCE.match(nonce) or int(nonce) >= _MOST_NONCE:
        raise wrong("EAPI:Invalid nonce")
    try:
        secret = b64decode(account.secret, validate=True)
    except binascii.Error:
        raise wrong("EAPI:Invalid key") from None
    digest = sha256(nonce.encode() + raw.body).digest()
    wanted = b64encode(hmac.new(secret, raw.path.encode() + digest, sha512).digest())
    if not hmac.compare_digest(raw.headers.get("api-sign", "").encode(), wanted):
        raise wrong("EAPI:Invalid signature")
    return account, int(nonce)


def mandatory(found: Mapping[str, str], name: str) -> str:
    if not found.get(name):
        raise invalid(name)
    return found[name]


def flag(found: Mapping[str, str], name: str) -> bool:
    return found.get(name, "").lower() in ("true", "1")


def whole(found: Mapping[str, str], name: str, default: int = 0) -> int:
    """A whole number; a fraction (of a second) is cut off."""
    text = found.get(name)
    if text is None:
        return default
    if not _DECIMAL.match(text):
        raise invalid(name)
    return int(text.partition(".")[0])


def decimal(found: Mapping[str, str], name: str) -> int:
    """In units of 1e-8, above zero."""
    text = mandatory(found, name)
    if not _DECIMAL.match(text):
        raise invalid(name)
    before, _, fraction = text.partition(".")
    if len(fraction.rstrip("0")) > 8:
        raise invalid(name)
    value = e8(f"{before}.{fraction[:8]}")
    if value == 0:
        raise invalid(name)
    return value


def client_id(found: Mapping[str, str]) -> str | None:
    """`cl_ord_id`: a UUID with hyphens or without, or up to 18 characters."""
    text = found.get("cl_ord_id")
    if text is not None and not _UUID.match(text) and not _SHORT.match(text):
        raise invalid("cl_ord_id")
    return text


def check_deadline(found: Mapping[str, str], now: int) -> None:
    text = found.get("deadline")
    if text is None:
        return
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise invalid("deadline") from None
    until = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    if until <= now:
        raise wrong("EService:Deadline elapsed")
    if not now + LEAST_DEADLINE_MS - 1000 <= until <= now + MOST_DEADLINE_MS:
        raise invalid("deadline")


def ask(found: Mapping[str, str], fresh_id: str) -> Ask:
    """The order a client wants to place."""
    pair = pair_of(mandatory(found, "pair"))
    side, kind = mandatory(found, "type"), mandatory(found, "ordertype")
    flags = set(filter(None, found.get("oflags", "").split(",")))
    lasts = found.get("timeinforce", "GTC").upper()
    if side not in ("buy", "sell"):
        raise invalid("type")
    if kind not in ("limit", "market"):
        raise invalid("ordertype")
    if lasts not in ("GTC", "IOC"):
        raise invalid("timeinforce")
    if flags - {"fciq", "post", "viqc", "nompp"} or ("viqc" in flags and (kind, side) != ("market", "buy")):
        raise invalid("oflags")
    if "cl_ord_id" in found and "userref" in found:
        raise invalid("userref")
    volume, price = decimal(found, "volume"), decimal(found, "price") if kind == "limit" else 0
    if price and price % pair.symbol.tick:
        raise wrong("EOrder:Tick size check failed")
    if price >= 10**7 * E8:
        raise wrong("EOrder:Invalid price")
    by_worth = "viqc" in flags
    return Ask(
        symbol=pair.symbol,
        buys=side == "buy",
        type="MARKET" if kind == "market" else "LIMIT_MAKER" if "post" in flags else "LIMIT",
        time_in_force=lasts,
        quantity=0 if by_worth else volume,
        quote_quantity=volume if by_worth else 0,
        price=price,
        client_id=client_id(found) or fresh_id,
    )
