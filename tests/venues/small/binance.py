"""A small Binance Spot with what the sandbox venue leaves out: /sapi (venues.md section 1). Signatures are checked."""

import hashlib
import hmac
import json
import time
from decimal import Decimal
from typing import Any

from tests.venues.small.engine import LOT, MINIMUM, TICK, WORTH, Engine, No, Order
from tests.venues.small.server import Reply, Request

KEY, SECRET = "binance-key", "binance-secret"


class SmallBinance:
    def __init__(self) -> None:
        self.engine = Engine(fee_in_quote=False)
        self.may_withdraw = True
        self.weight = 0

    def acts(self, request: Request) -> bool:
        return request.method == "POST"

    def limited(self, seconds: int) -> Reply:
        return 429, {"code": -1003, "msg": "Too many requests."}, {"retry-after": str(seconds)}

    def answer(self, request: Request) -> Reply:
        self.weight += 1
        name = request.path.rpartition("/")[2]
        public = getattr(self, f"public_{name}", None)
        if public is not None:
            return 200, public(request.query), {"x-mbx-used-weight-1m": str(self.weight)}
        sent = request.body.decode() or request.target.partition("?")[2]
        payload, _, signature = sent.rpartition("&signature=")
        if hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest() != signature:
            return 400, {"code": -1022, "msg": "Signature for this request is not valid."}
        if request.headers.get("x-mbx-apikey") != KEY:
            return 401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
        asked = {**request.query, **request.form}
        if abs(int(asked["timestamp"]) - time.time() * 1000) > 5000:
            return 400, {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}
        found: Reply = getattr(self, f"{request.method.lower()}_{name}")(asked)
        return found

    def public_time(self, asked: dict[str, str]) -> Any:
        return {"serverTime": time.time_ns() // 1_000_000}

    def public_exchangeInfo(self, asked: dict[str, str]) -> Any:  # noqa: N802  Binance's own word, as those below
        lot = {"filterType": "LOT_SIZE", "minQty": f"{MINIMUM:f}", "maxQty": "9000", "stepSize": f"{LOT:f}"}
        filters = [
            {"filterType": "PRICE_FILTER", "minPrice": "0.1", "maxPrice": "1000000", "tickSize": f"{TICK:f}"},
            lot,
            {"filterType": "NOTIONAL", "minNotional": f"{WORTH:f}"},
        ]
        names = {"symbol": "BTCUSDT", "baseAsset": "BTC", "quoteAsset": "USDT", "status": "TRADING"}
        limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}
        return {"rateLimits": [limit], "symbols": [{**names, "isSpotTradingAllowed": True, "filters": filters}]}

    def public_depth(self, asked: dict[str, str]) -> Any:
        sides = {"asks": self.engine.asks, "bids": self.engine.bids}
        return {"lastUpdateId": 1, **{k: [[f"{p:f}", f"{q:f}"] for p, q in v] for k, v in sides.items()}}

    def public_24hr(self, asked: dict[str, str]) -> Any:
        best = {"bidPrice": f"{self.engine.bids[0][0]:f}", "askPrice": f"{self.engine.asks[0][0]:f}"}
        return [{"symbol": one, "lastPrice": "64001.0", **best} for one in json.loads(asked["symbols"])]

    def public_klines(self, asked: dict[str, str]) -> Any:
        assert asked["interval"] == "1h"
        starts = range(int(asked["startTime"]), int(time.time() * 1000), 3_600_000)
        row = ["64000.0", "64100.0", "63900.0", "64050.0", "1.5"]
        return [[one, *row, one + 3_599_999, "96000.0", 7, "0.7", "44800.0", "0"] for one in starts]

    def get_account(self, asked: dict[str, str]) -> Reply:
        held = [{"asset": k, "free": f"{v:f}", "locked": "0.0"} for k, v in self.engine.balances.items() if v]
        return 200, {"canTrade": True, "canWithdraw": True, "commissionRates": {"taker": "0.002"}, "balances": held}

    def get_apiRestrictions(self, asked: dict[str, str]) -> Reply:  # noqa: N802
        may = {"enableReading": True, "enableSpotAndMarginTrading": True}
        return 200, {"ipRestrict": True, **may, "enableWithdrawals": self.may_withdraw}

    def post_order(self, asked: dict[str, str]) -> Reply:
        assert asked["timeInForce"] == "IOC"
        numbers = Decimal(asked["quantity"]), Decimal(asked["price"])
        try:
            one = self.engine.place(asked["newClientOrderId"], asked["side"] == "BUY", *numbers)
        except No as no:
            if str(no) == "funds":
                return 400, {"code": -2010, "msg": "Account has insufficient balance for requested action."}
            return 400, {"code": -1013, "msg": "Filter failure: PRICE_FILTER"}
        return 200, _order(one)

    def get_order(self, asked: dict[str, str]) -> Reply:
        found = [one for one in self.engine.orders if one.client_id == asked["origClientOrderId"]]
        return (200, _order(found[0])) if found else (400, {"code": -2013, "msg": "Order does not exist."})

    def delete_order(self, asked: dict[str, str]) -> Reply:
        return 400, {"code": -2011, "msg": "Unknown order sent."}

    def get_myTrades(self, asked: dict[str, str]) -> Reply:  # noqa: N802
        return 200, [
            {
                "id": trade.id,
                "orderId": one.id,
                "price": f"{trade.price:f}",
                "qty": f"{trade.quantity:f}",
                "quoteQty": f"{trade.cost:f}",
                "commission": f"{trade.fee:f}",
                "commissionAsset": trade.fee_asset,
            }
            for one in self.engine.orders
            for trade in one.trades
            if str(one.id) == asked["orderId"]
        ]

    def get_address(self, asked: dict[str, str]) -> Reply:
        assert asked["network"] == "BTC"
        return 200, {"address": "bc1qbinance", "coin": asked["coin"], "tag": "", "url": ""}

    def post_apply(self, asked: dict[str, str]) -> Reply:
        assert asked["network"] == "BTC"
        try:
            made = self.engine.withdraw(
                asked["withdrawOrderId"], asked["coin"], asked["address"], Decimal(asked["amount"])
            )
        except No:
            return 400, {"code": -4026, "msg": "Insufficient balance."}
        return 200, {"id": f"{made.id:032x}"}

    def get_history(self, asked: dict[str, str]) -> Reply:
        start, end = int(asked["startTime"]), int(asked["endTime"])
        assert 0 < end - start < 7 * 86_400_000
        return 200, [
            {
                "id": f"{one.id:032x}",
                "amount": f"{one.amount:f}",
                "transactionFee": f"{one.fee:f}",
                "coin": one.asset,
                "status": 6 if one.txid else 4,
                "address": one.address,
                "txId": one.txid,
                "applyTime": "2026-11-30 12:00:00",
                "withdrawOrderId": one.client_id,
            }
            for one in self.engine.payouts
            if one.client_id == asked["withdrawOrderId"] and start <= one.when * 1000 <= end
        ]


def _order(one: Order) -> dict[str, Any]:
    done = one.filled == one.quantity
    return {
        "symbol": "BTCUSDT",
        "orderId": one.id,
        "clientOrderId": one.client_id,
        "price": f"{one.price:f}",
        "origQty": f"{one.quantity:f}",
        "executedQty": f"{one.filled:f}",
        "cummulativeQuoteQty": f"{sum((trade.cost for trade in one.trades), Decimal(0)):f}",
        "status": "FILLED" if done else "EXPIRED",
    }
