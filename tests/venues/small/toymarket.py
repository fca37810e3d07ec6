"""The venue of the worked example: a protocol of its own, as small as it can be."""

import hashlib
import hmac
import json
import time
from decimal import Decimal
from typing import Any

from tests.venues.small.engine import LOT, MINIMUM, TICK, WORTH, Engine, No, Order
from tests.venues.small.server import Reply, Request

KEY, SECRET = "toy-key", "toy-secret"


class SmallToymarket:
    def __init__(self) -> None:
        self.engine = Engine(fee_in_quote=True)

    def acts(self, request: Request) -> bool:
        return request.method == "POST"

    def limited(self, seconds: int) -> Reply:
        return 429, {"no": "many"}, {"retry-after": str(seconds)}

    def answer(self, request: Request) -> Reply:
        if request.path == "/time":
            return 200, {"ms": time.time_ns() // 1_000_000}
        stamp, window = request.headers.get("x-stamp", "0"), request.headers.get("x-window", "0")
        signed = f"{request.method} {request.target} {stamp} {window} ".encode() + request.body
        if hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest() != request.headers.get("x-sign"):
            return 401, {"no": "key"}
        if abs(int(stamp) - time.time() * 1000) > int(window):
            return 400, {"no": "clock"}
        told = json.loads(request.body) if request.body else request.query
        try:
            found = getattr(self, f"{request.method.lower()}_{request.path.strip('/')}")(told)
        except No as no:
            return 400, {"no": str(no)}
        return (404, {"no": "unknown"}) if found is None else (200, found)

    def get_markets(self, told: Any) -> Any:
        grid = {"tick": f"{TICK:f}", "lot": f"{LOT:f}", "least": f"{MINIMUM:f}", "most": "1000", "worth": f"{WORTH:f}"}
        return [{"name": "BTC/USDT", "base": "BTC", "quote": "USDT", "open": True, **grid}]

    def get_book(self, told: Any) -> Any:
        sides = {"bids": self.engine.bids, "asks": self.engine.asks}
        return {k: [[f"{p:f}", f"{q:f}"] for p, q in v[: int(told["depth"])]] for k, v in sides.items()}

    def get_ticker(self, told: Any) -> Any:
        return {"bid": f"{self.engine.bids[0][0]:f}", "ask": f"{self.engine.asks[0][0]:f}", "last": "64001.0"}

    def get_candles(self, told: Any) -> Any:
        row = {"o": "2.0", "h": "4.0", "l": "1.0", "c": "3.0", "volume": "0.5"}
        return [{"start": one, **row} for one in range(int(told["since"]), int(time.time()), int(told["seconds"]))]

    def get_account(self, told: Any) -> Any:
        held = [{"asset": k, "free": f"{v:f}", "locked": "0"} for k, v in self.engine.balances.items()]
        return {"held": held, "may": ["trade", "withdraw"], "fee": "0.002"}

    def post_orders(self, told: Any) -> Any:
        numbers = Decimal(told["quantity"]), Decimal(told["price"])
        return {"number": self.engine.place(told["id"], told["side"] == "buy", *numbers).id}

    def get_orders(self, told: Any) -> Any:
        return next((_order(one) for one in self.engine.orders if one.client_id == told["id"]), None)

    delete_orders = get_orders

    def get_trades(self, told: Any) -> Any:
        trades = [trade for one in self.engine.orders if str(one.id) == told["order"] for trade in one.trades]
        return [
            {"number": one.id, "price": f"{one.price:f}", "quantity": f"{one.quantity:f}", "fee": f"{one.fee:f}"}
            | {"fee_asset": one.fee_asset}
            for one in trades
        ]

    def get_deposit(self, told: Any) -> Any:
        return {"address": "bc1qtoymarket"} if told["network"] == "bitcoin" else None

    def post_withdrawals(self, told: Any) -> Any:
        if told["network"] != "bitcoin":
            raise No("grid")
        return {"number": self.engine.withdraw(told["id"], told["asset"], told["address"], Decimal(told["amount"])).id}

    def get_withdrawals(self, told: Any) -> Any:
        for one in self.engine.payouts:
            if one.client_id == told["id"]:
                return {"number": one.id, "amount": f"{one.amount:f}", "fee": f"{one.fee:f}", "txid": one.txid}
        return None


def _order(one: Order) -> Any:
    state = "filled" if one.filled == one.quantity else "ended"
    return {"id": one.client_id, "number": one.id, "state": state, "filled": f"{one.filled:f}"}
