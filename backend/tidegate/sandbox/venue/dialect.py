"""What a protocol has to say, so that everything else can be common: its paths, its signatures, its words.

A dialect is pure but for its own memory (nonces, counters): it is handed bytes and hands back what is to be sent.
"""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from tidegate.sandbox.venue.orders import Denied
from tidegate.sandbox.venue.prices import Style


@dataclass(frozen=True, slots=True)
class Account:
    """A key and what it may do. `allowed`: where it may withdraw to, by the name of the entry (Kraken's list)."""

    name: str
    api_key: str
    secret: str
    balances: Mapping[str, int]
    can_trade: bool = True
    can_withdraw: bool = True
    allowed: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # name → asset, address


@dataclass(frozen=True, slots=True)
class Raw:
    """A request as it came in. Header names in lower case; `named` are the words of the path."""

    method: str
    path: str
    query: bytes
    body: bytes
    headers: Mapping[str, str]
    address: str
    named: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was understood. `account` stands where the path asks for a signature."""

    raw: Raw
    parameters: Mapping[str, Any]
    now: int
    account: Account | None

    @property
    def who(self) -> Account:
        assert self.account is not None
        return self.account


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out: `value` as JSON, or bytes as they are."""

    value: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Wrong(Exception):
    """A refusal in the protocol's own words."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply.value))
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Path:
    """One call of the protocol. `acts`: an order or a withdrawal, which the faults about answers are for.

    The handler returns what is to be JSON, or a whole Reply; it raises Wrong or Denied and has then changed nothing.
    """

    method: str
    path: str
    handler: Callable[[Call], Any]
    weight: int = 1
    signed: bool = False
    acts: bool = False


class Trouble(StrEnum):
    """States of a whole venue that each dialect words in its own way."""

    LIMITED = "limited"
    BANNED = "banned"
    FAILED = "failed"  # says nothing of whether it acted
    TOO_LARGE = "too large"


class Dialect(Protocol):
    style: Style

    def paths(self) -> Sequence[Path]: ...

    def read(self, raw: Raw, path: Path, now: int, headers: MutableMapping[str, str]) -> Call:
        """Count the call, check its signature, read its parameters. Raises Wrong.

        `headers` are those of the answer, whatever it will be: counters are told there.
        """
        ...

    def answer(self, value: Any) -> Reply:
        """What a handler returned, as the protocol wraps it."""
        ...

    def denied(self, denied: Denied, path: Path) -> Reply: ...

    def trouble(self, trouble: Trouble, seconds: int) -> Reply:
        """`seconds` for which the venue wants to be left alone."""
        ...
