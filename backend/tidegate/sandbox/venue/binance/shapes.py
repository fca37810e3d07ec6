"""The engine's facts in Binance's JSON."""

from typing import Any

from tidegate.sandbox.venue.binance.request import ORDER_TYPES
from tidegate.sandbox.venue.candles import Candle
from tidegate.sandbox.venue.dialect import Account
from tidegate.sandbox.venue.engine import MAX_OPEN_ORDERS, Engine
from tidegate.sandbox.venue.funding import NETWORKS
from tidegate.sandbox.venue.orders import Order, Trade
from tidegate.sandbox.venue.prices import E8, Symbol, number, signed


def symbol_info(symbol: Symbol, *, permission_sets: bool, trading: bool = True) -> dict[str, Any]:
    return {
        "symbol": symbol.name,
        "status": "TRADING" if trading else "BREAK",
        "baseAsset": symbol.base,
        "baseAssetPrecision": 8,
        "quoteAsset": symbol.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(ORDER_TYPES),
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": number(symbol.tick),
                "maxPrice": number(symbol.max_price),
                "tickSize": number(symbol.tick),
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": number(symbol.min_quantity),
                "maxQty": number(symbol.max_quantity),
                "stepSize": number(symbol.step),
            },
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": number(0),
                "maxQty": number(symbol.max_quantity),
                "stepSize": number(0),
            },
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": "5",
                "bidMultiplierDown": "0.2",
                "askMultiplierUp": "5",
                "askMultiplierDown": "0.2",
                "avgPriceMins": 5,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": number(symbol.min_notional),
                "applyMinToMarket": True,
                "maxNotional": number(9_000_000 * E8),
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": MAX_OPEN_ORDERS},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]] if permission_sets else [],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_MAKER"],
    }


def order(one: Order) -> dict[str, Any]:
    """As queries show it."""
    return {
        "symbol": one.symbol,
        "orderId": one.id,
        "orderListId": -1,
        "clientOrderId": one.client_id,
        "price": number(one.price),
        "origQty": number(one.quantity),
        "executedQty": number(one.executed),
        "cummulativeQuoteQty": number(one.quote_executed),
        "status": one.status,
        "timeInForce": one.time_in_force,
        "type": one.type,
        "side": "BUY" if one.buys else "SELL",
        "stopPrice": number(0),
        "icebergQty": number(0),
        "time": one.time,
        "updateTime": one.updated,
        "isWorking": True,
        "workingTime": one.time,
        "origQuoteOrderQty": number(one.quote_quantity),
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


_RESULT = [
    "price",
    "origQty",
    "executedQty",
    "origQuoteOrderQty",
    "cummulativeQuoteQty",
    "status",
    "timeInForce",
    "type",
    "side",
    "workingTime",
    "selfTradePreventionMode",
]


def placed(one: Order, trades: list[Trade], kind: str) -> dict[str, Any]:
    """The answer to a new order: ACK, RESULT or FULL."""
    whole = order(one)
    answer = {key: whole[key] for key in ("symbol", "orderId", "orderListId", "clientOrderId")}
    answer["transactTime"] = one.updated
    if kind == "ACK":
        return answer
    answer.update({key: whole[key] for key in _RESULT})
    if kind == "FULL":
        answer["fills"] = [
            {
                "price": number(trade.price),
                "qty": number(trade.quantity),
                "commission": number(trade.fee),
                "commissionAsset": trade.fee_asset,
                "tradeId": trade.id,
            }
            for trade in trades
        ]
    return answer


def cancelled(one: Order, cancel_id: str) -> dict[str, Any]:
    """`origClientOrderId` is the order's id, `clientOrderId` that of the cancel."""
    answer = placed(one, [], "RESULT")
    answer["origClientOrderId"] = one.client_id
    answer["clientOrderId"] = cancel_id
    return answer


def trade(one: Trade) -> dict[str, Any]:
    return {
        "symbol": one.symbol,
        "id": one.id,
        "orderId": one.order,
        "orderListId": -1,
        "price": number(one.price),
        "qty": number(one.quantity),
        "quoteQty": number(one.quote),
        "commission": number(one.fee),
        "commissionAsset": one.fee_asset,
        "time": one.time,
        "isBuyer": one.buys,
        "isMaker": one.maker,
        "isBestMatch": True,
    }


def account(engine: Engine, who: Account, now: int, *, omit_zero: bool) -> dict[str, Any]:
    held = engine.balances[who.name]
    ppm = engine.style.fee_ppm
    fee, zero = number(ppm * 100), number(0)
    rates = {"maker": fee, "taker": fee, "buyer": zero, "seller": zero}
    return {
        "makerCommission": ppm // 100,
        "takerCommission": ppm // 100,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": rates,
        "canTrade": who.can_trade,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": now,
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": number(free), "locked": number(locked)}
            for asset in sorted({*NETWORKS, *held})
            for free, locked in [held.get(asset, (0, 0))]
            if free or locked or not omit_zero
        ],
        "permissions": ["SPOT"],
        "uid": 1,
    }


def candle(one: Candle, seconds: int) -> list[Any]:
    worth = one.volume * one.close // E8
    return [
        one.start * 1000,
        *(number(value) for value in (one.open, one.high, one.low, one.close, one.volume)),
        (one.start + seconds) * 1000 - 1,
        number(worth),
        one.trades,
        number(one.volume // 2),
        number(worth // 2),
        "0",
    ]


def levels(side: list[tuple[int, int]], limit: int) -> list[list[str]]:
    return [[number(price), number(quantity)] for price, quantity in side[:limit]]


def book_ticker(engine: Engine, symbol: Symbol) -> dict[str, Any]:
    bids, asks = engine.book(symbol.name)
    (bid, bid_quantity), (ask, ask_quantity) = (bids or [(0, 0)])[0], (asks or [(0, 0)])[0]
    return {
        "symbol": symbol.name,
        "bidPrice": number(bid),
        "bidQty": number(bid_quantity),
        "askPrice": number(ask),
        "askQty": number(ask_quantity),
    }


def day(engine: Engine, symbol: Symbol, seen: tuple[int, int, int], now: int) -> dict[str, Any]:
    """ticker/24hr, of what this process has seen: `seen` is the first, highest and lowest mid."""
    first, high, low = seen
    last = engine.prices.mid(symbol.name)
    since = now - 86_400_000
    trades = [one for one in engine.trades if one.symbol == symbol.name and one.time >= since and not one.maker]
    change = (last - first) * 100 * E8 // first
    return {
        **book_ticker(engine, symbol),
        "priceChange": signed(last - first),
        "priceChangePercent": signed(change),
        "weightedAvgPrice": number(last),
        "prevClosePrice": number(first),
        "lastPrice": number(last),
        "lastQty": number(trades[-1].quantity if trades else 0),
        "openPrice": number(first),
        "highPrice": number(high),
        "lowPrice": number(low),
        "volume": number(sum(one.quantity for one in trades)),
        "quoteVolume": number(sum(one.quote for one in trades)),
        "openTime": since,
        "closeTime": now,
        "firstId": trades[0].id if trades else -1,
        "lastId": trades[-1].id if trades else -1,
        "count": len(trades),
    }
