"""What belongs to whom at the exchange, and what a fill does to it, in integers of 1e-8. No clock, no I/O.

Conservation, for each asset: all accounts (free and locked) + house + fees + outside never changes. The house is the
maker behind the moving book, outside is where deposits come from and withdrawals go; both may run short without end.
"""

from dataclasses import asdict
from typing import Any

from tidegate.sandbox.venue.orders import Ask, Order, Trade
from tidegate.sandbox.venue.prices import E8, Prices

THIRD_ASSET, THIRD_PRICE = "BNB", 600 * E8
"""What fees are paid in when they are paid in neither asset of the pair, and what it counts for in dollars."""

Step = tuple[int, int, "list[int] | Order"]
"""Of a plan: price, quantity, and who gives it."""


class Books:
    """All state of the exchange. `changes` collects the cells a caller must make durable before it answers."""

    def __init__(self, prices: Prices) -> None:
        self.prices = prices
        self.style = prices.style
        self.fee_in_third = False
        self.balances: dict[str, dict[str, list[int]]] = {}  # account → asset → [free, locked]
        self.house: dict[str, int] = {}
        self.fees: dict[str, int] = {}
        self.outside: dict[str, int] = {}
        self.orders: dict[int, Order] = {}
        self.trades: list[Trade] = []
        self.last_order = 1000
        self.last_trade = 5000
        self.updates = 1
        self.changes: dict[str, Any] = {}
        self._by_client: dict[tuple[str, str], list[int]] = {}
        self._open: dict[str, dict[int, Order]] = {name: {} for name in prices.symbols}
        self._of_order: dict[int, list[Trade]] = {}

    # Opening and restoring.

    def open_account(self, name: str, balances: dict[str, int]) -> None:
        """Give a new account its balances; one that exists keeps what it has."""
        if name not in self.balances:
            self.balances[name] = {asset: [units, 0] for asset, units in balances.items()}
            for asset in balances:
                self._touch_balance(name, asset)

    def restore(self, cells: dict[str, Any]) -> None:
        """Take up what `changes` once held."""
        for key, value in cells.items():
            kind, _, name = key.partition(":")
            if kind == "balance":
                account, _, asset = name.rpartition("/")
                self.balances.setdefault(account, {})[asset] = list(value)
            elif kind == "order":
                self._remember(Order(**value))
            elif kind == "trade":
                self._record(Trade(**value))
            elif key == "totals":
                self.house, self.fees = dict(value["house"]), dict(value["fees"])
                self.outside = dict(value.get("outside", {}))
                self.last_order, self.last_trade = value["last_order"], value["last_trade"]
                self.updates = value["updates"]
                self.prices.mids.update(value["mids"])
                self.prices.steps = value["steps"]

    def _remember(self, order: Order) -> None:
        self.orders[order.id] = order
        self._by_client.setdefault((order.account, order.client_id), []).append(order.id)
        if order.open:
            self._open[order.symbol][order.id] = order

    def _record(self, trade: Trade) -> None:
        self.trades.append(trade)
        self._of_order.setdefault(trade.order, []).append(trade)

    def _touch_balance(self, account: str, asset: str) -> None:
        self.changes[f"balance:{account}/{asset}"] = list(self.balances[account][asset])

    def _touch(self, order: Order) -> None:
        self.changes[f"order:{order.id}"] = asdict(order)
        self._touch_totals()

    def _touch_totals(self) -> None:
        self.changes["totals"] = {
            "house": dict(self.house),
            "fees": dict(self.fees),
            "outside": dict(self.outside),
            "last_order": self.last_order,
            "last_trade": self.last_trade,
            "updates": self.updates,
            "mids": dict(self.prices.mids),
            "steps": self.prices.steps,
        }

    def totals(self) -> dict[str, int]:
        """By asset, everything there is; constant for ever, new accounts aside."""
        found: dict[str, int] = {}
        for part in (self.house, self.fees, self.outside):
            for asset, units in part.items():
                found[asset] = found.get(asset, 0) + units
        for balances in self.balances.values():
            for asset, (free, locked) in balances.items():
                found[asset] = found.get(asset, 0) + free + locked
        return found

    def move(self, account: str, asset: str, units: int, *, outside: int) -> None:
        """Onto an account (off it, where negative), `outside` of it from beyond the exchange. KeyError: no account."""
        cell = self.balances[account].setdefault(asset, [0, 0])
        cell[0] += units
        self.outside[asset] = self.outside.get(asset, 0) - outside
        self._touch_balance(account, asset)
        self._touch_totals()

    # Bookkeeping.

    def _cell(self, account: str, asset: str) -> list[int]:
        return self.balances[account].setdefault(asset, [0, 0])

    def _lock(self, order: Order, units: int) -> None:
        asset = self._spent(order)
        cell = self._cell(order.account, asset)
        cell[0] -= units
        cell[1] += units
        order.locked = units
        self._touch_balance(order.account, asset)

    def _unlock(self, order: Order, keep: int) -> None:
        asset = self._spent(order)
        cell = self._cell(order.account, asset)
        cell[0] += order.locked - keep
        cell[1] -= order.locked - keep
        order.locked = keep
        self._touch_balance(order.account, asset)

    def _end(self, order: Order, status: str, now: int) -> None:
        order.status = status
        order.updated = now
        self._unlock(order, 0)
        self._open[order.symbol].pop(order.id, None)

    def _trade(self, taker: Order, level: "list[int] | Order", price: int, quantity: int, now: int) -> None:
        """One match: both sides' money, fees and records."""
        quote = price * quantity // E8
        self.last_trade += 1
        if isinstance(level, Order):
            self._fill(level, price, quantity, quote, now, maker=True)
        else:
            level[1] -= quantity
            self._house(taker, quantity, quote)
        self._fill(taker, price, quantity, quote, now, maker=False)

    def _hit(self, order: Order, ladder: list[list[int]], now: int) -> None:
        for level in ladder:
            left = order.quantity - order.executed
            if not left or not level[1] or (level[0] > order.price if order.buys else level[0] < order.price):
                break
            quantity = min(left, level[1])
            quote = order.price * quantity // E8
            level[1] -= quantity
            self.last_trade += 1
            self._house(order, quantity, quote)
            self._fill(order, order.price, quantity, quote, now, maker=True)

    def _house(self, order: Order, quantity: int, quote: int) -> None:
        symbol, sign = self.prices.symbols[order.symbol], -1 if order.buys else 1
        self.house[symbol.base] = self.house.get(symbol.base, 0) + sign * quantity
        self.house[symbol.quote] = self.house.get(symbol.quote, 0) - sign * quote

    def _fill(self, order: Order, price: int, quantity: int, quote: int, now: int, *, maker: bool) -> None:
        symbol, spent = self.prices.symbols[order.symbol], self._spent(order)
        given, received, asset = (quote, quantity, symbol.base) if order.buys else (quantity, quote, symbol.quote)
        fee, fee_asset = self._fee(order, symbol.quote if self.style.fee_in_quote else asset, quantity, quote)
        self.fees[fee_asset] = self.fees.get(fee_asset, 0) + fee
        from_lock = given + (fee if fee_asset == spent else 0)
        self._cell(order.account, spent)[1] -= from_lock
        order.locked -= from_lock
        self._cell(order.account, asset)[0] += received
        if fee_asset != spent:
            self._cell(order.account, fee_asset)[0] -= fee
        for changed in {asset, spent, fee_asset}:
            self._touch_balance(order.account, changed)
        order.executed += quantity
        order.quote_executed += quote
        order.updated = now
        trade = Trade(
            self.last_trade,
            order.id,
            order.account,
            order.symbol,
            price,
            quantity,
            quote,
            fee,
            fee_asset,
            now,
            order.buys,
            maker,
        )
        self._record(trade)
        self.changes[f"trade:{trade.id}:{'m' if maker else 't'}"] = asdict(trade)
        if maker:
            if order.executed == order.quantity:
                self._end(order, "FILLED", now)
            else:
                order.status = "PARTIALLY_FILLED"
        if order.open and order.type != "MARKET":
            left = order.quantity - order.executed
            # A better price than the limit leaves more locked than the rest can need.
            self._unlock(order, self._cost(-(-order.price * left // E8)) if order.buys else left)
        self._touch(order)

    def _fee(self, order: Order, asset: str, quantity: int, quote: int) -> tuple[int, str]:
        """What a trade costs, and in what: in a third asset only where the account has enough of it."""
        symbol = self.prices.symbols[order.symbol]
        if self.fee_in_third:
            usd = quote if symbol.quote == "USDT" else quantity * self.prices.mid(f"{symbol.base}USDT") // E8
            third = usd * self.style.fee_ppm // 1_000_000 * E8 // THIRD_PRICE
            if self._cell(order.account, THIRD_ASSET)[0] >= third:
                return third, THIRD_ASSET
        return (quote if asset == symbol.quote else quantity) * self.style.fee_ppm // 1_000_000, asset

    def _cost(self, quote: int) -> int:
        """What a buyer must have for that much: with the fee, where it is paid in the quote asset."""
        return quote + quote * self.style.fee_ppm // 1_000_000 if self.style.fee_in_quote else quote

    def _spent(self, order: Order) -> str:
        symbol = self.prices.symbols[order.symbol]
        return symbol.quote if order.buys else symbol.base

    def _needed(self, ask: Ask, plan: "list[Step]") -> int:
        """What must be set aside before matching: the limit's worth rounded up, or what the plan takes."""
        if not ask.buys:
            return ask.quantity or sum(quantity for _, quantity, _ in plan)
        if ask.type == "MARKET":
            return sum(self._cost(price * quantity // E8) for price, quantity, _ in plan)
        return self._cost(-(-ask.price * ask.quantity // E8))
