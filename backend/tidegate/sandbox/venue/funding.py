"""Money in and out of the exchange: deposits, withdrawals, addresses. In integers of 1e-8, no clock, no I/O.

Nothing is paid on any chain here. A withdrawal takes the money from the account at once and stays pending until
somebody says what became of it: a `Payer` that the world was given, or whoever holds the control door. In the same way
a deposit is what the control door says has arrived.
"""

import re
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Protocol

from tidegate.sandbox.venue.engine import Engine
from tidegate.sandbox.venue.orders import Denied, Why
from tidegate.sandbox.venue.prices import e8

NETWORKS = {"BTC": "bitcoin", "ETH": "ethereum", "USDT": "ethereum", "USDC": "ethereum"}
"""The one network of each asset, in a neutral word; dialects have their own."""
FEES = {"BTC": e8("0.0001"), "ETH": e8("0.001"), "USDT": e8("2"), "USDC": e8("2")}
LEAST = {"BTC": e8("0.0001"), "ETH": e8("0.001"), "USDT": e8("1"), "USDC": e8("1")}
ADDRESSES = {
    "bitcoin": r"^(bc1|bcrt1|tb1|[13mn2])[0-9a-zA-Z]{4,100}$",
    "ethereum": r"^(0x)[0-9A-Fa-f]{40}$",
}
"""What an address looks like; whether it is one, its chain will say."""

PENDING, COMPLETED, FAILED = "pending", "completed", "failed"


class Payer(Protocol):
    """Who really pays. Asked once for each withdrawal; a payer that raises leaves it pending for the control door."""

    async def pay(self, asset: str, network: str, address: str, amount: str) -> str:
        """Send it and return the transaction's id. `amount` is what is to arrive, a plain decimal."""
        ...


@dataclass(slots=True)
class Withdrawal:
    """`asked` is what the client named, `amount` what arrives; the account was debited `amount + fee`.

    `asked_payer`: it may be on its way.
    """

    id: int
    account: str
    client_id: str
    asset: str
    network: str
    address: str
    tag: str
    asked: int
    amount: int
    fee: int
    time: int
    key: str = ""
    state: str = PENDING
    txid: str = ""
    updated: int = 0
    asked_payer: bool = False


@dataclass(frozen=True, slots=True)
class Deposit:
    id: int
    account: str
    asset: str
    network: str
    address: str
    amount: int
    txid: str
    time: int


class Funding:
    """All withdrawals and deposits, and the balances they move. Changes go where the engine's go."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.withdrawals: dict[int, Withdrawal] = {}
        self.deposits: dict[int, Deposit] = {}
        self.addresses: dict[tuple[str, str, str], str] = {}  # account, asset, network

    def restore(self, cells: dict[str, Any]) -> None:
        for key, value in cells.items():
            kind, _, name = key.partition(":")
            if kind == "withdrawal":
                self.withdrawals[int(name)] = Withdrawal(**value)
            elif kind == "deposit":
                self.deposits[int(name)] = Deposit(**value)
            elif kind == "address":
                account, asset, network = name.split("/")
                self.addresses[account, asset, network] = value

    def check(self, asset: str, network: str) -> None:
        """Denied where the asset is unknown or does not move over that network."""
        if asset not in NETWORKS:
            raise Denied(Why.NO_ASSET)
        if NETWORKS[asset] != network:
            raise Denied(Why.NO_NETWORK)

    def withdraw(
        self,
        account: str,
        asset: str,
        network: str,
        address: str,
        total: int,
        now: int,
        *,
        client_id: str = "",
        tag: str = "",
        key: str = "",
        fee_on_top: bool = False,
    ) -> Withdrawal:
        """Take it from the account. The fee is inside `total`, or on top of it, as the venue has it."""
        self.check(asset, network)
        if not re.match(ADDRESSES[network], address):
            raise Denied(Why.ADDRESS)
        fee = FEES[asset]
        amount, debit = (total, total + fee) if fee_on_top else (total - fee, total)
        if amount < LEAST[asset]:
            raise Denied(Why.AMOUNT)
        cell = self.engine.balances[account].setdefault(asset, [0, 0])
        if cell[0] < debit:
            raise Denied(Why.FUNDS)
        made = Withdrawal(
            id=max(self.withdrawals, default=700) + 1,
            account=account,
            client_id=client_id,
            asset=asset,
            network=network,
            address=address,
            tag=tag,
            asked=total,
            amount=amount,
            fee=fee,
            time=now,
            key=key,
            updated=now,
        )
        self.engine.fees[asset] = self.engine.fees.get(asset, 0) + fee
        self._move(made, -debit)
        self.withdrawals[made.id] = made
        self.touch(made)
        return made

    def complete(self, number: int, txid: str, now: int) -> Withdrawal:
        """It is on its chain. KeyError for one that is not pending."""
        found = self._pending(number)
        found.state, found.txid, found.updated = COMPLETED, txid, now
        self.touch(found)
        return found

    def fail(self, number: int, now: int) -> Withdrawal:
        """It was not paid: everything comes back. KeyError for one that is not pending."""
        found = self._pending(number)
        self.engine.fees[found.asset] -= found.fee
        self._move(found, found.amount + found.fee)
        found.state, found.updated = FAILED, now
        self.touch(found)
        return found

    def _pending(self, number: int) -> Withdrawal:
        found = self.withdrawals[number]
        if found.state != PENDING:
            raise KeyError(number)
        return found

    def _move(self, one: Withdrawal, units: int) -> None:
        """Onto the account, from outside: what is a fee has been booked apart."""
        fee = one.fee if units > 0 else -one.fee
        self.engine.move(one.account, one.asset, units, outside=units - fee)

    def credit(self, account: str, asset: str, network: str, amount: int, txid: str, now: int) -> Deposit:
        """A deposit has arrived. KeyError for an account that is not here; the same txid twice is one deposit."""
        self.check(asset, network)
        for one in self.deposits.values():
            if (one.account, one.asset, one.txid) == (account, asset, txid):
                return one
        made = Deposit(
            id=max(self.deposits, default=300) + 1,
            account=account,
            asset=asset,
            network=network,
            address=self.address(account, asset, network),
            amount=amount,
            txid=txid,
            time=now,
        )
        self.engine.move(account, asset, amount, outside=amount)
        self.deposits[made.id] = made
        self.engine.changes[f"deposit:{made.id}"] = asdict(made)
        return made

    def address(self, account: str, asset: str, network: str) -> str:
        """Where the account's deposits go: as the control door has set it, else one that belongs to nobody."""
        self.check(asset, network)
        found = self.addresses.get((account, asset, network))
        if found is not None:
            return found
        # Well formed for nothing but an EVM chain; who wants deposits to arrive sets addresses of real wallets.
        made = sha256(f"{account}/{network}".encode()).hexdigest()[:40]
        return f"0x{made}" if network == "ethereum" else f"sandbox-{made}"

    def set_address(self, account: str, asset: str, network: str, address: str) -> None:
        self.check(asset, network)
        self.addresses[account, asset, network] = address
        self.engine.changes[f"address:{account}/{asset}/{network}"] = address

    def of(self, account: str, asset: str | None = None) -> list[Withdrawal]:
        """An account's withdrawals, oldest first."""
        return [one for one in self.withdrawals.values() if one.account == account and asset in (None, one.asset)]

    def touch(self, one: Withdrawal) -> None:
        self.engine.changes[f"withdrawal:{one.id}"] = asdict(one)
