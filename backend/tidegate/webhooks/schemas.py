"""Wire shapes of webhooks."""

import uuid
from typing import Annotated, Literal

from pydantic import Field

from tidegate.webhooks.rules import MOST
from tidegate.wire import In, Out, Time, Waiting

Url = Annotated[str, Field(min_length=1, max_length=500, examples=["https://shop.example/hooks/tidegate"])]
KindsIn = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=32)]],
    Field(max_length=20, examples=[["withdrawal", "deposit"]], description="Of the event log; empty: all of them"),
]


class EndpointIn(In):
    url: Url
    kinds: KindsIn = Field(default_factory=list)


class EndpointPatch(In):
    """What is left out stays as it is."""

    url: Url | None = None
    kinds: KindsIn | None = None
    enabled: bool | None = None


class EndpointOut(Out):
    """Where messages go. `disabled`: why none do: `owner`, `gone` (it answered 410), `failing` (three days in vain)."""

    id: uuid.UUID
    url: str
    kinds: list[str]
    enabled: bool
    disabled: Literal["owner", "gone", "failing"] | None
    failures: int = Field(description="Tries in vain since the last message that was taken")
    delivered_at: Time | None = Field(description="When the last message was taken")
    secret_before_until: Time | None = Field(description="Until when the secret before a rotation signs too")
    created_at: Time
    version: int


class EndpointWithSecret(EndpointOut):
    secret: str | None = Field(
        description="Told here and never again. Null in a repetition of this answer once it was rotated or deleted",
        examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
    )


class EndpointsOut(Out):
    items: list[EndpointOut]
    next_cursor: str | None = None
    most: int = Field(MOST, description="How many an account may have")


class AnswerOut(Out):
    """One try: the answer's status and its beginning, or why there was none."""

    at: Time
    status: int | None
    error: str | None
    milliseconds: int
    body: str


class DeliveryOut(Waiting):
    """One message to one endpoint. Its `message_id` (the header webhook-id) is the same whenever it is sent."""

    id: uuid.UUID
    message_id: str
    type: str = Field(examples=["withdrawal.changed"])
    sequence: int | None = Field(description="Of the event; null for a test")
    body: str = Field(description="As it was sent, byte for byte")
    tries: int
    answers: list[AnswerOut]
    created_at: Time
