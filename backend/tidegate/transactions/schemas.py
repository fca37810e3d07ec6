"""Wire shapes of withdrawals, the history and the books. Shapes only."""

import uuid
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, model_validator

from tidegate.wire import AmountOut, DecimalText, FeeOut, In, Out, Reference, Time, Waiting


class WithdrawalIn(In):
    """Exactly one of `address` and `beneficiary_id`; the quote says all the rest."""

    quote_id: uuid.UUID
    address: str | None = Field(default=None, min_length=1, max_length=256)
    beneficiary_id: uuid.UUID | None = None
    reference: Reference | None = None

    @model_validator(mode="after")
    def _one_destination(self) -> "WithdrawalIn":
        if (self.address is None) == (self.beneficiary_id is None):
            raise ValueError("give either address or beneficiary_id")
        return self


class VerifyIn(In):
    """The second factor over exactly this withdrawal."""

    method: Literal["totp"]
    code: str = Field(min_length=1, max_length=64, examples=["123456"])


class IntentOut(Out):
    """What the second factor confirms: the stored intent, field by field. `digest` is SHA-256 of its canonical form."""

    payout_id: str
    user_id: str
    network: str
    asset: str
    address: str
    deliver_units: str
    debit_asset: str
    debit_units: str
    max_network_fee_units: str
    created_at: str


class ChallengeOut(Out):
    digest: str
    methods: list[str]
    expires_at: Time
    intent: IntentOut


class LinkIn(In):
    """A link's own part, in the body: no address that a server or a scanner sees holds it."""

    token: SecretStr = Field(min_length=1, max_length=200, description="What stands behind the `#` of the link")


class CancellableOut(Out):
    """What a cancel link is about."""

    deliver: AmountOut
    debit: AmountOut
    fees: list[FeeOut]
    network: str
    network_name: str
    address: str
    state: str
    can_cancel: bool
    created_at: Time


class TrackingOut(Out):
    """The withdrawal's tracking link; nulls when there is none that works."""

    url: str | None = Field(description="For the recipient: read-only, without signing in")
    created_at: Time | None
    expires_at: Time | None


class TrackedOut(Out):
    """All that a tracking link shows. `stage` is the state in a recipient's words."""

    stage: Literal["preparing", "sent", "confirming", "arrived", "stopped"]
    deliver: AmountOut
    network: str
    network_name: str
    confirmations: int
    confirmations_required: int
    txid: str | None = Field(description="Once it is sent")
    explorer_url: str | None
    expected_by: Time | None
    arrived_at: Time | None
    link_expires_at: Time


class AttemptOut(Out):
    id: uuid.UUID
    state: str
    txid: str | None
    explorer_url: str | None
    confirmations: int
    confirmations_required: int
    block_height: int | None
    sent_at: Time | None


class EventOut(Out):
    at: Time
    state: str
    sub_status: str | None
    by: str
    detail: str | None


class WithdrawalOut(Waiting):
    """A withdrawal and where its money is."""

    state: str = Field(
        description="One of `pending_verification`, `pending_screening`, `pending_approval`, `queued`, `signing`, "
        "`broadcasting`, `confirming`, `completed`, `cancelled`, `rejected`, `expired`, `failed`"
    )
    sub_status: str | None = Field(
        description="Null or one of `hold`, `person_reviewing`, `awaiting_liquidity`, `awaiting_batch`, "
        "`awaiting_signer`, `awaiting_node`, `broadcast_unknown`, `slower_than_usual`, `replaced`, `reorged`, "
        "`needs_operator`, `frozen`"
    )
    waiting_for: str | None = Field(
        description="Null or one of `you`, `time`, `person`, `funds`, `venue`, `node`, `signer`, `network`, `operator`"
    )
    id: uuid.UUID
    reference: str | None
    quote_id: uuid.UUID
    network: str
    address: str
    beneficiary_id: uuid.UUID | None
    label: str | None
    debit: AmountOut
    deliver: AmountOut
    rate: str
    fees: list[FeeOut]
    speed: str
    conversion_id: uuid.UUID | None
    detail: str | None
    challenge: ChallengeOut | None = Field(description="Present while the second factor is waited for")
    attempts: list[AttemptOut]
    events: list[EventOut]
    created_at: Time
    completed_at: Time | None


class TransferIn(In):
    """Exactly one of `to_email` and `to_address` (a deposit address here)."""

    asset: str = Field(min_length=1, max_length=16, examples=["USDT"])
    amount: DecimalText
    to_email: str | None = Field(default=None, min_length=3, max_length=254, examples=["ben@demo.example"])
    to_address: str | None = Field(default=None, min_length=1, max_length=256)
    reference: Reference | None = None

    @model_validator(mode="after")
    def _one_recipient(self) -> "TransferIn":
        if (self.to_email is None) == (self.to_address is None):
            raise ValueError("give either to_email or to_address")
        return self


class TransferIntentOut(Out):
    """What the second factor confirms, field by field; `digest` is SHA-256 of its canonical form. `units` are base units."""

    transfer_id: str
    user_id: str
    asset: str
    units: str
    to: str
    created_at: str


class TransferChallengeOut(Out):
    digest: str
    methods: list[str]
    expires_at: Time
    intent: TransferIntentOut


class TransferOut(Waiting):
    """An internal transfer as one of its two sides sees it. Each sees of the other what the sender went by: both e-mail
    addresses, or the deposit address alone."""

    id: uuid.UUID
    direction: Literal["out", "in"] = Field(description="`in` for its recipient, who sees it once it is completed")
    reference: str | None = Field(description="The sender's own; null for the recipient")
    asset: str
    amount: str
    to_email: str | None
    to_address: str | None
    network: str | None = Field(description="Of `to_address`; nothing goes over it")
    from_email: str | None
    detail: str | None
    challenge: TransferChallengeOut | None = Field(description="Present while the sender's second factor is waited for")
    events: list[EventOut]
    created_at: Time
    completed_at: Time | None


class TransactionOut(Waiting):
    """One line of the history; `kind` says which list has the whole of it."""

    id: uuid.UUID
    kind: Literal["deposit", "withdrawal", "conversion", "transfer"]
    at: Time
    debit: AmountOut | None = Field(description="What left the account")
    credit: AmountOut | None = Field(description="What came to the account, or reached the recipient")
    network: str | None
    address: str | None
    label: str | None
    txid: str | None
    confirmations: int | None
    confirmations_required: int | None
    reference: str | None
    counterpart: str | None = Field(
        default=None, description="The other side's e-mail address, of a transfer by e-mail"
    )


class BooksAssetOut(Out):
    """What we have of an asset, what we owe, and the difference between ledger and the world (0 when exact)."""

    asset: str
    have: str
    owe: str
    difference: str


class PlaceOut(Out):
    """What a network or an exchange holds of an asset; `difference` from what the books say of it."""

    place: str
    asset: str
    world: str
    difference: str


class BooksOut(Out):
    """The last check of the books; `exact` null when it could not be made."""

    checked_at: Time | None
    exact: bool | None
    detail: str | None
    assets: list[BooksAssetOut]
    withdrawals: int = Field(description="Withdrawals that have ever been signed")
    attempts: int
    payouts_at_most: int = Field(description="Most payouts any withdrawal has had: 1, or something is very wrong")
    milliseconds: int | None = Field(description="How long the last check took")
    places: list[PlaceOut] = Field(description="Networks and exchanges, each asset there")
    frozen: list[str] = Field(description="Assets that the house itself stopped, `*` for all: see `GET /audit/freezes`")
    restored: bool = Field(description="This database was put back from a backup and is not released: nothing is paid")


class TrialLineOut(Out):
    """One kind of account of one asset, over all owners; `balance` in the account's own direction."""

    asset: str
    account: str
    place: str = Field(description="The network or venue; empty where it has none")
    side: Literal["debit", "credit"]
    balance: str


class TrialTotalOut(Out):
    """An asset's two sides; `difference` is 0 in books that are whole."""

    asset: str
    debit: str
    credit: str
    difference: str


class TrialBalanceOut(Out):
    """Everything posted up to and including `at`; `balances` when no asset differs."""

    at: Time
    balances: bool
    items: list[TrialLineOut]
    totals: list[TrialTotalOut]


Verdict = Literal["exact", "differs", "unchecked"]


class CheckOut(Out):
    """One run of the reconciliation: every term of every line, and why something could not be asked."""

    id: uuid.UUID
    checked_at: Time
    verdict: Verdict
    milliseconds: int
    report: dict[str, Any]


class FreezeOut(Out):
    """What the house itself stopped. It ends by its release alone, and is kept for ever."""

    id: uuid.UUID
    cause: Literal["difference", "orphan", "restored"]
    asset: str = Field(description="`*`: everything")
    place: str
    reason: str = Field(description="Which term, and by how much")
    found: dict[str, Any] = Field(description="After a restore: what was signed since, and what is open of it")
    at: Time
    looked_at: Time | None
    released_at: Time | None
    released_by: str | None
    release_reason: str | None
    forced: bool | None = Field(description="Released while something still spoke against it")


class ReleaseIn(In):
    reason: str = Field(min_length=3, max_length=500, examples=["The missing coin was found and booked"])
    force: bool = Field(default=False, description="Although something still differs, or could not be asked")


class PauseIn(In):
    asset: str | None = Field(default=None, description="Null pauses everything")
    reason: str = Field(min_length=1, max_length=200)


class ObstaclesOut(Out):
    """What is still in an account: `balance:BTC`, `incoming:ETH`, `withdrawals:2`, `transfers:1`."""

    reasons: list[Annotated[str, Field(examples=["balance:BTC"])]]


class CloseIn(In):
    current_password: Annotated[SecretStr, Field(min_length=1, max_length=1024)]
    totp_code: Annotated[str, Field(min_length=1, max_length=64)] | None = None
