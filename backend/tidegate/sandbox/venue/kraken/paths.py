"""Kraken Spot's paths, its nonces and counters, and what each call does."""

import secrets
import time
from collections.abc import MutableMapping, Sequence
from email.utils import formatdate
from typing import Any

from tidegate.sandbox.venue.dialect import Call, Path, Raw, Reply, Trouble
from tidegate.sandbox.venue.kraken import request as read
from tidegate.sandbox.venue.kraken import shapes
from tidegate.sandbox.venue.kraken.funding import Funding
from tidegate.sandbox.venue.kraken.names import ASSETS, STYLE, code_of, number_of, order_id, pair_of, pairs_of, trade_id
from tidegate.sandbox.venue.kraken.words import invalid, refusal, result, word, wrong
from tidegate.sandbox.venue.orders import Denied, Order, Trade, Why
from tidegate.sandbox.venue.prices import number
from tidegate.sandbox.venue.world import World

A_PAGE, MOST_LEVELS, MOST_CANDLES = 50, 500, 720
INTERVALS = frozenset({1, 5, 15, 30, 60, 240, 1440, 10_080, 21_600})
_REAL_MOST, _REAL_FALL = 20.0, 1.0  # the counter of a key of the highest tier, and what it forgets a second


class Kraken:
    """The dialect. It remembers the last nonce of each key (for ever) and how often each key asked (in memory)."""

    style = STYLE

    def __init__(self, world: World) -> None:
        self.world = world
        self.engine = world.engine
        self.funding = Funding(world)
        self.used: dict[str, tuple[float, float]] = {}  # key or address → at (monotonic), counter

    def paths(self) -> Sequence[Path]:
        funding = self.funding

        def open_(name: str, handler: Any) -> Path:
            return Path("GET", f"/0/public/{name}", handler)

        def private(name: str, handler: Any, weight: int = 1, *, acts: bool = False) -> Path:
            return Path("POST", f"/0/private/{name}", handler, weight, signed=True, acts=acts)

        return [
            open_("Time", self.time),
            open_("SystemStatus", self.system_status),
            open_("Assets", self.assets),
            open_("AssetPairs", self.asset_pairs),
            open_("Ticker", self.ticker),
            open_("Depth", self.depth),
            open_("OHLC", self.ohlc),
            private("Balance", self.balance),
            private("BalanceEx", self.balance_ex),
            private("TradeVolume", self.trade_volume),
            private("AddOrder", self.add_order, 0, acts=True),
            private("CancelOrder", self.cancel_order, 0),
            private("QueryOrders", self.query_orders),
            private("OpenOrders", self.open_orders),
            private("ClosedOrders", self.closed_orders),
            private("QueryTrades", self.query_trades, 2),
            private("TradesHistory", self.trades_history, 2),
            private("DepositMethods", funding.deposit_methods),
            private("DepositAddresses", funding.deposit_addresses),
            private("DepositStatus", funding.deposit_status),
            private("WithdrawMethods", funding.withdraw_methods),
            private("WithdrawAddresses", funding.withdraw_addresses),
            private("WithdrawInfo", funding.withdraw_info),
            private("Withdraw", funding.withdraw, acts=True),
            private("WithdrawStatus", funding.withdraw_status),
        ]

    # What the protocol says of every call.

    def read(self, raw: Raw, path: Path, now: int, headers: MutableMapping[str, str]) -> Call:
        if not raw.headers.get("user-agent"):
            raise wrong("EGeneral:Permission denied")
        found = read.parameters(raw)
        if not path.signed:
            self._count(raw.address, path.weight)
            return Call(raw, found, now, None)
        account, nonce = read.authenticate(self.world.config.accounts, raw, found)
        if nonce <= self.world.notes.get(f"nonce/{account.api_key}", -1):
            raise wrong("EAPI:Invalid nonce")
        self.world.note(f"nonce/{account.api_key}", nonce)
        self._count(account.api_key, path.weight)
        return Call(raw, found, now, account)

    def _count(self, who: str, weight: int) -> None:
        """By key; public calls, of which no document tells the limit, by address as if it were a key."""
        generosity, now = self.world.config.generosity, time.monotonic()
        at, used = self.used.get(who, (now, 0.0))
        used = max(0.0, used - (now - at) * _REAL_FALL * generosity)
        if weight and used + weight > max(1.0, _REAL_MOST * generosity):
            raise wrong("EAPI:Rate limit exceeded")
        self.used[who] = (now, used + weight)

    def answer(self, value: Any) -> Reply:
        return result(value)

    def denied(self, denied: Denied, path: Path) -> Reply:
        return refusal(word(denied.why))

    def trouble(self, trouble: Trouble, seconds: int) -> Reply:
        words = {
            Trouble.LIMITED: "EGeneral:Too many requests",
            Trouble.BANNED: "EGeneral:Temporary lockout",
            Trouble.FAILED: "EGeneral:Internal error",
            Trouble.TOO_LARGE: "EGeneral:Invalid arguments",
        }
        return refusal(words[trouble])

    # Prices.

    def time(self, call: Call) -> Any:
        return {"unixtime": call.now // 1000, "rfc1123": formatdate(call.now // 1000)}

    def system_status(self, call: Call) -> Any:
        told = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(call.now // 1000))
        return {"status": "maintenance" if self.world.maintained else "online", "timestamp": told}

    def assets(self, call: Call) -> Any:
        asked = call.parameters.get("asset")
        codes = list(ASSETS) if asked is None else [code_of(one) for one in asked.split(",")]
        shape = {"aclass": "currency", "decimals": 8, "display_decimals": 5, "status": "enabled"}
        return {ASSETS[code][0]: {"altname": ASSETS[code][1], **shape} for code in codes}

    def asset_pairs(self, call: Call) -> Any:
        trading, fee = not self.world.maintained, self.style.fee_ppm
        return {one.id: shapes.pair(one, fee, trading=trading) for one in pairs_of(call.parameters.get("pair"))}

    def ticker(self, call: Call) -> Any:
        found = {}
        for one in pairs_of(call.parameters.get("pair")):
            mid = self.world.prices.mid(one.symbol.name)
            volume = sum(trade.quantity for trade in self.engine.trades if trade.symbol == one.symbol.name)
            seen = self.world.seen.get(one.symbol.name, (mid, mid, mid))
            found[one.id] = shapes.ticker(self.engine, one, seen, volume)
        return found

    def depth(self, call: Call) -> Any:
        pair = pair_of(read.mandatory(call.parameters, "pair"))
        count = read.whole(call.parameters, "count", 100)
        if not 1 <= count <= MOST_LEVELS:
            raise invalid("count")
        bids, asks = self.engine.book(pair.symbol.name)
        return {pair.id: {"asks": shapes.levels(asks, count, call.now), "bids": shapes.levels(bids, count, call.now)}}

    def ohlc(self, call: Call) -> Any:
        pair, minutes = pair_of(read.mandatory(call.parameters, "pair")), read.whole(call.parameters, "interval", 1)
        if minutes not in INTERVALS:
            raise invalid("interval")
        seconds, now = minutes * 60, call.now // 1000
        first = max(read.whole(call.parameters, "since") + 1, now - (MOST_CANDLES - 1) * seconds)
        found = self.world.candles.between(pair.symbol.name, seconds, first, now, now=now, most=MOST_CANDLES)
        return {pair.id: [shapes.candle(one) for one in found], "last": now // seconds * seconds - seconds}

    # The account.

    def _held(self, call: Call) -> dict[str, tuple[int, int]]:
        held = self.engine.balances[call.who.name]
        return {ASSETS[code][0]: (free, locked) for code, (free, locked) in held.items() if code in ASSETS}

    def balance(self, call: Call) -> Any:
        return {name: number(free + locked) for name, (free, locked) in self._held(call).items()}

    def balance_ex(self, call: Call) -> Any:
        held = self._held(call).items()
        return {name: {"balance": number(free + locked), "hold_trade": number(locked)} for name, (free, locked) in held}

    def trade_volume(self, call: Call) -> Any:
        fee = f"{shapes.percent(self.style.fee_ppm):.4f}"
        tier = {"fee": fee, "minfee": fee, "maxfee": fee, "nextfee": None, "nextvolume": None, "tiervolume": "0.0000"}
        asked = call.parameters.get("pair")
        tiers = {one.id: tier for one in pairs_of(asked)} if asked else {}
        return {"currency": "ZUSD", "volume": "0.0000", "fees": tiers, "fees_maker": tiers}

    # Orders.

    def add_order(self, call: Call) -> Any:
        self._may_trade(call)
        read.check_deadline(call.parameters, call.now)
        ask = read.ask(call.parameters, secrets.token_hex(8))
        if read.flag(call.parameters, "validate"):
            plan = self.engine.judge(call.who.name, ask)
            told = Order(0, "", ask.symbol.name, "", ask.buys, ask.type, "", ask.price, ask.quantity, 0, 0, 0)
            told.quantity = ask.quantity or sum(quantity for _, quantity, _ in plan)
            return {"descr": {"order": shapes.words(told)["order"]}}
        made, _ = self.world.place(call.who.name, ask, call.now)
        # No word of what was filled: whoever wants to know asks.
        return {"txid": [order_id(made.id)], "descr": {"order": shapes.words(made)["order"]}}

    def cancel_order(self, call: Call) -> Any:
        self._may_trade(call)
        told, client_id = call.parameters.get("txid"), read.client_id(call.parameters)
        if not told and not client_id:
            raise invalid("txid")
        found = self.world.find(call.who.name, None, number_of(told) if told else None, client_id)
        if found is None:
            raise Denied(Why.NO_ORDER)
        self.engine.cancel(found, call.now)
        return {"count": 1}

    def query_orders(self, call: Call) -> Any:
        found, asked = {}, read.mandatory(call.parameters, "txid").split(",")
        if len(asked) > A_PAGE:
            raise invalid("txid")
        for told in asked:
            number_ = number_of(told)
            one = self.world.find(call.who.name, None, number_, None) if number_ is not None else None
            if one is None:
                raise Denied(Why.NO_ORDER)
            found[told] = self._order(one, call)
        return found

    def _order(self, one: Order, call: Call) -> dict[str, Any]:
        named = self.world.trades_of(one.account, None, one.id) if read.flag(call.parameters, "trades") else []
        return shapes.order(one, self.engine.trades_of(one.account, None, one.id), named)

    def open_orders(self, call: Call) -> Any:
        wanted = read.client_id(call.parameters)
        found = self.world.orders_of(call.who.name, None, only_open=True)
        chosen = [one for one in found if wanted in (None, one.client_id)]
        return {"open": {order_id(one.id): self._order(one, call) for one in reversed(chosen)}}

    def closed_orders(self, call: Call) -> Any:
        wanted = read.client_id(call.parameters)
        start, end = self._moment(call, "start", 0), self._moment(call, "end", 1 << 62)
        found = [
            one
            for one in reversed(self.world.orders_of(call.who.name))
            if not one.open and wanted in (None, one.client_id) and start <= one.updated and one.time <= end
        ]
        offset = read.whole(call.parameters, "ofs")
        page = found[offset : offset + A_PAGE]
        return {"closed": {order_id(one.id): self._order(one, call) for one in page}, "count": len(found)}

    def query_trades(self, call: Call) -> Any:
        asked = read.mandatory(call.parameters, "txid").split(",")
        mine = {trade_id(one.id): one for one in self.world.trades_of(call.who.name)}
        if len(asked) > 20 or any(told not in mine for told in asked):
            raise invalid("txid")
        return {told: self._trade(mine[told]) for told in asked}

    def trades_history(self, call: Call) -> Any:
        start, end = self._moment(call, "start", 0), self._moment(call, "end", 1 << 62)
        found = [one for one in reversed(self.world.trades_of(call.who.name)) if start <= one.time <= end]
        offset = read.whole(call.parameters, "ofs")
        page = found[offset : offset + A_PAGE]
        return {"trades": {trade_id(one.id): self._trade(one) for one in page}, "count": len(found)}

    def _trade(self, one: Trade) -> dict[str, Any]:
        return shapes.trade(one, self.engine.orders[one.order].type)

    def _moment(self, call: Call, name: str, default: int) -> int:
        """In milliseconds: Unix seconds, or the time of an order or a trade by its id."""
        told = call.parameters.get(name, "")
        number_ = number_of(told)
        if number_ is None:
            return read.whole(call.parameters, name) * 1000 if told else default
        orders = self.engine.orders
        if told.startswith("O") and number_ in orders:
            return orders[number_].time
        return next((one.time for one in self.engine.trades if one.id == number_), default)

    @staticmethod
    def _may_trade(call: Call) -> None:
        if not call.who.can_trade:
            raise wrong("EGeneral:Permission denied")
