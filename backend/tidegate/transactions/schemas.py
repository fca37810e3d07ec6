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


class BooksOut(Out):
    """The last check of the books; `exact` null when it could not be made."""

    checked_at: Time | None
    exact: bool | None
    detail: str | None
    assets: list[BooksAssetOut]
    withdrawals: int = Field(description="Withdrawals that have ever been signed")
    attempts: int
    payouts_at_most: int = Field(description="Most payouts any withdrawal has had: 1, or something is very wrong")


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


class BooksReportOut(Out):
    checked_at: Time | None
    verdict: str | None
    report: dict[str, Any]


class PauseIn(In):
    asset: str | None = Field(default=None, description="Null pauses everything")
    reason: str = Field(min_length=1, max_length=200)


class ObstaclesOut(Out):
    """What is still in an account: `balance:BTC`, `incoming:ETH`, `withdrawals:2`, `transfers:1`."""

    reasons: list[Annotated[str, Field(examples=["balance:BTC"])]]


class CloseIn(In):
    current_password: Annotated[SecretStr, Field(min_length=1, max_length=1024)]
    totp_code: Annotated[str, Field(min_length=1, max_length=64)] | None = None
