"""The matching engine: what may be asked, and how orders meet. No clock, no I/O: `now` is milliseconds given."""

from collections.abc import Iterator

from tidegate.sandbox.venue.books import Books, Step
from tidegate.sandbox.venue.orders import Ask, Denied, Order, Trade, Why
from tidegate.sandbox.venue.prices import E8

MAX_OPEN_ORDERS = 200


class Engine(Books):
    """The exchange: its books (`changes` is what must be durable before an answer), and its rules."""

    # What may be asked.

    def judge(self, account: str, ask: Ask) -> "list[Step]":
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

    def _plan(self, account: str, ask: Ask) -> Iterator["Step"]:
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


def _spent_of(ask: Ask) -> str:
    return ask.symbol.quote if ask.buys else ask.symbol.base


def _half(plan: list[Step], step: int) -> list[Step]:
    """The first steps of the plan, up to half of its quantity."""
    left, found = sum(quantity for _, quantity, _ in plan) // 2 // step * step, []
    for price, quantity, level in plan:
        take = min(left, quantity)
        if take:
            found.append((price, take, level))
        left -= take
    return found
