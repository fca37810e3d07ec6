"""Coinbase Advanced Trade's paths, its tokens and limits, and what each call does."""

import time
from collections.abc import MutableMapping, Sequence
from typing import Any

from tidegate.sandbox.venue.coinbase import funding as older
from tidegate.sandbox.venue.coinbase import request as read
from tidegate.sandbox.venue.coinbase import shapes
from tidegate.sandbox.venue.coinbase.names import (
    NAMES,
    STYLE,
    number_of,
    offset_of,
    order_id,
    product_id,
    product_of,
    products,
    wallet_id,
)
from tidegate.sandbox.venue.coinbase.token import Tokens, Untrue
from tidegate.sandbox.venue.coinbase.words import invalid, missing, no_scope, of_an_order, unauthorized, v3
from tidegate.sandbox.venue.dialect import Call, Path, Raw, Reply, Trouble, Wrong
from tidegate.sandbox.venue.orders import Denied, Order
from tidegate.sandbox.venue.prices import Symbol, short
from tidegate.sandbox.venue.world import World

TRADE, V2 = "/api/v3/brokerage", "/v2"
MOST_A_PAGE, MOST_CANDLES = 250, 350
GRANULARITIES = {
    "ONE_MINUTE": 60,
    "FIVE_MINUTE": 300,
    "FIFTEEN_MINUTE": 900,
    "THIRTY_MINUTE": 1800,
    "ONE_HOUR": 3600,
    "TWO_HOUR": 7200,
    "SIX_HOUR": 21_600,
    "ONE_DAY": 86_400,
}
_PRIVATE_A_SECOND, _PUBLIC_A_SECOND = 30, 10


class Coinbase:
    """The dialect. It remembers tokens that were used and how often each user asked, both in memory."""

    style = STYLE

    def __init__(self, world: World) -> None:
        self.world = world
        self.engine = world.engine
        self.tokens = Tokens(world.config.accounts)
        self.used: dict[str, tuple[int, int]] = {}  # user or address → second, calls

    def paths(self) -> Sequence[Path]:
        v2, historical = older.Funding(self.world), f"{TRADE}/orders/historical"

        def ask(path: str, handler: Any) -> Path:
            return Path("GET", path, handler, signed=True)

        market = [
            ("products", self.products),
            ("product_book", self.product_book),
            ("products/{product}", self.product),
            ("products/{product}/ticker", self.ticker),
            ("products/{product}/candles", self.candles),
        ]
        return [
            Path("GET", f"{TRADE}/time", self.time),
            *(Path("GET", f"{TRADE}/market/{path}", handler) for path, handler in market),
            *(ask(f"{TRADE}/{path}", handler) for path, handler in market),
            ask(f"{TRADE}/best_bid_ask", self.best),
            ask(f"{TRADE}/accounts", self.accounts),
            ask(f"{TRADE}/accounts/{{wallet}}", self.account),
            ask(f"{TRADE}/key_permissions", self.permissions),
            ask(f"{TRADE}/transaction_summary", self.summary),
            Path("POST", f"{TRADE}/orders", self.place, signed=True, acts=True),
            Path("POST", f"{TRADE}/orders/batch_cancel", self.cancel, signed=True),
            ask(f"{historical}/batch", self.orders),
            ask(f"{historical}/fills", self.fills),
            ask(f"{historical}/{{order}}", self.order),
            Path("GET", f"{V2}/currencies", v2.currencies),
            Path("GET", f"{V2}/currencies/crypto", v2.crypto),
            Path("GET", f"{V2}/exchange-rates", v2.rates),
            ask(f"{V2}/accounts", v2.wallets),
            ask(f"{V2}/accounts/{{wallet}}/addresses", v2.addresses),
            Path("POST", f"{V2}/accounts/{{wallet}}/addresses", v2.new_address, signed=True),
            ask(f"{V2}/accounts/{{wallet}}/transactions", v2.transactions),
            Path("POST", f"{V2}/accounts/{{wallet}}/transactions", v2.send, signed=True, acts=True),
            ask(f"{V2}/accounts/{{wallet}}/transactions/{{transaction}}", v2.transaction),
        ]

    # What the protocol says of every call.

    def read(self, raw: Raw, path: Path, now: int, headers: MutableMapping[str, str]) -> Call:
        account = None
        if path.signed:
            try:
                account = self.tokens.account(raw, now // 1000)
            except Untrue:
                raise unauthorized(older=raw.path.startswith(V2)) from None
        self._count(
            account.name if account else raw.address, _PRIVATE_A_SECOND if account else _PUBLIC_A_SECOND, headers
        )
        return Call(raw, read.parameters(raw), now, account)

    def _count(self, who: str, real: int, headers: MutableMapping[str, str]) -> None:
        most, second = max(1, int(real * self.world.config.generosity)), int(time.monotonic())
        at, used = self.used.get(who, (0, 0))
        used = 1 + (used if at == second else 0)
        self.used[who] = (second, used)
        headers["x-ratelimit-limit"] = str(most)
        headers["x-ratelimit-remaining"] = str(max(0, most - used))
        headers["x-ratelimit-reset"] = "1"
        if used > most:
            raise Wrong(self.trouble(Trouble.LIMITED, 1))

    def answer(self, value: Any) -> Reply:
        return Reply(value)

    def denied(self, denied: Denied, path: Path) -> Reply:
        return older.denied(denied) if path.path.startswith(V2) else of_an_order(denied.why)

    def trouble(self, trouble: Trouble, seconds: int) -> Reply:
        if trouble is Trouble.LIMITED:
            told = v3(429, "resource_exhausted", "rate limit exceeded")
            return Reply(told.value, 429, {"retry-after": str(seconds)})
        if trouble is Trouble.BANNED:
            # The wall in front of the venue has a page and no word.
            return Reply(b"<html><h1>403 Forbidden</h1></html>", 403, {"retry-after": str(seconds)})
        if trouble is Trouble.TOO_LARGE:
            return v3(413, "INVALID_ARGUMENT", "request body too large")
        return v3(500, "INTERNAL", "internal error")

    # Prices.

    def time(self, call: Call) -> Any:
        return {"iso": shapes.iso(call.now), "epochSeconds": str(call.now // 1000), "epochMillis": str(call.now)}

    def _product(self, symbol: Symbol) -> dict[str, Any]:
        volume = sum(one.quantity for one in self.engine.trades if one.symbol == symbol.name)
        mid = self.world.prices.mid(symbol.name)
        return shapes.product(symbol, mid, volume, trading=not self.world.maintained)

    def products(self, call: Call) -> Any:
        if read.one(call.parameters, "product_type") not in (None, "SPOT", "UNKNOWN_PRODUCT_TYPE"):
            return {"products": [], "num_products": 0}
        wanted = read.several(call.parameters, "product_ids")
        found = [one for one in products() if not wanted or product_id(one.name) in wanted]
        return {"products": [self._product(one) for one in found], "num_products": len(found)}

    def product(self, call: Call) -> Any:
        return self._product(product_of(call.raw.named["product"]))

    def product_book(self, call: Call) -> Any:
        told = read.one(call.parameters, "product_id")
        symbol = product_of(told or "")
        return {"pricebook": self._book(symbol, read.whole(call.parameters, "limit", 1000), call.now)}

    def _book(self, symbol: Symbol, limit: int, now: int) -> dict[str, Any]:
        bids, asks = self.engine.book(symbol.name)
        return {
            "product_id": product_id(symbol.name),
            "bids": shapes.levels(bids, limit),
            "asks": shapes.levels(asks, limit),
            "time": shapes.iso(now),
        }

    def best(self, call: Call) -> Any:
        wanted = read.several(call.parameters, "product_ids")
        found = [product_of(one) for one in sorted(wanted)] if wanted else products()
        return {"pricebooks": [self._book(one, 1, call.now) for one in found]}

    def ticker(self, call: Call) -> Any:
        """The last trades, whoever made them; before the first one, the middle of the market as if it were one."""
        symbol = product_of(call.raw.named["product"])
        bids, asks = self.engine.book(symbol.name)
        limit = read.whole(call.parameters, "limit", 1)
        mine = [one for one in self.engine.trades if one.symbol == symbol.name and not one.maker][-limit:]
        name, mid = product_id(symbol.name), self.world.prices.mid(symbol.name) // symbol.tick * symbol.tick
        trades = [(str(one.id), one.price, one.quantity, one.time, one.buys) for one in reversed(mine)]
        return {
            "trades": [
                {
                    "trade_id": number,
                    "product_id": name,
                    "price": short(price),
                    "size": short(size),
                    "time": shapes.iso(at),
                    "side": "BUY" if buys else "SELL",
                    "bid": "",
                    "ask": "",
                    "exchange": "coinbase",
                }
                for number, price, size, at, buys in trades or [("1", mid, symbol.min_quantity, call.now, True)]
            ],
            "best_bid": short(bids[0][0]) if bids else "",
            "best_ask": short(asks[0][0]) if asks else "",
        }

    def candles(self, call: Call) -> Any:
        symbol = product_of(call.raw.named["product"])
        seconds = GRANULARITIES.get(read.one(call.parameters, "granularity") or "")
        if seconds is None:
            raise invalid("granularity")
        now = call.now // 1000
        end = read.whole(call.parameters, "end", now)
        start = read.whole(call.parameters, "start", end - seconds * MOST_CANDLES)
        if (end - start) // seconds > MOST_CANDLES:
            raise invalid("number of candles requested should be less than 350")
        found = self.world.candles.between(symbol.name, seconds, start, end, now=now, most=MOST_CANDLES)
        return {"candles": [shapes.candle(one) for one in reversed(found)]}

    # The account.

    def _accounts(self, call: Call) -> list[dict[str, Any]]:
        name, held = call.who.name, self.engine.balances[call.who.name]
        return [shapes.account(name, asset, *held.get(asset, (0, 0))) for asset in sorted({*NAMES, *held})]

    def accounts(self, call: Call) -> Any:
        found, first = self._accounts(call), offset_of(read.one(call.parameters, "cursor"))
        last = first + min(MOST_A_PAGE, max(1, read.whole(call.parameters, "limit", 49)))
        more = last < len(found)
        page = found[first:last]
        return {"accounts": page, "has_next": more, "cursor": str(last) if more else "", "size": len(page)}

    def account(self, call: Call) -> Any:
        for one in self._accounts(call):
            if one["uuid"] == call.raw.named["wallet"]:
                return {"account": one}
        raise missing("account not found")

    def permissions(self, call: Call) -> Any:
        who = call.who
        portfolio = {"portfolio_uuid": wallet_id(who.name, "portfolio"), "portfolio_type": "DEFAULT"}
        return {"can_view": True, "can_trade": who.can_trade, "can_transfer": who.can_withdraw, **portfolio}

    def summary(self, call: Call) -> Any:
        fee = short(self.style.fee_ppm * 100)
        tier = {
            "pricing_tier": "Advanced 1",
            "usd_from": "0",
            "usd_to": "",
            "taker_fee_rate": fee,
            "maker_fee_rate": fee,
        }
        return {"total_volume": 0, "total_fees": 0, "fee_tier": tier, "total_balance": "0"}

    # Orders.

    def place(self, call: Call) -> Any:
        self._may_trade(call)
        ask = read.ask(call.parameters)
        made = self.engine.find(call.who.name, None, None, ask.client_id)
        if made is None:
            made, _ = self.world.place(call.who.name, ask, call.now)
        # With the id of an earlier order that one is returned, and nothing is created.
        done = {
            "order_id": order_id(made.id),
            "product_id": product_id(made.symbol),
            "side": "BUY" if made.buys else "SELL",
            "client_order_id": made.client_id,
        }
        return {
            "success": True,
            "failure_reason": "UNKNOWN_FAILURE_REASON",
            "order_id": order_id(made.id),
            "success_response": done,
            "order_configuration": shapes.configuration(made),
        }

    def cancel(self, call: Call) -> Any:
        self._may_trade(call)
        told = call.parameters.get("order_ids")
        if not isinstance(told, list) or not told or not all(isinstance(one, str) for one in told):
            raise invalid("order_ids")
        return {"results": [self._cancelled(call, one) for one in told]}

    def _cancelled(self, call: Call, told: str) -> dict[str, Any]:
        found = self._find(call, told)
        if found is None or not found.open:
            return {"success": False, "failure_reason": "UNKNOWN_CANCEL_ORDER", "order_id": told}
        self.engine.cancel(found, call.now)
        return {"success": True, "failure_reason": "UNKNOWN_CANCEL_FAILURE_REASON", "order_id": told}

    def _find(self, call: Call, told: str) -> Order | None:
        number = number_of(told)
        found = self.world.find(call.who.name, None, number, None) if number is not None else None
        return found if found is not None and order_id(found.id) == told else None

    def order(self, call: Call) -> Any:
        found = self._find(call, call.raw.named["order"])
        if found is None:
            raise missing("order with this orderID was not found")
        return {"order": self._order(found)}

    def _order(self, one: Order) -> dict[str, Any]:
        shown = len(self.world.trades_of(one.account, None, one.id))
        return shapes.order(one, self.engine.trades_of(one.account, None, one.id), shown)

    def orders(self, call: Call) -> Any:
        asked = call.parameters
        names, statuses = read.several(asked, "product_ids", "product_id"), read.several(asked, "order_status")
        since, until = read.moment(asked, "start_date", 0), read.moment(asked, "end_date", 1 << 62)
        if "OPEN" in statuses and len(statuses) > 1:
            raise invalid("OPEN cannot be combined with other statuses")
        # Pages begin below the last order of the one before: what is placed meanwhile moves nothing.
        below = offset_of(read.one(asked, "cursor")) or 1 << 62
        found = [
            entry
            for one in reversed(self.world.orders_of(call.who.name))
            if one.id < below and since <= one.time < until and (not names or product_id(one.symbol) in names)
            for entry in [self._order(one)]
            if not statuses or entry["status"] in statuses
        ]
        limit = min(MOST_A_PAGE, max(1, read.whole(asked, "limit", 100)))
        page, more = found[:limit], limit < len(found)
        last = str(number_of(page[-1]["order_id"])) if more else ""
        return {"orders": page, "sequence": "0", "has_next": more, "cursor": last}

    def fills(self, call: Call) -> Any:
        asked = call.parameters
        orders, names = read.several(asked, "order_ids", "order_id"), read.several(asked, "product_ids", "product_id")
        found = [
            shapes.fill(one, in_quote=bool(self.engine.orders[one.order].quote_quantity))
            for one in reversed(self.world.trades_of(call.who.name))
            if (not orders or order_id(one.order) in orders) and (not names or product_id(one.symbol) in names)
        ]
        first = offset_of(read.one(asked, "cursor"))
        last = first + min(MOST_A_PAGE, max(1, read.whole(asked, "limit", 100)))
        return {"fills": found[first:last], "cursor": str(last) if last < len(found) else ""}

    @staticmethod
    def _may_trade(call: Call) -> None:
        if not call.who.can_trade:
            raise no_scope()
