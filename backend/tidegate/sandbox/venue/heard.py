"""What clients sent lately, without their secrets: so that two clients of one protocol can be compared."""

import itertools
import json
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl

from tidegate.sandbox.venue.dialect import Raw

MOST = 2000
LONGEST = 200
_SECRETS = frozenset({"signature", "otp", "api-sign", "authorization", "x-mbx-apikey", "api-key"})
_HEADERS = ("content-type", "user-agent", "cache-control", "accept-encoding", *sorted(_SECRETS))

Pairs = list[tuple[str, str]]


@dataclass(slots=True)
class Heard:
    """One request. `account` and `status` are filled in when they are known; names of JSON bodies are dotted."""

    number: int
    method: str
    path: str
    query: Pairs
    body: Pairs
    headers: Pairs
    account: str = ""
    status: int = 0


class Log:
    """The last requests, in memory only. The control door's own are not among them."""

    def __init__(self) -> None:
        self._kept: deque[Heard] = deque(maxlen=MOST)
        self._numbers = itertools.count(1)

    def take(self, raw: Raw) -> Heard:
        one = Heard(
            number=next(self._numbers),
            method=raw.method,
            path=raw.path[:LONGEST],
            query=_form(raw.query),
            body=_body(raw),
            headers=[(name, _shown(name, raw.headers[name])) for name in _HEADERS if name in raw.headers],
        )
        self._kept.append(one)
        return one

    def since(self, number: int) -> list[dict[str, Any]]:
        """Those after that number, oldest first."""
        return [asdict(one) for one in self._kept if one.number > number]


def _shown(name: str, value: str) -> str:
    return "…" if name.lower() in _SECRETS else value[:LONGEST]


def _form(part: bytes) -> Pairs:
    found = parse_qsl(part.decode("latin-1"), keep_blank_values=True, max_num_fields=None)
    return [(name[:LONGEST], _shown(name, value)) for name, value in found]


def _body(raw: Raw) -> Pairs:
    if not raw.body:
        return []
    try:
        return list(_flat("", json.loads(raw.body)))
    except (ValueError, RecursionError):
        return _form(raw.body)


def _flat(name: str, value: Any) -> Pairs:
    if isinstance(value, dict):
        return [pair for key, one in value.items() for pair in _flat(f"{name}.{key}" if name else str(key), one)]
    if isinstance(value, list):
        return [pair for one in value for pair in _flat(f"{name}[]", one)]
    return [(name, _shown(name, json.dumps(value) if not isinstance(value, str) else value))]
