"""The two ways a chain keeps money, and what each may be asked beyond the port: coins with a fee rate, or nonces with gas.

Told apart by `family`, never by class, so that a driver from outside the tree is spent from like our own.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeGuard

from tidegate.chains.port import Chain, FeeRates

Family = Literal["bitcoin", "evm"]
"""Whose keys sign: `bitcoin` chains keep coins (UTXOs), `evm` chains keep accounts with nonces."""

OutPoint = tuple[str, int]


class NotEnough(Exception):
    """The free coins do not cover the payment and its fee, as many of them as one transaction takes.

    `available_units` is what those hold together, `beyond_units` what lies in other coins.
    """

    def __init__(self, needed_units: int, available_units: int, beyond_units: int = 0) -> None:
        more = f" in as many coins as one transaction takes, {beyond_units} in others" if beyond_units else ""
        super().__init__(f"{needed_units} sat needed, {available_units} free{more}")
        self.needed_units = needed_units
        self.available_units = available_units
        self.beyond_units = beyond_units


class WouldRevert(ValueError):
    """The node says that this payment cannot succeed as things are (blocked recipient, paused token, no funds)."""


@dataclass(frozen=True, slots=True)
class Coin:
    """An unspent output of ours that may be spent: confirmed, or our own change."""

    txid: str
    vout: int
    units: int
    address: str
    confirmations: int
    change: bool  # the hot wallet's own, and of our own making while it is young; else it is as good as a deposit
    ancestors: int = 0  # unconfirmed transactions it hangs on, itself included

    @property
    def outpoint(self) -> OutPoint:
        return self.txid, self.vout


@dataclass(frozen=True, slots=True)
class Outpoint:
    """A coin chosen for a payment. `change`: the hot wallet's own; else it came in at a customer's deposit address."""

    txid: str
    vout: int
    units: int
    address: str
    change: bool


@dataclass(frozen=True, slots=True)
class Funded:
    """An unsigned payment: PSBT in base64, the coins it spends, what comes back as change, what it costs."""

    psbt: str
    inputs: tuple[Outpoint, ...]
    change_units: int
    fee_units: int


@dataclass(frozen=True, slots=True)
class GasPrice:
    """Wei per gas: the most we pay, and the tip within it."""

    max_fee: int
    tip: int


@dataclass(frozen=True, slots=True)
class GasTerms:
    """What signed bytes say of themselves: their place in their account's order, and what they may cost."""

    chain_id: int
    nonce: int
    gas: int
    price: GasPrice
    to: str
    """EIP-55: the recipient, or the token's contract; empty where it makes a contract."""


@dataclass(frozen=True, slots=True)
class GasFees:
    """Gas prices by speed."""

    economy: GasPrice
    standard: GasPrice
    fast: GasPrice

    def of(self, speed: str) -> GasPrice:
        price: GasPrice = getattr(self, speed)
        return price

    @property
    def rates(self) -> FeeRates:
        return FeeRates(self.economy.max_fee, self.standard.max_fee, self.fast.max_fee)


class UtxoChain(Chain, Protocol):
    """A chain of coins. Fee rates are units per virtual byte."""

    async def unspent(self) -> list[Coin]:
        """Coins that may be spent: confirmed ones and our own change, dust gifts left out."""
        ...

    async def fund(
        self,
        recipients: Sequence[tuple[str, int]],
        fee_rate: int,
        reserved: Collection[OutPoint],
        pinned: Sequence[OutPoint] = (),
    ) -> Funded:
        """An unsigned payment of exactly these units to each recipient at `fee_rate`, from unreserved coins.

        Nothing is locked in the node: two calls with the same `reserved` choose the same coins, so the caller commits
        the reservation (unique on txid and vout) before it has anything signed. `pinned` coins are spent in any case:
        the transaction that replaces an earlier attempt shares an input with it. Raises NotEnough, NodeUnavailable.
        """
        ...

    def unpayable(self, address: str, units: int) -> str | None:
        """Pure. Why no transaction can pay this, None when one can."""
        ...

    async def relay_step(self) -> int:
        """What a replacement has to pay on top of what it replaces, per virtual byte."""
        ...

    def change_of(self, raw: bytes, paid: Collection[str]) -> tuple[int, int] | None:
        """Pure. (vout, units) of our change in signed bytes of ours that pay these addresses; None when there is none."""
        ...

    def vsize_of(self, raw: bytes) -> int:
        """Pure. Virtual size of signed bytes."""
        ...

    async def spends(self, since: datetime) -> list[str]:
        """Transactions of the last weeks, and not before `since`, that spend our coins, in blocks and not.

        Raises NodeUnavailable.
        """
        ...

    async def coins_in(self, raw: bytes) -> list[Outpoint]:
        """Our coins that these signed bytes of ours spend. Raises NodeUnavailable, also for a coin that it never saw."""
        ...

    async def child(self, change: OutPoint, units: int, fee_units: int) -> str:
        """An unsigned transaction (PSBT) that moves our change `change`, worth `units`, to new change for this fee."""
        ...


class AccountChain(Chain, Protocol):
    """A chain of accounts. Fee rates are wei per gas; tokens live in contracts."""

    chain_id: int

    def contract_of(self, asset: str) -> str | None:
        """The token's contract, None for the gas asset. Refuses (KeyError) an asset that this network does not carry."""
        ...

    async def gas_fees(self) -> GasFees:
        """Gas prices by speed, within the network's bounds."""
        ...

    async def gas_for(self, asset: str, address: str, units: int) -> int:
        """Gas to allow for this payment from the hot account. Raises WouldRevert when the node's dry run fails."""
        ...

    async def next_nonce(self, address: str | None = None) -> int:
        """How many transactions of this account (the hot one) are mined: the least nonce still free on chain."""
        ...

    def terms_in(self, raw: bytes) -> GasTerms:
        """Pure. Nonce and gas of signed bytes of ours. Refuses (ValueError) bytes that are none."""
        ...

    async def final_nonce(self, depth: int) -> int:
        """How many transactions of the hot account were mined `depth` blocks below the newest: no reorg takes them back."""
        ...


def keeps_coins(chain: Chain) -> TypeGuard[UtxoChain]:
    return chain.family == "bitcoin"


def keeps_accounts(chain: Chain) -> TypeGuard[AccountChain]:
    return chain.family == "evm"
