"""The matching engine: accounts, orders, trades, in integers of 1e-8. No clock, no I/O: `now` is milliseconds given.

Conservation, for each asset: all accounts (free and locked) + house + fees + outside never changes. The house is the
maker behind the moving book, outside is where deposits come from and withdrawals go; both may run short without end.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from tidegate.sandbox.venue.orders import Ask, Denied, Order, Trade, Why
from tidegate.sandbox.venue.prices import E8, Prices

MAX_OPEN_ORDERS = 200
THIRD_ASSET, THIRD_PRICE = "BNB", 600 * E8
"""What fees are paid in when they are paid in neither asset of the pair, and what it counts for in dollars."""


class Engine:
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

    # What may be asked.

    def judge(self, account: str, ask: Ask) -> "list[_Step]":
        """What an order would take now. Raises Denied for one that would not be taken in; changes nothing."""
        self._check(account, ask)
        plan = list(self._plan(account, ask))
        if plan and ask.type == "LIMIT_MAKER":
            raise Denied(Why.WOULD_MATCH)
        if not plan and ask.type == "MARKET":
            raise Denied(Why.NO_LIQUIDITY)
        if self._cell(account, _spent_of(ask))[0] < self._needed(ask, plan):
            raise Denied(Why.FUNDS)
        return plan

    def place(self, account: str, ask: Ask, now: int, *, halved: bool = False) -> tuple[Order, list[Trade]]:
        """Accept and match an order. Raises Denied, and has then changed nothing.

        `halved`: take no more than half of what there is to take, as if others had been faster.
        """
        plan = self.judge(account, ask)
        if halved:
            plan = _half(plan, ask.symbol.step)
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
        self._lock(order, self._needed(ask, plan))
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
            raise Denied(Why.DONE)
        self.updates += 1
        self._end(order, "CANCELED", now)
        self._touch(order)

    def find(self, account: str, symbol: str | None, order_id: int | None, client_id: str | None) -> Order | None:
        """The account's order by its number, by its client id (the latest), or by both, which must agree (Denied)."""
        by_id = self.orders.get(order_id) if order_id is not None else None
        if by_id is not None and (by_id.account != account or symbol not in (None, by_id.symbol)):
            by_id = None
        if client_id is None:
            return by_id
        same = [self.orders[n] for n in self._by_client.get((account, client_id), ())]
        same = [order for order in same if symbol in (None, order.symbol)]
        if order_id is None:
            return same[-1] if same else None
        if by_id is not None and by_id not in same:
            raise Denied(Why.OTHER_ID)
        return by_id

    def orders_of(self, account: str, symbol: str | None, *, only_open: bool = False) -> list[Order]:
        return [
            order
            for order in self.orders.values()
            if order.account == account and symbol in (None, order.symbol) and (order.open or not only_open)
        ]

    def trades_of(self, account: str, symbol: str | None = None, order_id: int | None = None) -> list[Trade]:
        pool = self.trades if order_id is None else self._of_order.get(order_id, [])
        return [trade for trade in pool if trade.account == account and symbol in (None, trade.symbol)]

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

    # Rules.

    def _check(self, account: str, ask: Ask) -> None:
        symbol, mid = ask.symbol, self.prices.mid(ask.symbol.name)
        if any(self.orders[n].open for n in self._by_client.get((account, ask.client_id), ())):
            raise Denied(Why.DUPLICATE)
        if ask.type != "MARKET":
            if not symbol.tick <= ask.price <= symbol.max_price or ask.price % symbol.tick:
                raise Denied(Why.OFF_TICK)
            if not mid // 5 <= ask.price <= mid * 5:
                raise Denied(Why.FAR_PRICE)
        if ask.quantity:
            if ask.quantity % symbol.step:
                raise Denied(Why.OFF_LOT)
            if not symbol.min_quantity <= ask.quantity <= symbol.max_quantity:
                raise Denied(Why.TOO_SMALL if ask.quantity < symbol.min_quantity else Why.TOO_LARGE)
        worth = ask.quote_quantity or (ask.price or mid) * ask.quantity // E8
        if worth < symbol.min_notional:
            raise Denied(Why.WORTH)
        if len(self.orders_of_open(account, symbol.name)) >= MAX_OPEN_ORDERS:
            raise Denied(Why.TOO_MANY)

    def orders_of_open(self, account: str, symbol: str) -> list[Order]:
        return [order for order in self._open[symbol].values() if order.account == account]

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

    def _needed(self, ask: Ask, plan: "list[_Step]") -> int:
        """What must be set aside before matching: the limit's worth rounded up, or what the plan takes."""
        if not ask.buys:
            return ask.quantity or sum(quantity for _, quantity, _ in plan)
        if ask.type == "MARKET":
            return sum(self._cost(price * quantity // E8) for price, quantity, _ in plan)
        return self._cost(-(-ask.price * ask.quantity // E8))


_Step = tuple[int, int, "list[int] | Order"]


def _spent_of(ask: Ask) -> str:
    return ask.symbol.quote if ask.buys else ask.symbol.base


def _half(plan: list[_Step], step: int) -> list[_Step]:
    """The first steps of the plan, up to half of its quantity."""
    left, found = sum(quantity for _, quantity, _ in plan) // 2 // step * step, []
    for price, quantity, level in plan:
        take = min(left, quantity)
        if take:
            found.append((price, take, level))
        left -= take
    return found
