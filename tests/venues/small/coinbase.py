"""A small Coinbase Advanced Trade (venues.md section 3); each token is verified by the public key."""

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jose import JWTError, jwt

from tests.venues.small.engine import LOT, MINIMUM, TICK, WORTH, Engine, No, Order, Payout
from tests.venues.small.server import Reply, Request

KEY = "organizations/small/apiKeys/one"
_PRIVATE = generate_private_key(SECP256R1())
SECRET = _PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
PUBLIC = _PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
TRADE = "/api/v3/brokerage"
A_PAGE = 2


class SmallCoinbase:
    def __init__(self) -> None:
        self.engine = Engine(fee_in_quote=True)
        self.may_withdraw = True
        self.nonces: set[str] = set()

    def acts(self, request: Request) -> bool:
        return request.method == "POST" and request.path.endswith(("/brokerage/orders", "/transactions"))

    def limited(self, seconds: int) -> Reply:
        return 429, {"error": "RESOURCE_EXHAUSTED"}, {"retry-after": str(seconds)}

    def answer(self, request: Request) -> Reply:
        path = request.path.removeprefix(TRADE)
        if path == "/time":
            now = time.time_ns() // 1_000_000
            return 200, {"iso": _iso(now / 1000), "epochSeconds": str(now // 1000), "epochMillis": str(now)}
        if path.startswith("/market/"):
            return self._market(path.removeprefix("/market/"), request)
        if not self._signed(request):
            return 401, b"Unauthorized"
        if path.startswith("/v2/"):
            return self._v2(path.removeprefix("/v2/accounts").strip("/").split("/"), request)
        return self._private(path, request)

    def _signed(self, request: Request) -> bool:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            head = jwt.get_unverified_header(token)
            claims = jwt.decode(token, PUBLIC, algorithms=["ES256"], options={"verify_aud": False})
        except JWTError:
            return False
        if head["nonce"] in self.nonces:
            return False
        self.nonces.add(head["nonce"])
        uri = f"{request.method} {request.headers['host']}{request.path}"
        lasting = claims["exp"] - claims["nbf"]
        return bool(claims["uri"] == uri and claims["sub"] == head["kid"] == KEY and 0 < lasting <= 120)

    # --- prices

    def _market(self, path: str, request: Request) -> Reply:
        if path == "products":
            return 200, {"products": [_product(), {"base_currency_id": "DOGE", "quote_currency_id": "USD"}]}
        if path == "product_book":
            sides = {"bids": self.engine.bids, "asks": self.engine.asks}
            book = {k: [{"price": f"{p:f}", "size": f"{q:f}"} for p, q in v] for k, v in sides.items()}
            return 200, {"pricebook": {"product_id": request.query["product_id"], **book, "time": _iso(time.time())}}
        if path.endswith("/ticker"):
            trade = {"trade_id": "1", "product_id": "BTC-USDT", "price": "64001.0", "size": "0.1", "side": "BUY"}
            best = {"best_bid": f"{self.engine.bids[0][0]:f}", "best_ask": f"{self.engine.asks[0][0]:f}"}
            return 200, {"trades": [{**trade, "bid": "", "ask": "", "exchange": "coinbase"}], **best}
        assert request.query["granularity"] == "ONE_HOUR"
        start, end = int(request.query["start"]), min(int(request.query["end"]), int(time.time()))
        row = {"low": "63900.0", "high": "64100.0", "open": "64000.0", "close": "64050.0", "volume": "1.5"}
        return 200, {"candles": [{"start": str(one), **row} for one in reversed(range(start, end, 3600))]}

    # --- the account and its orders

    def _private(self, path: str, request: Request) -> Reply:
        if path == "/accounts":
            return 200, self._accounts(request)
        if path == "/key_permissions":
            return 200, {"can_view": True, "can_trade": True, "can_transfer": self.may_withdraw}
        if path == "/transaction_summary":
            return 200, {"fee_tier": {"taker_fee_rate": "0.002", "maker_fee_rate": "0.001"}}
        if path == "/orders":
            return 200, self._place(json.loads(request.body))
        if path == "/orders/batch_cancel":
            one = json.loads(request.body)["order_ids"][0]
            return 200, {"results": [{"success": False, "failure_reason": "UNKNOWN_CANCEL_ORDER", "order_id": one}]}
        if path == "/orders/historical/batch":
            return 200, self._orders(request)
        if path == "/orders/historical/fills":
            return 200, self._fills(request.query["order_ids"])
        found = [one for one in self.engine.orders if _id(one.id) == path.removeprefix("/orders/historical/")]
        if not found:
            return 404, {"error": "NOT_FOUND", "message": "order with this orderID was not found"}
        return 200, {"order": _order(found[0])}

    def _accounts(self, request: Request) -> Any:
        """One to a page, so that whoever reads only the first knows half."""
        held = list(self.engine.balances.items())
        at = int(request.query.get("cursor", "0"))
        asset, amount = held[at]
        zero = {"value": "0", "currency": asset}
        entry = {
            "uuid": f"uuid-{asset}",
            "currency": asset,
            "available_balance": {"value": f"{amount:f}"},
            "hold": zero,
        }
        more = at + 1 < len(held)
        return {"accounts": [entry], "has_next": more, "cursor": str(at + 1) if more else "", "size": 1}

    def _place(self, asked: Any) -> Any:
        limit = asked["order_configuration"]["sor_limit_ioc"]
        numbers = Decimal(limit["base_size"]), Decimal(limit["limit_price"])
        unclear = "UNKNOWN_FAILURE_REASON"
        try:
            one = self.engine.place(asked["client_order_id"], asked["side"] == "BUY", *numbers)
        except No as no:
            funds = str(no) == "funds"
            told = {
                "error": "INSUFFICIENT_FUND" if funds else unclear,
                "message": "Insufficient balance in source account" if funds else "",
                "error_details": "",
                "preview_failure_reason": "PREVIEW_INSUFFICIENT_FUND" if funds else "PREVIEW_INVALID_PRICE_PRECISION",
            }
            return {"success": False, "failure_reason": unclear, "order_id": "", "error_response": told}
        done = {"order_id": _id(one.id), "product_id": asked["product_id"], "side": asked["side"]}
        response = {**done, "client_order_id": one.client_id}
        return {"success": True, "failure_reason": unclear, "order_id": _id(one.id), "success_response": response}

    def _orders(self, request: Request) -> Any:
        asked = parse_qs(urlsplit(request.target).query)
        since = asked.get("start_date", [""])[0]
        found = [one for one in reversed(self.engine.orders) if _iso(one.when) >= since]
        at = int(asked.get("cursor", ["0"])[0])
        more = at + A_PAGE < len(found)
        page = [_order(one) for one in found[at : at + A_PAGE]]
        return {"orders": page, "sequence": "0", "has_next": more, "cursor": str(at + A_PAGE) if more else ""}

    def _fills(self, order_id: str) -> Any:
        rows = [
            {
                "entry_id": f"entry-{trade.id}",
                "trade_id": f"trade-{trade.id}",
                "order_id": order_id,
                "trade_time": _iso(trade.when),
                "trade_type": "FILL",
                "price": f"{trade.price:f}",
                "size": f"{trade.cost if number % 2 else trade.quantity:f}",
                "size_in_quote": number % 2 == 1,
                "commission": f"{trade.fee:f}",
                "product_id": "BTC-USDT",
                "liquidity_indicator": "TAKER",
                "side": "BUY" if one.buys else "SELL",
            }
            for one in self.engine.orders
            if _id(one.id) == order_id
            for number, trade in enumerate(one.trades)
        ]
        return {"fills": rows, "cursor": ""}

    # --- money in and out

    def _v2(self, parts: list[str], request: Request) -> Reply:
        if parts == [""]:
            wallets = [{"id": f"wallet-{one}", "currency": {"code": one}, "primary": True} for one in ("USDT", "BTC")]
            first = "starting_after" not in request.query
            uri = "/v2/accounts?limit=100&starting_after=wallet-USDT" if first else None
            return 200, {"pagination": {"next_uri": uri}, "data": wallets[:1] if first else wallets[1:]}
        assert parts[0] == "wallet-BTC"
        if parts[1] == "addresses":
            entry = {"address": "bc1qcoinbase", "network": "bitcoin", "destination_tag": ""}
            return 200, {"data": entry if request.method == "POST" else [entry]}
        if request.method == "POST":
            return self._send(json.loads(request.body))
        sends = [_send(one) for one in reversed(self.engine.payouts)]
        if len(parts) == 3:
            return 200, {"data": next(one for one in sends if one["id"] == parts[2])}
        return 200, {"data": sends, "pagination": {"next_uri": None}}

    def _send(self, asked: Any) -> Reply:
        assert (asked["type"], asked["network"]) == ("send", "bitcoin")
        for one in self.engine.payouts:
            if one.client_id == asked["idem"]:
                return 201, {"data": _send(one)}
        try:
            made = self.engine.withdraw(asked["idem"], asked["currency"], asked["to"], Decimal(asked["amount"]))
        except No:
            return 400, {"errors": [{"id": "validation_error", "message": "You don't have enough BTC"}]}
        return 201, {"data": _send(made)}


def _id(number: int) -> str:
    return f"order-{number}"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _product() -> dict[str, Any]:
    grid = {"price_increment": f"{TICK:f}", "base_increment": f"{LOT:f}", "quote_increment": "0.01"}
    sizes = {"base_min_size": f"{MINIMUM:f}", "base_max_size": "3400", "quote_min_size": f"{WORTH:f}"}
    names = {"product_id": "BTC-USDT", "base_currency_id": "BTC", "quote_currency_id": "USDT", "price": "64001.0"}
    return {**names, **grid, **sizes, "status": "online", "trading_disabled": False, "is_disabled": False}


def _order(one: Order) -> dict[str, Any]:
    return {
        "order_id": _id(one.id),
        "product_id": "BTC-USDT",
        "side": "BUY" if one.buys else "SELL",
        "client_order_id": one.client_id,
        "status": "FILLED" if one.filled == one.quantity else "CANCELLED",
        "created_time": _iso(one.when),
        "filled_size": f"{one.filled:f}",
        "average_filled_price": "0",
        "total_fees": f"{sum((trade.fee for trade in one.trades), Decimal(0)):f}",
        "fee": "",
        "size_in_quote": False,
        "settled": True,
    }


def _send(one: Payout) -> dict[str, Any]:
    network: dict[str, Any] = {"status": "confirmed" if one.txid else "unconfirmed", "network_name": "bitcoin"}
    if one.txid:
        network |= {"hash": one.txid, "transaction_fee": {"amount": f"{one.fee:f}", "currency": one.asset}}
    return {
        "id": f"send-{one.id}",
        "type": "send",
        "status": "completed" if one.txid else "pending",
        "amount": {"amount": f"-{one.amount:f}", "currency": one.asset},
        "created_at": _iso(one.when),
        "idem": one.client_id,
        "network": network,
    }
