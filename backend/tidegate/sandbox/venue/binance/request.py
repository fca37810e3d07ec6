"""Reading a request the way Binance does: raw bytes signed as sent, strict parameters, the protocol's own refusals."""

import hmac
import json
import re
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import unquote_to_bytes

from tidegate.sandbox.venue.binance.words import wrong
from tidegate.sandbox.venue.dialect import Account, Wrong
from tidegate.sandbox.venue.orders import Ask
from tidegate.sandbox.venue.prices import SYMBOLS, Symbol, e8

CLIENT_ID = re.compile(r"[a-zA-Z0-9\-_]{1,36}\Z", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}\Z", re.ASCII)
_DECIMAL = re.compile(r"([0-9]{1,20})(\.[0-9]{1,20})?\Z", re.ASCII)
_INTEGER = re.compile(r"[0-9]{1,20}\Z", re.ASCII)
_WINDOW = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?\Z", re.ASCII)
# What a percent-encoded form may hold; anything else was signed before it was encoded.
_ENCODED = re.compile(rb"[A-Za-z0-9\-_.~%&=+*!'(),:;@/?$]*\Z")
ORDER_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET")
MAX_WINDOW_MS = 60_000
AHEAD_MS = 1_000


def parameters(query: bytes, body: bytes) -> dict[str, str]:
    """Both parts decoded; where a name stands in both, the query wins. Wrong for a name that repeats in one."""
    found: dict[str, str] = {}
    for part in (query, body):
        seen: set[str] = set()
        for pair in filter(None, part.split(b"&")):
            key, _, value = pair.partition(b"=")
            name = _decoded(key)
            if name in seen:
                raise wrong(-1101, f"Duplicate values for parameter '{name}'.")
            seen.add(name)
            found.setdefault(name, _decoded(value))
    return found


def _decoded(value: bytes) -> str:
    try:
        return unquote_to_bytes(value.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise wrong(-1100, "Illegal characters found in a parameter.") from None


def unsigned(part: bytes) -> bytes:
    """The part as it was signed: without the signature, every other byte in its place."""
    return b"&".join(pair for pair in part.split(b"&") if not pair.startswith(b"signature="))


def authenticate(
    accounts: Mapping[str, Account], api_key: str | None, query: bytes, body: bytes, now: int
) -> tuple[Account, dict[str, str]]:
    """The account behind a signed request, and its parameters. Wrong in the order Binance checks."""
    if not api_key or not _KEY.match(api_key):
        raise wrong(-2014, "API-key format invalid.", 401)
    account = accounts.get(api_key)
    if account is None:
        raise wrong(-2015, "Invalid API-key, IP, or permissions for action.", 401)
    found = parameters(query, body)
    _check_time(found, now)
    given = mandatory(found, "signature")
    payload = unsigned(query) + unsigned(body)
    wanted = hmac.new(account.secret.encode(), payload, sha256).hexdigest()
    if not _ENCODED.match(payload) or not hmac.compare_digest(given.lower().encode(), wanted.encode()):
        raise wrong(-1022, "Signature for this request is not valid.")
    return account, found


def _check_time(found: Mapping[str, str], now: int) -> None:
    stamp = integer(found, "timestamp")
    if stamp is None:
        raise _missing("timestamp")
    text = found.get("recvWindow", "5000")
    if not _WINDOW.match(text):
        raise _illegal("recvWindow", r"^[0-9]{1,6}(\.[0-9]{1,3})?$")
    window = e8(text)
    if window > e8(str(MAX_WINDOW_MS)):
        raise wrong(-1131, "recvWindow must be less than 60000.")
    if stamp >= now + AHEAD_MS:
        raise wrong(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if e8(str(max(0, now - stamp))) > window:
        raise wrong(-1021, "Timestamp for this request is outside of the recvWindow.")


def _missing(name: str) -> Wrong:
    return wrong(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def _illegal(name: str, legal: str) -> Wrong:
    return wrong(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def mandatory(found: Mapping[str, str], name: str) -> str:
    if not found.get(name):
        raise _missing(name)
    return found[name]


def integer(found: Mapping[str, str], name: str) -> int | None:
    """A whole number, None where it was not sent."""
    text = found.get(name)
    if text is None:
        return None
    if not _INTEGER.match(text):
        raise _illegal(name, "^[0-9]{1,20}$")
    return int(text)


def limit(found: Mapping[str, str], *, default: int, most: int) -> int:
    value = integer(found, "limit")
    if value == 0:
        raise wrong(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(value or default, most)


def decimal(found: Mapping[str, str], name: str) -> int:
    """A quantity or price in units of 1e-8; 0 where it was not sent, otherwise above zero."""
    text = found.get(name)
    if text is None:
        return 0
    if not _DECIMAL.match(text):
        raise _illegal(name, r"^([0-9]{1,20})(\.[0-9]{1,20})?$")
    whole, _, fraction = text.partition(".")
    if len(fraction.rstrip("0")) > 8:
        raise wrong(-1111, f"Parameter '{name}' has too much precision.")
    value = e8(f"{whole}.{fraction[:8]}")
    if value == 0:
        raise wrong(-1013, f"Invalid {name}.")
    return value


def symbol(found: Mapping[str, str]) -> Symbol:
    name = mandatory(found, "symbol")
    if name not in SYMBOLS:
        raise wrong(-1121, "Invalid symbol.")
    return SYMBOLS[name]


def symbols(found: Mapping[str, str]) -> list[Symbol]:
    """By `symbol` or `symbols` (a JSON list), or all of them."""
    if "symbol" in found and "symbols" in found:
        raise wrong(-1128, "Combination of optional parameters invalid.")
    if "symbol" in found:
        return [symbol(found)]
    if "symbols" not in found:
        return list(SYMBOLS.values())
    try:
        names = json.loads(found["symbols"])
    except ValueError:
        names = None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise _illegal("symbols", r"^\[(\"[A-Z0-9\-_.]{1,20}\"(,\"[A-Z0-9\-_.]{1,20}\"){0,}){0,1}\]$")
    return [symbol({"symbol": name}) for name in names]


def client_id(found: Mapping[str, str], name: str) -> str | None:
    text = found.get(name)
    if text is not None and not CLIENT_ID.match(text):
        raise _illegal(name, "^[a-zA-Z0-9-_]{1,36}$")
    return text


def ask(found: Mapping[str, str], fresh_id: str) -> Ask:
    """The order a client wants to place."""
    pair = symbol(found)
    side, kind = mandatory(found, "side"), mandatory(found, "type")
    if side not in ("BUY", "SELL"):
        raise wrong(-1117, "Invalid side.")
    if kind not in ORDER_TYPES:
        raise wrong(-1116, "Invalid orderType.")
    quantity, price = decimal(found, "quantity"), decimal(found, "price")
    worth, time_in_force = decimal(found, "quoteOrderQty"), found.get("timeInForce")
    if kind == "LIMIT":
        if not time_in_force:
            raise _missing("timeInForce")
        if time_in_force not in ("GTC", "IOC", "FOK"):
            raise wrong(-1115, "Invalid timeInForce.")
    elif time_in_force is not None:
        raise wrong(-1106, "Parameter 'timeInForce' sent when not required.")
    if kind == "MARKET":
        if price:
            raise wrong(-1106, "Parameter 'price' sent when not required.")
        if bool(quantity) is bool(worth):
            raise _missing("quantity") if not quantity else wrong(-1128, "Combination of optional parameters invalid.")
    else:
        if worth:
            raise wrong(-1106, "Parameter 'quoteOrderQty' sent when not required.")
        if not quantity:
            raise _missing("quantity")
        if not price:
            raise _missing("price")
    return Ask(
        symbol=pair,
        buys=side == "BUY",
        type=kind,
        time_in_force=time_in_force or "GTC",
        quantity=quantity,
        quote_quantity=worth,
        price=price,
        client_id=client_id(found, "newClientOrderId") or fresh_id,
    )
