"""Wire shapes of the treasurer's desk."""

import uuid
from typing import Literal

from pydantic import Field

from tidegate.wire import In, Out, Time


class ProposalOut(Out):
    """A movement that needs a person. It is done by itself when the need is gone."""

    id: uuid.UUID
    kind: Literal["refill", "surplus", "to_venue", "to_wallet"]
    venue: str = Field(description="The exchange that it moves from or to; empty where there is none")
    network: str
    asset: str
    amount: str = Field(description="What is to be moved", examples=["0.50000000"])
    address: str = Field(description="Where it is to be sent: an address of our own")
    reason: str
    state: Literal["open", "done", "accepted", "dismissed"]
    created_at: Time
    changed_at: Time
    ended_at: Time | None
    ended_by: str | None


class AcceptIn(In):
    """What is accepted is what was seen: the amount must be the proposal's own."""

    amount: str = Field(examples=["0.50000000"])


class VenueMoveOut(Out):
    """One move between an exchange and the hot wallet."""

    id: uuid.UUID
    venue: str
    network: str
    asset: str
    direction: Literal["to_wallet", "to_venue"]
    amount: str
    arrived: str | None = Field(description="What came, less what the exchange kept of it")
    address: str
    state: Literal["intended", "asked", "unknown", "moving", "pending", "arrived", "refused", "failed"]
    txid: str | None
    reason: str | None = Field(description="Why it came to nothing")
    trouble: str | None = Field(description="Why a person has to look at it")
    proposal_id: uuid.UUID | None = Field(description="The accepted proposal it comes from; null: by policy")
    created_at: Time
    ended_at: Time | None


class WalletOut(Out):
    """What the books say of one asset on one network. `payable` is what can leave for payouts now."""

    network: str
    asset: str
    hot: str
    deposits: str = Field(description="At customers' deposit addresses")
    cold: str
    payable: str
    cap: str | None
    floor: str | None


class MoveOut(Out):
    """One movement of the house's own money."""

    id: uuid.UUID
    purpose: Literal["consolidation", "sweep", "top_up", "cold", "to_venue"]
    network: str
    asset: str
    amount: str
    address: str
    state: Literal["under_way", "arrived", "failed"]
    reason: str | None
    created_at: Time
    ended_at: Time | None
