"""Wire shapes of balances, deposit addresses, deposits and saved destinations. Shapes only; API.md names every field."""

import unicodedata
import uuid
from typing import Annotated, Literal

from fastapi import Query
from pydantic import AfterValidator, Field

from tidegate.wire import EstimateOut, In, Out, Time, Waiting

AssetFilter = Annotated[str | None, Query(pattern="^[A-Z0-9]{1,16}$")]
NetworkFilter = Annotated[str | None, Query(pattern="^[a-z0-9_-]{1,32}$")]
AssetCode = Annotated[str, Field(min_length=1, max_length=16, examples=["BTC"])]
NetworkName = Annotated[str, Field(min_length=1, max_length=32, examples=["bitcoin"])]
DecimalOut = Annotated[str, Field(examples=["0.01500000"], json_schema_extra={"pattern": r"^-?[0-9]+(\.[0-9]+)?$"})]

DepositState = Literal[
    "detected", "confirming", "credited", "below_minimum", "screening", "held", "reorged", "unknown_asset"
]
BeneficiaryState = Literal["pending_confirmation", "cooling_down", "active", "suspended", "archived"]


def _label(value: str) -> str:
    """Text that looks like what it is: NFC, printable, no invisible or direction-changing characters."""
    if unicodedata.normalize("NFC", value) != value or not value.isprintable():
        raise ValueError("printable text only")
    if any(unicodedata.category(c) in ("Cf", "Cs", "Co", "Cn") for c in value):
        raise ValueError("no invisible characters")
    if value != value.strip():
        raise ValueError("no space at either end")
    return value


Label = Annotated[str, Field(min_length=1, max_length=64, examples=["Ben, hardware wallet"]), AfterValidator(_label)]
"""What the user calls a saved address."""


class DepositTierOut(Out):
    """Deposits of at least `from_amount` wait longer than `confirmations_required`."""

    from_amount: DecimalOut
    confirmations_required: int
    finality: Literal["safe", "finalized"] | None


class NetworkTermsOut(Out):
    """What moving one asset over one network asks for. `reason` says why something is off or slow; null when all is well."""

    network: str
    confirmations_required: int
    deposit_tiers: list[DepositTierOut]
    minimum_deposit: DecimalOut
    minimum_withdrawal: DecimalOut
    deposits: bool
    withdrawals: bool
    reason: str | None


class AssetOut(Out):
    asset: str
    name: str
    decimals: int
    networks: list[NetworkTermsOut]


class BalanceOut(Out):
    """`total` = `available` + `held`. `incoming` is seen on chain and not yet credited; it is in no other number."""

    asset: str
    available: DecimalOut
    held: DecimalOut
    incoming: DecimalOut
    total: DecimalOut
    estimate: EstimateOut | None = Field(description="Of `total`; null when no price is known")


Charge = Literal["network", "service", "spread", "rounding"]


class StatementLineOut(Out):
    """One transfer. `amount` and `held_amount` say what it changed, signed; `balance` (what you can use) and `held` stand
    after it. `kind` and `id` name what it was for; null where it was nothing of yours."""

    at: Time
    event: str = Field(examples=["withdrawal accepted"])
    kind: Literal["deposit", "withdrawal", "conversion", "transfer"] | None
    id: uuid.UUID | None
    charge: Charge | None = Field(description="Which of the quoted charges this is; null where it is none")
    amount: DecimalOut
    balance: DecimalOut
    held_amount: DecimalOut
    held: DecimalOut


class AddressIn(In):
    asset: AssetCode
    network: NetworkName


class AddressOut(Out):
    """An address of ours that credits you, for ever. `uri` is what a QR code holds (BIP21, EIP-681). `deposits` counts
    what has come to it in this asset."""

    id: uuid.UUID
    asset: str
    network: str
    address: str
    uri: str
    created_at: Time
    deposits: int
    first_deposit_at: Time | None
    last_deposit_at: Time | None


class DepositOut(Waiting):
    """A payment to one of your addresses. `vout` on bitcoin; `log_index` for tokens; both null for plain ether.

    A token that is not known here has `asset` UNKNOWN, its `contract`, and the contract's own number as `amount`. Ether
    that a contract sent has no transaction of its own: `reason` unattributed, and `txid` is the hash of a block.
    """

    id: uuid.UUID
    asset: str
    network: str
    address: str
    amount: DecimalOut
    state: DepositState
    txid: str
    vout: int | None
    log_index: int | None
    block_height: int | None
    confirmations: int
    confirmations_required: int
    finality: Literal["safe", "finalized"] | None = Field(description="The block must also stand at this tag")
    reason: Literal["other_network", "unattributed"] | None = Field(description="Why a person must look at it")
    contract: str | None
    explorer_url: str | None
    detected_at: Time
    credited_at: Time | None
    version: int


class ValidateIn(In):
    """`address`: an address as it stands, or a BIP21 or EIP-681 URI."""

    asset: AssetCode
    network: NetworkName | None = None
    address: str = Field(min_length=1, max_length=2048, examples=["bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"])


class PaymentOut(Out):
    """What the invoice asks for. `amount` null: it names none. `network` null: it names none, and none is guessed."""

    asset: str
    network: str | None
    amount: DecimalOut | None
    label: str | None = Field(description="The payee's own words; nobody checked them")


class TwinOut(Out):
    """The address you may have meant: `saved` by you, `paid` by you, or your `own` deposit address; `at` says since when."""

    network: str
    address: str
    source: Literal["saved", "paid", "own"]
    label: str | None
    at: Time


class ValidationOut(Out):
    """`networks`: where this asset can be sent to that address. When not valid, `reason` is the problem's code,
    `other_asset` or `lightning`, and `detail` the sentence. `lookalike` goes with the warning `lookalike_address`."""

    valid: bool
    address: str | None = Field(description="In its canonical spelling")
    networks: list[str]
    kind: str | None
    warnings: list[str]
    lookalike: TwinOut | None
    payment: PaymentOut | None
    reason: str | None
    detail: str | None


class BeneficiaryIn(In):
    label: Label
    asset: AssetCode
    network: NetworkName
    address: str = Field(min_length=1, max_length=256)


class BeneficiaryPatch(In):
    label: Label


class BeneficiaryOut(Waiting):
    """A saved destination. It can be paid in state `active`."""

    id: uuid.UUID
    label: str
    asset: str
    network: str
    address: str
    state: BeneficiaryState
    available_at: Time | None
    warnings: list[str]
    last_paid_at: Time | None
    created_at: Time
    version: int


class ConfirmIn(In):
    """The second factor that says: this address is mine to pay."""

    method: Literal["totp"]
    code: str = Field(min_length=1, max_length=16, examples=["123456"])
