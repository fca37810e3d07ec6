"""One account, one market and a queue of withdrawals in memory: what the three small venues have in common."""

import itertools
import time
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

TICK, LOT, MINIMUM, WORTH = Decimal("0.1"), Decimal("0.00000001"), Decimal("0.0001"), Decimal("0.5")
FEE = Decimal("0.002")
CLOSED = ("filled", "ended")


class No(Exception):
    """The venue says no: `funds`, `grid` or `address`."""


@dataclass
class Trade:
    id: int
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    when: float

    @property
    def cost(self) -> Decimal:
        return self.price * self.quantity


@dataclass
class Order:
    id: int
    client_id: str
    buys: bool
    quantity: Decimal
    price: Decimal
    when: float
    trades: list[Trade] = field(default_factory=list)

    @property
    def filled(self) -> Decimal:
        return sum((one.quantity for one in self.trades), Decimal(0))


@dataclass
class Payout:
    id: int
    client_id: str
    asset: str
    address: str
    amount: Decimal
    fee: Decimal
    when: float
    txid: str = ""


class Engine:
    """BTC against USDT. Every order is immediate-or-cancel and matched before the call ends."""

    def __init__(self, *, fee_in_quote: bool) -> None:
        self.balances = {"BTC": Decimal(5), "USDT": Decimal(300_000)}
        self.asks = [[Decimal("64000.0"), Decimal("0.5")], [Decimal("64010.0"), Decimal("0.5")]]
        self.bids = [[Decimal("63990.0"), Decimal("0.5")], [Decimal("63980.0"), Decimal("0.5")]]
        self.orders: list[Order] = []
        self.payouts: list[Payout] = []
        self._fee_in_quote = fee_in_quote
        self._numbers = itertools.count(1001)

    def place(self, client_id: str, buys: bool, quantity: Decimal, price: Decimal, *, trial: bool = False) -> Order:
        if price % TICK or quantity % LOT or quantity < MINIMUM or quantity * price < WORTH:
            raise No("grid")
        asset, needed = ("USDT", quantity * price) if buys else ("BTC", quantity)
        if self.balances[asset] < needed:
            raise No("funds")
        order = Order(next(self._numbers), client_id, buys, quantity, price, time.time())
        if not trial:
            self.orders.append(order)
            self._match(order)
        return order

    def _match(self, order: Order) -> None:
        levels = self.asks if order.buys else self.bids
        while levels and order.filled < order.quantity:
            price, there = levels[0]
            if price > order.price if order.buys else price < order.price:
                return
            taken = min(there, order.quantity - order.filled)
            levels[0][1] -= taken
            if not levels[0][1]:
                del levels[0]
            self._book(order, price, taken)

    def _book(self, order: Order, price: Decimal, taken: Decimal) -> None:
        sign = 1 if order.buys else -1
        asset = "BTC" if order.buys and not self._fee_in_quote else "USDT"
        fee = ((taken if asset == "BTC" else taken * price) * FEE).quantize(LOT, ROUND_HALF_EVEN)
        self.balances["BTC"] += sign * taken
        self.balances["USDT"] -= sign * taken * price
        self.balances[asset] -= fee
        order.trades.append(Trade(next(self._numbers), price, taken, fee, asset, time.time()))

    def withdraw(self, client_id: str, asset: str, address: str, amount: Decimal) -> Payout:
        if self.balances.get(asset, Decimal(0)) < amount:
            raise No("funds")
        payout = Payout(next(self._numbers), client_id, asset, address, amount, Decimal("0.0001"), time.time())
        self.balances[asset] -= amount
        self.payouts.append(payout)
        return payout

    def pay_out(self) -> None:
        for one in self.payouts:
            one.txid = one.txid or f"{one.id:064x}"
