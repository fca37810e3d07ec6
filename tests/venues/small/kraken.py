"""A small Kraken: its envelopes and names (venues.md section 2); each signature and nonce is checked."""

import base64
import hashlib
import hmac
import time
from decimal import Decimal
from typing import Any

from tests.venues.small.engine import LOT, MINIMUM, TICK, WORTH, Engine, No, Order
from tests.venues.small.server import Reply, Request

KEY, SECRET = "kraken-key", base64.b64encode(b"kraken secret of sixty-four bytes").decode()
ALLOWED = {"bc1qhouse0000": "house hot wallet"}


class SmallKraken:
    def __init__(self) -> None:
        self.engine = Engine(fee_in_quote=True)
        self.may_withdraw = True
        self.last_nonce = 0

    def acts(self, request: Request) -> bool:
        return request.path in ("/0/private/AddOrder", "/0/private/Withdraw")

    def limited(self, seconds: int) -> Reply:
        return 200, {"error": ["EGeneral:Too many requests"]}

    def answer(self, request: Request) -> Reply:
        kind, _, call = request.path.removeprefix("/0/").partition("/")
        handler = getattr(self, f"{kind}_{call}", None)
        if handler is None:
            return 200, {"error": ["EGeneral:Unknown method"]}
        if kind == "private":
            if request.method != "POST" or (wrong := self._wrong(request)):
                return 200, {"error": [wrong]}
            return 200, self._envelope(handler, request.form)
        return 200, self._envelope(handler, request.query)

    def _wrong(self, request: Request) -> str:
        nonce = request.form.get("nonce", "0")
        inner = hashlib.sha256(nonce.encode() + request.body).digest()
        made = hmac.new(base64.b64decode(SECRET), request.path.encode() + inner, hashlib.sha512).digest()
        if request.headers.get("api-key") != KEY:
            return "EAPI:Invalid key"
        if request.headers.get("api-sign") != base64.b64encode(made).decode():
            return "EAPI:Invalid signature"
        if int(nonce) <= self.last_nonce:
            return "EAPI:Invalid nonce"
        self.last_nonce = int(nonce)
        return ""

    @staticmethod
    def _envelope(handler: Any, asked: dict[str, str]) -> Any:
        found = handler(asked)
        return {"error": [found]} if isinstance(found, str) else {"error": [], "result": found}

    def public_Time(self, asked: dict[str, str]) -> Any:  # noqa: N802  Kraken's own word, as those below
        return {"unixtime": int(time.time()), "rfc1123": "Tue, 11 Nov 25 00:17:04 +0000"}

    def public_Assets(self, asked: dict[str, str]) -> Any:  # noqa: N802
        names = {"XXBT": "XBT", "USDT": "USDT", "XXDG": "XDG", "ZUSD": "USD"}
        return {
            k: {"aclass": "currency", "altname": v, "decimals": 10, "display_decimals": 5} for k, v in names.items()
        }

    def public_AssetPairs(self, asked: dict[str, str]) -> Any:  # noqa: N802
        entry = {
            "altname": "XBTUSDT",
            "wsname": "XBT/USDT",
            "base": "XXBT",
            "quote": "USDT",
            "pair_decimals": 1,
            "lot_decimals": 8,
            "cost_decimals": 5,
            "tick_size": format(TICK, "f"),
            "ordermin": format(MINIMUM, "f"),
            "costmin": format(WORTH, "f"),
            "fees": [[0, 0.4]],
            "status": "online",
        }
        return {"XBTUSDT": entry, "XDGUSD": {"base": "XXDG", "quote": "ZUSD"}}

    def public_Depth(self, asked: dict[str, str]) -> Any:  # noqa: N802
        sides = {"asks": self.engine.asks, "bids": self.engine.bids}
        # Under another name than was asked for, as XBTEUR comes back as XXBTZEUR.
        return {"XXBTUSDT": {k: [[f"{p:.5f}", f"{q:f}", 1762820248] for p, q in v] for k, v in sides.items()}}

    def public_Ticker(self, asked: dict[str, str]) -> Any:  # noqa: N802
        ask, bid = self.engine.asks[0], self.engine.bids[0]
        row = {"a": [f"{ask[0]:f}", "1", "1.000"], "b": [f"{bid[0]:f}", "1", "1.000"], "c": ["64001.0", "0.1"]}
        return {"XXBTUSDT": {**row, "o": "63000.0"}}

    def public_OHLC(self, asked: dict[str, str]) -> Any:  # noqa: N802
        step = int(asked["interval"]) * 60
        first = int(time.time()) // step * step - 5 * step
        rows = [
            [first + n * step, "64000.0", "64100.0", "63900.0", "64050.0", "64010.0", "1.5", 7]
            for n in range(6)
            if first + n * step > int(asked["since"])
        ]
        return {"XXBTUSDT": rows, "last": first}

    def private_BalanceEx(self, asked: dict[str, str]) -> Any:  # noqa: N802
        held = self.engine.balances
        return {
            "XXBT": {"balance": f"{held['BTC']:f}", "hold_trade": "0.0000000000"},
            "USDT": {"balance": f"{held['USDT']:f}", "hold_trade": "0.00000000"},
            "XXBT.HOLD": {"balance": "0.0000000000", "hold_trade": "0.0000000000"},
        }

    def private_TradeVolume(self, asked: dict[str, str]) -> Any:  # noqa: N802
        return {"currency": "ZUSD", "volume": "0.0", "fees": {"XXBTUSDT": {"fee": "0.2000", "minfee": "0.1"}}}

    def private_AddOrder(self, asked: dict[str, str]) -> Any:  # noqa: N802
        trial = asked.get("validate") == "true"
        assert (asked["ordertype"], asked["timeinforce"], asked["pair"]) == ("limit", "IOC", "XBTUSDT")
        assert trial or asked["deadline"].endswith("Z")
        numbers = Decimal(asked["volume"]), Decimal(asked["price"])
        try:
            one = self.engine.place(asked.get("cl_ord_id", ""), asked["type"] == "buy", *numbers, trial=trial)
        except No as no:
            return "EOrder:Insufficient funds" if str(no) == "funds" else "EOrder:Tick size check failed"
        text = f"{asked['type']} {asked['volume']} XBTUSDT @ limit {asked['price']}"
        return {"descr": {"order": text}, **({} if trial else {"txid": [_id("O", one.id)]})}

    def private_OpenOrders(self, asked: dict[str, str]) -> Any:  # noqa: N802
        return {"open": {}}

    def private_ClosedOrders(self, asked: dict[str, str]) -> Any:  # noqa: N802
        mine = [one for one in self.engine.orders if one.client_id == asked["cl_ord_id"]]
        since = [one for one in mine if one.when >= float(asked.get("start", "0"))]
        return {"closed": {_id("O", one.id): _order(one) for one in since}, "count": len(since)}

    def private_QueryOrders(self, asked: dict[str, str]) -> Any:  # noqa: N802
        found = [one for one in self.engine.orders if _id("O", one.id) == asked["txid"]]
        return {asked["txid"]: _order(found[0])} if found else "EOrder:Unknown order"

    def private_QueryTrades(self, asked: dict[str, str]) -> Any:  # noqa: N802
        wanted = set(asked["txid"].split(","))
        return {
            _id("T", trade.id): {
                "ordertxid": _id("O", one.id),
                "pair": "XBTUSDT",
                "time": trade.when,
                "type": "buy" if one.buys else "sell",
                "ordertype": "limit",
                "price": f"{trade.price:f}",
                "cost": f"{trade.cost:f}",
                "fee": f"{trade.fee:f}",
                "vol": f"{trade.quantity:f}",
                "margin": "0.00000",
                "maker": False,
            }
            for one in self.engine.orders
            for trade in one.trades
            if _id("T", trade.id) in wanted
        }

    def private_CancelOrder(self, asked: dict[str, str]) -> Any:  # noqa: N802
        return "EOrder:Unknown order"

    def private_DepositMethods(self, asked: dict[str, str]) -> Any:  # noqa: N802
        return [{"method": "Bitcoin", "limit": False, "gen-address": True, "minimum": "0.0001"}]

    def private_DepositAddresses(self, asked: dict[str, str]) -> Any:  # noqa: N802
        assert asked["method"] == "Bitcoin" and asked["asset"] == "XBT"
        return [{"address": "bc1qkraken", "expiretm": "0", "new": True}]

    def private_WithdrawMethods(self, asked: dict[str, str]) -> Any:  # noqa: N802
        return [] if self.may_withdraw else "EGeneral:Permission denied"

    def private_WithdrawAddresses(self, asked: dict[str, str]) -> Any:  # noqa: N802
        return [{"address": k, "asset": "XBT", "key": v, "verified": True} for k, v in ALLOWED.items()]

    def private_Withdraw(self, asked: dict[str, str]) -> Any:  # noqa: N802
        if ALLOWED.get(asked["address"]) != asked["key"]:
            return "EFunding:Unknown withdraw key"
        try:
            one = self.engine.withdraw("", "BTC", asked["address"], Decimal(asked["amount"]))
        except No:
            return "EOrder:Insufficient funds"
        return {"refid": _id("F", one.id)}

    def private_WithdrawStatus(self, asked: dict[str, str]) -> Any:  # noqa: N802
        return [
            {
                "method": "Bitcoin",
                "asset": "XXBT",
                "refid": _id("F", one.id),
                "txid": one.txid or None,
                "info": one.address,
                "amount": f"{one.amount:.8f}",
                "fee": f"{one.fee:f}",
                "time": int(one.when),
                "status": "Success" if one.txid else "Settled",
            }
            for one in self.engine.payouts
            if one.when >= float(asked["start"])
        ]


def _id(kind: str, number: int) -> str:
    return f"{kind}{number:05d}-SMALL-KRAKEN"


def _order(one: Order) -> dict[str, Any]:
    cost = sum((trade.cost for trade in one.trades), Decimal(0))
    done = one.filled == one.quantity
    return {
        "status": "closed" if done else "canceled",
        "opentm": one.when,
        "closetm": one.when,
        "descr": {"pair": "XBTUSDT", "type": "buy" if one.buys else "sell", "price": f"{one.price:f}"},
        "vol": f"{one.quantity:.8f}",
        "vol_exec": f"{one.filled:.8f}",
        "cost": f"{cost:f}",
        "fee": f"{sum((trade.fee for trade in one.trades), Decimal(0)):f}",
        "price": f"{(cost / one.filled).quantize(LOT) if one.filled else 0:f}",
        "oflags": "fciq",
        "cl_ord_id": one.client_id,
        **({"trades": [_id("T", trade.id) for trade in one.trades]} if one.trades else {}),
    }
