"""Wire shapes of the treasurer's desk."""

import uuid
from typing import Literal

from pydantic import Field

from tidegate.wire import Out, Time


class ProposalOut(Out):
    """A movement that needs a person. It is done by itself when the need is gone."""

    id: uuid.UUID
    kind: Literal["refill", "surplus"]
    network: str
    asset: str
    amount: str = Field(description="What the hot wallet lacks, or has too much", examples=["0.50000000"])
    address: str = Field(description="Our hot address, where a refill is to be sent")
    reason: str
    state: Literal["open", "done", "dismissed"]
    created_at: Time
    changed_at: Time
    ended_at: Time | None
    ended_by: str | None


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
    purpose: Literal["consolidation", "sweep", "top_up", "cold"]
    network: str
    asset: str
    amount: str
    address: str
    state: Literal["under_way", "arrived", "failed"]
    reason: str | None
    created_at: Time
    ended_at: Time | None
