"""Bodies in the venues' own formats (venues.md), each with its reader and the fields that must not be missing."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tidegate.venues.binance import parse as binance
from tidegate.venues.body import decode
from tidegate.venues.coinbase import parse as coinbase
from tidegate.venues.coinbase import transfers
from tidegate.venues.kraken import parse as kraken
from tidegate.venues.kraken.parse import Names
from tidegate.venues.port import Withdrawal

CLIENT_ID = "0f6f7f6e-4a3a-4f1b-9d7b-0a1b2c3d4e5f"
NAMES = Names({"XXBT": "BTC", "XBT": "BTC", "XLTC": "LTC", "USDT": "USDT"}, {"BTC": "XBT", "USDT": "USDT"})


def everything(_: str) -> bool:
    return True


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


@dataclass(frozen=True)
class Case:
    read: Callable[[bytes], Any]
    value: Any
    needs: tuple[str, ...]


def envelope(result: Any) -> Any:
    return {"error": [], "result": result}


def wanted(amount: str) -> Withdrawal:
    return Withdrawal(CLIENT_ID, "BTC", "bitcoin", "bc1qhouse", Decimal(amount))


KRAKEN_PAIR = {
    "altname": "XBTUSDT",
    "wsname": "XBT/USDT",
    "base": "XXBT",
    "quote": "USDT",
    "pair_decimals": 1,
    "lot_decimals": 8,
    "cost_decimals": 5,
    "lot_multiplier": 1,
    "tick_size": "0.1",
    "ordermin": "0.00005",
    "costmin": "0.5",
    "fees": [[0, 0.4]],
    "fees_maker": [[0, 0.25]],
    "status": "online",
}
KRAKEN_ORDER = {
    "status": "closed",
    "opentm": 1705260547.472,
    "descr": {"pair": "LTCUSDT", "type": "buy", "ordertype": "market", "price": "0", "leverage": "none"},
    "vol": "0.10000000",
    "vol_exec": "0.10000000",
    "cost": "7.105741",
    "fee": "0.018475",
    "price": "71.05741",
    "oflags": "fciq",
    "trades": ["TWA6QJ-ZO4EM-6QIHQJ"],
    "closetm": 1705260547.4728658,
    "cl_ord_id": CLIENT_ID,
}
KRAKEN_TRADE = {
    "ordertxid": "OL7LNO-R4SAD-6UINEU",
    "pair": "LTCUSDT",
    "time": 1705260547.4728658,
    "type": "buy",
    "ordertype": "market",
    "price": "71.05741",
    "cost": "7.105741",
    "fee": "0.018475",
    "vol": "0.10000000",
    "margin": "0.00000",
    "maker": False,
}
KRAKEN_WITHDRAWAL = {
    "method": "Bitcoin",
    "network": "Bitcoin",
    "asset": "XXBT",
    "refid": "FTQcuak-V6Za8qrPnhsTx47yYLz8Tg",
    "txid": "THVRQM-33VKH-UCI7BS",
    "info": "bc1qhouse",
    "amount": "0.72485000",
    "fee": "0.00020000",
    "time": 1688014586,
    "status": "Settled",
    "key": "house",
}
COINBASE_PRODUCT = {
    "product_id": "BTC-USD",
    "price": "91000.01",
    "base_increment": "0.00000001",
    "quote_increment": "0.01",
    "price_increment": "0.01",
    "base_min_size": "0.00000001",
    "base_max_size": "3400",
    "quote_min_size": "1",
    "quote_max_size": "150000000",
    "base_currency_id": "BTC",
    "quote_currency_id": "USD",
    "status": "online",
    "trading_disabled": False,
    "is_disabled": False,
    "cancel_only": False,
    "limit_only": False,
    "post_only": False,
    "auction_mode": False,
    "view_only": False,
    "alias": "",
    "alias_to": ["BTC-USDC"],
}
COINBASE_ORDER = {
    "order_id": "5b9b2f1c-1d2e-4a0f-9d4a-1f6a2f9d5a10",
    "product_id": "ADA-USDT",
    "side": "SELL",
    "client_order_id": CLIENT_ID,
    "status": "FILLED",
    "filled_size": "10",
    "average_filled_price": "0.392",
    "filled_value": "3.92",
    "total_fees": "0.03136",
    "total_value_after_fees": "3.88864",
    "fee": "",
    "size_in_quote": False,
    "settled": True,
}
COINBASE_FILL = {
    "entry_id": "e1",
    "trade_id": "t1",
    "order_id": "o1",
    "trade_time": "2024-02-27T03:37:14.123Z",
    "trade_type": "FILL",
    "price": "0.392",
    "size": "10",
    "size_in_quote": False,
    "commission": "0.03136",
    "liquidity_indicator": "TAKER",
    "side": "SELL",
}
COINBASE_SEND = {
    "id": "send-1",
    "type": "send",
    "status": "pending",
    "amount": {"amount": "-0.50000000", "currency": "BTC"},
    "idem": CLIENT_ID,
    "network": {"status": "unconfirmed", "hash": "ab" * 32, "transaction_fee": {"amount": "0.0001", "currency": "BTC"}},
}

CASES: dict[str, Case] = {
    "kraken time": Case(kraken.server_time, envelope({"unixtime": 1762820224, "rfc1123": "x"}), ("unixtime", "result")),
    "kraken assets": Case(
        kraken.names,
        envelope({"XXBT": {"aclass": "currency", "altname": "XBT", "decimals": 10, "display_decimals": 5}}),
        ("altname", "error"),
    ),
    "kraken pairs": Case(
        lambda body: kraken.markets(body, NAMES, everything),
        envelope({"XBTUSDT": KRAKEN_PAIR}),
        ("base", "quote", "lot_decimals", "ordermin"),
    ),
    "kraken depth": Case(
        lambda body: kraken.book(body, "XBTUSDT", 1.0),
        envelope(
            {
                "XBTUSDT": {
                    "asks": [["105944.30000", "0.136", 1762820248], ["105944.40000", "1", 1762820248]],
                    "bids": [["105944.20000", "0.5", 1762820248]],
                }
            }
        ),
        ("asks", "bids"),
    ),
    "kraken ticker": Case(
        lambda body: kraken.ticker(body, "XBTUSDT"),
        envelope({"XBTUSDT": {"a": ["2.0", "1", "1.0"], "b": ["1.0", "1", "1.0"], "c": ["1.5", "0.1"], "o": "1"}}),
        ("a", "b", "c"),
    ),
    "kraken candles": Case(
        kraken.candles,
        envelope({"XBTUSDT": [[1762819200, "1.0", "3.0", "0.5", "2.0", "1.5", "10.1", 7]], "last": 1762815600}),
        ("XBTUSDT",),
    ),
    "kraken balances": Case(
        lambda body: kraken.balances(body, NAMES),
        envelope({"XXBT": {"balance": "1.5", "hold_trade": "0.5"}, "USDT": {"balance": 25435.21, "hold_trade": 0}}),
        ("balance", "hold_trade"),
    ),
    "kraken ack": Case(
        kraken.acknowledged,
        envelope({"txid": ["OL7LNO-R4SAD-6UINEU"], "descr": {"order": "buy 0.10000000 LTCUSDT @ market"}}),
        ("txid",),
    ),
    "kraken orders": Case(
        lambda body: kraken.orders(body, "closed", CLIENT_ID),
        envelope({"closed": {"OL7LNO-R4SAD-6UINEU": KRAKEN_ORDER}, "count": 1}),
        ("closed", "status", "vol", "vol_exec"),
    ),
    "kraken trade ids": Case(
        lambda body: kraken.trade_ids(body, "OL7LNO-R4SAD-6UINEU"),
        envelope({"OL7LNO-R4SAD-6UINEU": KRAKEN_ORDER}),
        ("OL7LNO-R4SAD-6UINEU",),
    ),
    "kraken trades": Case(
        lambda body: kraken.trades(body, "OL7LNO-R4SAD-6UINEU", "USDT"),
        envelope({"TWA6QJ-ZO4EM-6QIHQJ": KRAKEN_TRADE}),
        ("ordertxid", "time", "price", "cost", "fee", "vol"),
    ),
    "kraken methods": Case(kraken.methods, envelope([{"method": "Bitcoin", "limit": False}]), ("method",)),
    "kraken address": Case(
        lambda body: kraken.deposit_address(body, "BTC", "bitcoin"),
        envelope([{"address": "bc1q", "expiretm": "0", "new": True}]),
        ("address", "expiretm"),
    ),
    "kraken refid": Case(kraken.refid, envelope({"refid": "F1"}), ("refid",)),
    "kraken withdrawals": Case(
        lambda body: kraken.withdrawals(body, wanted("0.72485"), None),
        envelope([KRAKEN_WITHDRAWAL]),
        ("refid", "info", "amount", "status"),
    ),
    "coinbase time": Case(
        coinbase.server_time,
        {"iso": "2024-02-27T03:37:14Z", "epochSeconds": "1709005034", "epochMillis": "1709005034333"},
        ("epochMillis",),
    ),
    "coinbase products": Case(
        lambda body: coinbase.markets(body, everything),
        {"products": [COINBASE_PRODUCT], "num_products": 1},
        (
            "products",
            "product_id",
            "price_increment",
            "base_increment",
            "base_min_size",
            "base_max_size",
            "quote_min_size",
            "base_currency_id",
            "quote_currency_id",
            "status",
        ),
    ),
    "coinbase book": Case(
        lambda body: coinbase.book(body, "BTC-USD", 1.0),
        {
            "pricebook": {
                "product_id": "BTC-USD",
                "bids": [{"price": "91000.01", "size": "0.5"}, {"price": "91000.00", "size": "1"}],
                "asks": [{"price": "91000.02", "size": "0.25"}],
                "time": "2026-01-01T00:00:00Z",
            },
            "last": "91000.01",
            "spread_bps": "0.01",
        },
        ("pricebook", "product_id", "bids", "asks", "price", "size"),
    ),
    "coinbase ticker": Case(
        lambda body: coinbase.ticker(body, "BTC-USD"),
        {
            "trades": [{"trade_id": "1", "price": "1.5", "size": "1", "side": "BUY", "bid": "", "ask": ""}],
            "best_bid": "1",
            "best_ask": "2",
        },
        ("trades", "price", "best_bid", "best_ask"),
    ),
    "coinbase candles": Case(
        coinbase.candles,
        {
            "candles": [
                {"start": "1639512000", "low": "1", "high": "4", "open": "3", "close": "2", "volume": "0.1"},
                {"start": "1639508400", "low": "1", "high": "4", "open": "2", "close": "3", "volume": "0.2"},
            ]
        },
        ("candles", "start", "low", "high", "open", "close", "volume"),
    ),
    "coinbase balances": Case(
        lambda body: coinbase.balances(decode(body)),
        {
            "accounts": [
                {
                    "uuid": "u",
                    "currency": "BTC",
                    "available_balance": {"value": "1.00000001", "currency": "BTC"},
                    "hold": {"value": "0", "currency": "BTC"},
                    "active": True,
                }
            ],
            "has_next": False,
            "cursor": "",
        },
        ("accounts", "currency", "available_balance", "hold"),
    ),
    "coinbase order": Case(
        coinbase.one_order,
        {"order": COINBASE_ORDER},
        ("order", "order_id", "client_order_id", "status", "filled_size"),
    ),
    "coinbase fills": Case(
        lambda body: coinbase.fills(decode(body), "o1", "USDT"),
        {"fills": [COINBASE_FILL], "cursor": ""},
        ("fills", "trade_id", "order_id", "trade_time", "trade_type", "price", "size", "size_in_quote", "commission"),
    ),
    "coinbase cancel": Case(
        coinbase.cancel_refused,
        {"results": [{"success": True, "failure_reason": "UNKNOWN_CANCEL_FAILURE_REASON", "order_id": "o1"}]},
        ("results", "success"),
    ),
    "coinbase send": Case(
        lambda body: transfers.withdrawal(transfers.datum(body)),
        {"data": COINBASE_SEND},
        ("data", "id", "type", "status", "amount"),
    ),
    "coinbase wallets": Case(
        lambda body: transfers.wallet(transfers.data(body), "BTC"),
        {"data": [{"id": "w", "currency": {"code": "BTC"}, "primary": True}], "pagination": {"next_uri": None}},
        ("data", "id", "currency"),
    ),
    "coinbase addresses": Case(
        lambda body: transfers.address(transfers.data(body), "BTC", "bitcoin", "bitcoin"),
        {"data": [{"address": "bc1q", "network": "bitcoin", "destination_tag": ""}]},
        ("address", "network"),
    ),
    "binance tickers": Case(
        binance.tickers,
        [{"symbol": "BTCUSDT", "lastPrice": "4.0", "bidPrice": "3.9", "askPrice": "4.1", "openTime": 1}],
        ("symbol", "lastPrice", "bidPrice", "askPrice"),
    ),
    "binance candles": Case(
        binance.candles,
        [[1499040000000, "0.1", "0.8", "0.05", "0.2", "148976.1", 1499644799999, "2434.1", 308, "1.0", "2.0", "0"]],
        (),
    ),
    "binance deposit": Case(
        lambda body: binance.deposit_address(body, "BTC", "bitcoin"),
        {"address": "1HPn8Rx2y6nNSfagQBKy27GB99Vbzg89wv", "coin": "BTC", "tag": "", "url": "https://btc.com/1HPn"},
        ("address", "coin", "tag"),
    ),
    "binance withdrawal": Case(
        lambda body: binance.withdrawal(body, CLIENT_ID),
        [
            {
                "id": "b6ae22b3aa844210a7041aee7589627c",
                "amount": "8.91000000",
                "transactionFee": "0.004",
                "coin": "USDT",
                "status": 6,
                "address": "0x94df8b352de7f46f64b01d3666bf6e936e44ce60",
                "txId": "0xb5ef8c13b968a406cc62a93a8bd80f9e9a906ef1b3fcf20a2e48573c17659268",
                "applyTime": "2019-10-12 11:12:02",
                "network": "ETH",
                "withdrawOrderId": CLIENT_ID,
            }
        ],
        ("id", "amount", "transactionFee", "status"),
    ),
}
