"""Wire shapes of the sandbox's own calls (API.md, "sandbox")."""

from typing import Literal

from pydantic import Field

from tidegate.wire import DecimalText, In, Out, Time

Network = Literal["bitcoin", "ethereum"]
Fault = Literal["venue_timeout_after_accept", "node_answer_dropped", "reorg", "worker_killed", "mining_paused"]


class FaucetIn(In):
    asset: str = Field(max_length=12, examples=["BTC"])
    network: str = Field(max_length=40, examples=["bitcoin"])
    address: str = Field(max_length=120)
    amount: DecimalText


class FaucetOut(Out):
    txid: str


class MineIn(In):
    network: str = Field(max_length=40, examples=["bitcoin"])
    blocks: int = Field(default=1, ge=1, le=200)


class MineOut(Out):
    height: int


class ChaosIn(In):
    fault: Fault
    on: bool
    network: str | None = Field(default=None, max_length=40, description="Needed for `reorg`; else: all networks")
    blocks: int = Field(default=1, ge=1, le=30, description="How deep a `reorg` goes")


class ChaosItem(Out):
    fault: str
    on: bool
    networks: list[str] = Field(description="Where it is on, for faults of one network")
    what: str


class ChaosList(Out):
    items: list[ChaosItem]
    next_cursor: str | None = None


class DemoCode(Out):
    """A demo person and the code their authenticator would show now."""

    email: str
    password: str
    roles: list[str]
    code: str
    seconds_left: int


class DemoCodes(Out):
    items: list[DemoCode]
    next_cursor: str | None = None


class ScenarioItem(Out):
    key: str
    title: str
    how: str
    expect: str
    network: str | None
    address: str | None


class ScenarioList(Out):
    items: list[ScenarioItem]
    next_cursor: str | None = None


class StartPart(Out):
    name: str
    what: str
    state: Literal["waiting", "starting", "ready", "failed"]
    detail: str
    since: Time


class Start(Out):
    """What is still starting. `ready` once everything is up, seeded, and ready.json is written."""

    started_at: Time | None
    ready: bool
    parts: list[StartPart]


class LetterItem(Out):
    """A letter as it would be sent."""

    recipient: str
    kind: str
    facts: dict[str, str]
    written_at: Time


class Mailbox(Out):
    items: list[LetterItem]
