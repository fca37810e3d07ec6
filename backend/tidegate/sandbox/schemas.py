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
    venue: str | None = Field(default=None, max_length=40, description="One exchange; else: all of them")
    blocks: int = Field(default=1, ge=1, le=30, description="How deep a `reorg` goes")


class ChaosItem(Out):
    fault: str
    on: bool
    networks: list[str] = Field(description="Where it is on, for faults of one network")
    venues: list[str] = Field(description="Where it is on, for faults of one exchange")
    what: str


class ChaosList(Out):
    items: list[ChaosItem]
    venues: list[str] = Field(description="The exchanges that can be broken one by one")
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


class Invoice(Out):
    """What a shop would show: pay it, and watch."""

    text: str = Field(examples=["ethereum:0x5FbD…@31337/transfer?address=0x8ba1…&uint256=25000000"])


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


class MailItem(Out):
    id: str
    at: Time
    sender: str
    to: str
    subject: str
    text: str
    links: list[str] = Field(description="Pages of ours that it points to")


class MailList(Out):
    items: list[MailItem]
    next_cursor: str | None = None
