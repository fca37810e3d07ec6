"""Wire shapes of the operators' compliance desk."""

import uuid
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from tidegate.wire import In, Out, Time


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("printable characters only")
    return value


Reason = Annotated[
    str, Field(min_length=3, max_length=500, examples=["Recipient known, invoice seen"]), AfterValidator(_printable)
]


class ApprovalOut(Out):
    """Something that waits for a person's yes. `digest` binds the yes to exactly this content."""

    id: uuid.UUID
    kind: str = Field(examples=["withdrawal"])
    subject_id: uuid.UUID
    digest: str
    summary: dict[str, Any]
    state: Literal["pending", "approved", "rejected"]
    needed: int = Field(description="How many different people have to approve")
    approved_by: int
    created_at: Time
    decided_at: Time | None


class ApprovalIn(In):
    verdict: Literal["approve", "reject"]
    digest: str = Field(min_length=64, max_length=64, description="Of what was looked at; another one is a conflict")
    reason: Reason


class PauseIn(In):
    reason: Reason


class PauseOut(Out):
    """Nothing of this asset (`*`: of any) is paid out or credited while this stands."""

    asset: str
    paused_at: Time
    by: str
    reason: str
