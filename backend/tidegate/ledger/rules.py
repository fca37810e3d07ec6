"""Accounts, transfers and postings: what may be booked, before any database is asked.

Assets and expenses rise by debit; liabilities, income and capital rise by credit. A transfer debits one account and
credits another in one asset, so every asset balances by construction.
"""

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

HOUSE = uuid.UUID(int=0)
"""Owner of the house's own accounts."""


class Side(StrEnum):
    DEBIT = "debit"  # assets, expenses: a debit raises the balance
    CREDIT = "credit"  # liabilities, income, capital: a credit raises the balance


@dataclass(frozen=True, slots=True)
class AccountKind:
    """A line of the chart of accounts. `overdraft`: the balance may stand on either side of zero."""

    side: Side
    overdraft: bool = False


# PRODUCT.md, "Accounts per asset". `venue:<name>` and per-network wallets share their prefix's line.
CHART: dict[str, AccountKind] = {
    "available": AccountKind(Side.CREDIT),
    "held": AccountKind(Side.CREDIT),
    "wallet:deposit": AccountKind(Side.DEBIT),
    "wallet:hot": AccountKind(Side.DEBIT),
    "wallet:cold": AccountKind(Side.DEBIT),
    "venue": AccountKind(Side.DEBIT),
    "in_transit": AccountKind(Side.DEBIT),
    "receivable": AccountKind(Side.DEBIT),
    "capital": AccountKind(Side.CREDIT),
    "liquidity": AccountKind(Side.CREDIT, overdraft=True),
    "charged:network": AccountKind(Side.CREDIT),
    "charged:service": AccountKind(Side.CREDIT),
    "charged:spread": AccountKind(Side.CREDIT),
    "cost:network": AccountKind(Side.DEBIT),
    "cost:venue": AccountKind(Side.DEBIT),
    "suspense": AccountKind(Side.CREDIT),
    "rounding": AccountKind(Side.CREDIT),
}

HouseAccount = Literal[
    "wallet:deposit",
    "wallet:hot",
    "wallet:cold",
    "in_transit",
    "receivable",
    "capital",
    "liquidity",
    "charged:network",
    "charged:service",
    "charged:spread",
    "cost:network",
    "cost:venue",
    "suspense",
    "rounding",
]


@dataclass(frozen=True, slots=True, order=True)
class AccountRef:
    """An account by what it is: owner, name, asset code, and the network or venue it belongs to (else empty)."""

    owner: uuid.UUID
    name: str
    asset: str
    place: str = ""

    @property
    def kind(self) -> AccountKind:
        return CHART[self.name]


def customer(user_id: uuid.UUID, name: Literal["available", "held"], asset: str) -> AccountRef:
    """A customer's account: what we owe them, free or set aside."""
    return AccountRef(user_id, name, asset)


def house(name: HouseAccount, asset: str, network: str = "") -> AccountRef:
    """One of the house's accounts. Wallet accounts need the network they stand on; the others have none."""
    if name.startswith("wallet:") != bool(network):
        raise ValueError(f"{name} {'needs a' if not network else 'has no'} network")
    return AccountRef(HOUSE, name, asset, network)


def venue(name: str, asset: str) -> AccountRef:
    """What a venue holds for the house."""
    return AccountRef(HOUSE, "venue", asset, name)


@dataclass(frozen=True, slots=True)
class Transfer:
    """`units` (above zero) of one asset; `event` is the row of PRODUCT.md's table it books."""

    debit: AccountRef
    credit: AccountRef
    units: int
    event: str

    def __post_init__(self) -> None:
        if self.units <= 0:
            raise ValueError("a transfer moves at least one unit")
        if self.debit.asset != self.credit.asset:
            raise ValueError("a transfer has one asset")
        if self.debit == self.credit:
            raise ValueError("a transfer has two accounts")


def transfers(*rows: tuple[AccountRef, AccountRef, int, str]) -> tuple[Transfer, ...]:
    """Transfers from (debit, credit, units, event) rows, leaving out those of zero units."""
    return tuple(Transfer(*row) for row in rows if row[2] != 0)


@dataclass(frozen=True, slots=True)
class Posting:
    """A linked group: posted whole or not at all, once for ever by `key`. `kind` and `object_id` say for what."""

    key: str
    transfers: tuple[Transfer, ...]
    kind: str
    object_id: uuid.UUID


class Outcome(StrEnum):
    """The lane's one answer to one submission."""

    POSTED = "posted"
    DUPLICATE = "duplicate"  # this key was posted before; nothing was written now, riders included
    INSUFFICIENT = "insufficient"  # an account that may not be overdrawn would be
    UNKNOWN_ACCOUNT = "unknown_account"  # a name that is not on the chart
    ASSET_MISMATCH = "asset_mismatch"
    CLOSED = "closed"
    CONFLICT = "conflict"  # a rider missed; `rider` names it


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    rider: str | None = None

    @property
    def posted(self) -> bool:
        return self.outcome is Outcome.POSTED
