"""The matching engine: accounts, orders, trades, in integers of 1e-8. No clock, no I/O: `now` is milliseconds given.

Conservation, for each asset: all accounts (free and locked) + house + fees never changes. The house is the maker
behind the moving book; it may run short without end.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from tidegate.sandbox.venue.orders import Ask, Denied, Order, Trade
from tidegate.sandbox.venue.prices import E8, SYMBOLS, Prices

FEE_PER_MILLE = 1
MAX_OPEN_ORDERS = 200


class Engine:
    """All state of the exchange. `changes` collects the cells a caller must make durable before it answers."""

    def __init__(self, prices: Prices) -> None:
        self.prices = prices
        self.balances: dict[str, dict[str, list[int]]] = {}  # account → asset → [free, locked]
        self.house: dict[str, int] = {}
        self.fees: dict[str, int] = {}
        self.orders: dict[int, Order] = {}
        self.trades: list[Trade] = []
        self.last_order = 1000
        self.last_trade = 5000
        self.updates = 1
        self.changes: dict[str, Any] = {}
        self._by_client: dict[tuple[str, str], list[int]] = {}
        self._open: dict[str, dict[int, Order]] = {name: {} for name in SYMBOLS}
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
        self.changes["totals"] = {
            "house": dict(self.house),
            "fees": dict(self.fees),
            "last_order": self.last_order,
            "last_trade": self.last_trade,
            "updates": self.updates,
            "mids": dict(self.prices.mids),
            "steps": self.prices.steps,
        }

    # What may be asked.

    def place(self, account: str, ask: Ask, now: int) -> tuple[Order, list[Trade]]:
        """Accept and match an order. Raises Denied, and has then changed nothing."""
        self._check(account, ask)
        plan = list(self._plan(account, ask))
        self._check_matching(ask, plan)
        order = Order(
            id=self.last_order + 1,
            account=account,
            symbol=ask.symbol.name,
            client_id=ask.client_id,
            buys=ask.buys,
            type=ask.type,
            time_in_force=ask.time_in_force,
            price=ask.price,
            quantity=ask.quantity or sum(quantity for _, quantity, _ in plan),
            quote_quantity=ask.quote_quantity,
            time=now,
            updated=now,
        )
        self._lock(order, _needed(ask, plan))
        self.last_order = order.id
        self.updates += 1
        self._remember(order)
        self._expire_own(account, ask, now)
        filled_whole = ask.time_in_force != "FOK" or sum(q for _, q, _ in plan) == ask.quantity
        for price, quantity, level in plan if filled_whole else ():
            self._trade(order, level, price, quantity, now)
        if order.executed == order.quantity > 0:
            self._end(order, "FILLED", now)
        elif ask.type == "MARKET" or ask.time_in_force in ("IOC", "FOK"):
            self._end(order, "EXPIRED", now)
        elif order.executed:
            order.status = "PARTIALLY_FILLED"
        self._touch(order)
        return order, self._of_order.get(order.id, [])

    def cancel(self, order: Order, now: int) -> None:
        """Take an open order back. Denied when it is done."""
        if not order.open:
            raise Denied(-2011, "Unknown order sent.")
        self.updates += 1
        self._end(order, "CANCELED", now)
        self._touch(order)

    def find(self, account: str, symbol: str, order_id: int | None, client_id: str | None) -> Order | None:
        """The account's order by its number, by its client id (the latest), or by both, which must agree (-2039)."""
        by_id = self.orders.get(order_id) if order_id is not None else None
        if by_id is not None and (by_id.account != account or by_id.symbol != symbol):
            by_id = None
        if client_id is None:
            return by_id
        same = [self.orders[n] for n in self._by_client.get((account, client_id), ())]
        same = [order for order in same if order.symbol == symbol]
        if order_id is None:
            return same[-1] if same else None
        if by_id is not None and by_id not in same:
            raise Denied(-2039, "Client order ID is not correct for this order ID.")
        return by_id

    def orders_of(self, account: str, symbol: str | None, *, only_open: bool = False) -> list[Order]:
        return [
            order
            for order in self.orders.values()
            if order.account == account and symbol in (None, order.symbol) and (order.open or not only_open)
        ]

    def trades_of(self, account: str, symbol: str, order_id: int | None) -> list[Trade]:
        pool = self.trades if order_id is None else self._of_order.get(order_id, [])
        return [trade for trade in pool if trade.account == account and trade.symbol == symbol]

    def book(self, name: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Bids and asks, best first: the house's levels and the resting orders together."""
        sides = []
        for buys, ladder in zip((True, False), self.prices.ladders(name), strict=True):
            levels: dict[int, int] = {}
            for price, quantity in ladder:
                if quantity:
                    levels[price] = levels.get(price, 0) + quantity
            for order in self._open[name].values():
                if order.buys is buys:
                    levels[order.price] = levels.get(order.price, 0) + order.quantity - order.executed
            sides.append(sorted(levels.items(), reverse=buys))
        return sides[0], sides[1]

    def step(self, now: int) -> None:
        """The book has moved: resting orders it has moved through are hit at their own price."""
        self.updates += 1
        for name, resting in self._open.items():
            if not resting:
                continue
            bids, asks = self.prices.ladders(name)
            for order in sorted(resting.values(), key=lambda o: (-o.price if o.buys else o.price, o.id)):
                self._hit(order, asks if order.buys else bids, now)

    def totals(self) -> dict[str, int]:
        """By asset, everything there is; constant for ever, new accounts aside."""
        found: dict[str, int] = {}
        for part in (self.house, self.fees):
            for asset, units in part.items():
                found[asset] = found.get(asset, 0) + units
        for balances in self.balances.values():
            for asset, (free, locked) in balances.items():
                found[asset] = found.get(asset, 0) + free + locked
        return found

    # Rules.

    def _check(self, account: str, ask: Ask) -> None:
        symbol, mid = ask.symbol, self.prices.mid(ask.symbol.name)
        if any(self.orders[n].open for n in self._by_client.get((account, ask.client_id), ())):
            raise Denied(-2010, "Duplicate order sent.")
        if ask.type != "MARKET":
            if not symbol.tick <= ask.price <= symbol.max_price or ask.price % symbol.tick:
                raise Denied(-1013, "Filter failure: PRICE_FILTER")
            if not mid // 5 <= ask.price <= mid * 5:
                raise Denied(-1013, "Filter failure: PERCENT_PRICE_BY_SIDE")
        if ask.quantity and (
            not symbol.min_quantity <= ask.quantity <= symbol.max_quantity or ask.quantity % symbol.step
        ):
            raise Denied(-1013, "Filter failure: LOT_SIZE")
        worth = ask.quote_quantity or (ask.price or mid) * ask.quantity // E8
        if worth < symbol.min_notional:
            raise Denied(-1013, "Filter failure: NOTIONAL")
        if len(self.orders_of_open(account, symbol.name)) >= MAX_OPEN_ORDERS:
            raise Denied(-1013, "Filter failure: MAX_NUM_ORDERS")

    def orders_of_open(self, account: str, symbol: str) -> list[Order]:
        return [order for order in self._open[symbol].values() if order.account == account]

    @staticmethod
    def _check_matching(ask: Ask, plan: list["_Step"]) -> None:
        if plan and ask.type == "LIMIT_MAKER":
            raise Denied(-2010, "Order would immediately match and take.")
        if not plan and ask.type == "MARKET":
            raise Denied(-2010, "Order would not fill: no liquidity.")

    def _against(self, account: str, ask: Ask) -> Iterator[tuple[int, "list[int] | Order"]]:
        """Prices the order would take, best first: at equal price resting orders by age, then the house."""
        bids, asks = self.prices.ladders(ask.symbol.name)
        levels: list[tuple[int, int, list[int] | Order]] = [
            (level[0], 1 << 62, level) for level in (asks if ask.buys else bids) if level[1]
        ]
        levels += [
            (order.price, order.id, order)
            for order in self._open[ask.symbol.name].values()
            if order.buys is not ask.buys and order.account != account
        ]
        levels.sort(key=lambda entry: (entry[0] if ask.buys else -entry[0], entry[1]))
        for price, _, level in levels:
            if ask.type != "MARKET" and (price > ask.price if ask.buys else price < ask.price):
                return
            yield price, level

    def _plan(self, account: str, ask: Ask) -> Iterator["_Step"]:
        """What the order takes now, level by level. Nothing is changed."""
        left, worth_left = ask.quantity, ask.quote_quantity
        for price, level in self._against(account, ask):
            offered = level.quantity - level.executed if isinstance(level, Order) else level[1]
            if ask.quantity:
                take = min(left, offered)
                left -= take
            else:
                take = min(offered, worth_left * E8 // price // ask.symbol.step * ask.symbol.step)
                worth_left -= price * take // E8
            if take == 0:
                return
            yield price, take, level

    def _expire_own(self, account: str, ask: Ask, now: int) -> None:
        """Self-trade prevention EXPIRE_MAKER: own resting orders the new one would meet go first."""
        for order in self.orders_of_open(account, ask.symbol.name):
            meets = ask.type == "MARKET" or (order.price <= ask.price if ask.buys else order.price >= ask.price)
            if order.buys is not ask.buys and meets:
                self._end(order, "EXPIRED_IN_MATCH", now)
                self._touch(order)

    # Bookkeeping.

    def _cell(self, account: str, asset: str) -> list[int]:
        return self.balances[account].setdefault(asset, [0, 0])

    def _lock(self, order: Order, units: int) -> None:
        asset = _spent(order)
        cell = self._cell(order.account, asset)
        if cell[0] < units:
            raise Denied(-2010, "Account has insufficient balance for requested action.")
        cell[0] -= units
        cell[1] += units
        order.locked = units
        self._touch_balance(order.account, asset)

    def _unlock(self, order: Order, keep: int) -> None:
        asset = _spent(order)
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
        symbol, sign = SYMBOLS[order.symbol], -1 if order.buys else 1
        self.house[symbol.base] = self.house.get(symbol.base, 0) + sign * quantity
        self.house[symbol.quote] = self.house.get(symbol.quote, 0) - sign * quote

    def _fill(self, order: Order, price: int, quantity: int, quote: int, now: int, *, maker: bool) -> None:
        symbol = SYMBOLS[order.symbol]
        given, received, asset = (quote, quantity, symbol.base) if order.buys else (quantity, quote, symbol.quote)
        fee = received * FEE_PER_MILLE // 1000
        self.fees[asset] = self.fees.get(asset, 0) + fee
        self._cell(order.account, _spent(order))[1] -= given
        order.locked -= given
        self._cell(order.account, asset)[0] += received - fee
        self._touch_balance(order.account, asset)
        self._touch_balance(order.account, _spent(order))
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
            asset,
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
            self._unlock(order, -(-order.price * left // E8) if order.buys else left)
        self._touch(order)


_Step = tuple[int, int, "list[int] | Order"]


def _spent(order: Order) -> str:
    symbol = SYMBOLS[order.symbol]
    return symbol.quote if order.buys else symbol.base


def _needed(ask: Ask, plan: list[_Step]) -> int:
    """What must be set aside before matching: the limit's worth rounded up, or what the plan takes."""
    if not ask.buys:
        return ask.quantity or sum(quantity for _, quantity, _ in plan)
    if ask.type == "MARKET":
        return sum(price * quantity // E8 for price, quantity, _ in plan)
    return -(-ask.price * ask.quantity // E8)
