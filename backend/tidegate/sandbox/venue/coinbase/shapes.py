"""The exchange's facts in Coinbase's JSON."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tidegate.sandbox.venue.candles import Candle
from tidegate.sandbox.venue.coinbase.names import NAMES, order_id, product_id, send_id, trade_id, wallet_id
from tidegate.sandbox.venue.funding import Deposit, Withdrawal
from tidegate.sandbox.venue.orders import Order, Trade
from tidegate.sandbox.venue.prices import E8, Symbol, short

_STATUSES = {
    "NEW": "OPEN",
    "PARTIALLY_FILLED": "OPEN",
    "FILLED": "FILLED",
    "CANCELED": "CANCELLED",
    "EXPIRED": "CANCELLED",
    "EXPIRED_IN_MATCH": "CANCELLED",
}


def iso(stamp: int) -> str:
    """Milliseconds as RFC 3339."""
    return datetime.fromtimestamp(stamp / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def product(symbol: Symbol, mid: int, volume: int, *, trading: bool) -> dict[str, Any]:
    name = product_id(symbol.name)
    return {
        "product_id": name,
        "price": short(mid),
        "price_percentage_change_24h": "0.1",
        "volume_24h": short(volume),
        "volume_percentage_change_24h": "0.1",
        "base_increment": short(symbol.step),
        "quote_increment": short(symbol.tick),
        "quote_min_size": short(symbol.min_notional),
        "quote_max_size": "150000000",
        "base_min_size": short(symbol.min_quantity),
        "base_max_size": short(symbol.max_quantity),
        "base_name": NAMES[symbol.base],
        "quote_name": NAMES[symbol.quote],
        "watched": False,
        "is_disabled": False,
        "new": False,
        "status": "online",
        "cancel_only": False,
        "limit_only": False,
        "post_only": False,
        "trading_disabled": not trading,
        "auction_mode": False,
        "product_type": "SPOT",
        "quote_currency_id": symbol.quote,
        "base_currency_id": symbol.base,
        "fcm_trading_session_details": None,
        "mid_market_price": "",
        "alias": "",
        "alias_to": [],
        "base_display_symbol": symbol.base,
        "quote_display_symbol": symbol.quote,
        "view_only": False,
        "price_increment": short(symbol.tick),
        "display_name": name,
    }


def levels(side: Sequence[tuple[int, int]], limit: int) -> list[dict[str, str]]:
    return [{"price": short(price), "size": short(quantity)} for price, quantity in side[:limit]]


def candle(one: Candle) -> dict[str, str]:
    prices = {"low": one.low, "high": one.high, "open": one.open, "close": one.close, "volume": one.volume}
    return {"start": str(one.start), **{name: short(value) for name, value in prices.items()}}


def account(owner: str, asset: str, free: int, locked: int) -> dict[str, Any]:
    return {
        "uuid": wallet_id(owner, asset),
        "name": f"{asset} Wallet",
        "currency": asset,
        "available_balance": {"value": short(free), "currency": asset},
        "default": True,
        "active": True,
        "created_at": "2024-01-01T00:00:00Z",
        "updated_at": "2024-01-01T00:00:00Z",
        "deleted_at": None,
        "type": "ACCOUNT_TYPE_CRYPTO",
        "ready": True,
        "hold": {"value": short(locked), "currency": asset},
        "retail_portfolio_id": wallet_id(owner, "portfolio"),
        "platform": "ACCOUNT_PLATFORM_CONSUMER",
    }


def configuration(one: Order) -> dict[str, Any]:
    if one.type == "MARKET":
        by_worth = {"quote_size": short(one.quote_quantity)} if one.quote_quantity else {}
        return {"market_market_ioc": by_worth or {"base_size": short(one.quantity)}}
    kind = {"IOC": "sor_limit_ioc", "FOK": "limit_limit_fok"}.get(one.time_in_force, "limit_limit_gtc")
    post = {"post_only": one.type == "LIMIT_MAKER"} if kind == "limit_limit_gtc" else {}
    return {kind: {"base_size": short(one.quantity), "limit_price": short(one.price), **post}}


def order(one: Order, trades: Sequence[Trade], shown: int) -> dict[str, Any]:
    """`shown`: how many of its trades queries tell of."""
    value, fees = sum(trade.quote for trade in trades), sum(trade.fee for trade in trades)
    average = value * E8 // one.executed if one.executed else 0
    sign = 1 if one.buys else -1
    lasts = {"IOC": "IMMEDIATE_OR_CANCEL", "FOK": "FILL_OR_KILL"}.get(one.time_in_force, "GOOD_UNTIL_CANCELLED")
    return {
        "order_id": order_id(one.id),
        "product_id": product_id(one.symbol),
        "user_id": one.account,
        "order_configuration": configuration(one),
        "side": "BUY" if one.buys else "SELL",
        "client_order_id": one.client_id,
        "status": _STATUSES[one.status],
        "time_in_force": lasts,
        "created_time": iso(one.time),
        "completion_percentage": str(one.executed * 100 // one.quantity if one.quantity else 0),
        "filled_size": short(one.executed),
        "average_filled_price": short(average),
        "fee": "",
        "number_of_fills": str(shown),
        "filled_value": short(value),
        "pending_cancel": False,
        "size_in_quote": bool(one.quote_quantity),
        "total_fees": short(fees),
        "size_inclusive_of_fees": False,
        "total_value_after_fees": short(value + sign * fees),
        "trigger_status": "INVALID_ORDER_TYPE",
        "order_type": "MARKET" if one.type == "MARKET" else "LIMIT",
        "reject_reason": "REJECT_REASON_UNSPECIFIED",
        "settled": not one.open,
        "product_type": "SPOT",
        "reject_message": "",
        "cancel_message": "User requested cancel" if one.status == "CANCELED" else "",
        "order_placement_source": "RETAIL_ADVANCED",
        "outstanding_hold_amount": short(one.locked),
        "is_liquidation": False,
        "last_fill_time": iso(trades[-1].time) if trades else None,
        "edit_history": [],
    }


def fill(one: Trade, *, in_quote: bool) -> dict[str, Any]:
    """Of an order that named what it spends, sizes are told in the quote asset too."""
    return {
        "entry_id": f"{trade_id(one.id)}-{'m' if one.maker else 't'}",
        "trade_id": trade_id(one.id),
        "order_id": order_id(one.order),
        "trade_time": iso(one.time),
        "trade_type": "FILL",
        "price": short(one.price),
        "size": short(one.quote if in_quote else one.quantity),
        "commission": short(one.fee),
        "product_id": product_id(one.symbol),
        "sequence_timestamp": iso(one.time),
        "liquidity_indicator": "MAKER" if one.maker else "TAKER",
        "size_in_quote": in_quote,
        "user_id": one.account,
        "side": "BUY" if one.buys else "SELL",
        "retail_portfolio_id": wallet_id(one.account, "portfolio"),
    }


def wallet(owner: str, asset: str, total: int) -> dict[str, Any]:
    """An account of the older interface."""
    id_ = wallet_id(owner, asset)
    code = {"code": asset, "name": NAMES.get(asset, asset), "exponent": 8, "type": "crypto", "asset_id": id_}
    return {
        "id": id_,
        "name": f"{asset} Wallet",
        "primary": True,
        "type": "wallet",
        "currency": code,
        "balance": {"amount": short(total), "currency": asset},
        "created_at": "2024-01-01T00:00:00Z",
        "updated_at": "2024-01-01T00:00:00Z",
        "resource": "account",
        "resource_path": f"/v2/accounts/{id_}",
        "allow_deposits": True,
        "allow_withdrawals": True,
    }


def send(one: Withdrawal) -> dict[str, Any]:
    """A withdrawal as a transaction: its amount is negative."""
    paid = one.state == "completed"
    network: dict[str, Any] = {
        "status": "confirmed" if paid else "unconfirmed",
        "network_name": one.network,
        "transaction_fee": {"amount": short(one.fee), "currency": one.asset},
    }
    if paid:
        network["hash"] = one.txid
    id_ = send_id(one.id)
    return {
        "id": id_,
        "type": "send",
        "status": one.state,
        "amount": {"amount": f"-{short(one.asked)}", "currency": one.asset},
        "native_amount": {"amount": "-0", "currency": "USD"},
        "description": None,
        "created_at": iso(one.time),
        "updated_at": iso(one.updated),
        "resource": "transaction",
        "resource_path": f"/v2/accounts/{wallet_id(one.account, one.asset)}/transactions/{id_}",
        "idem": one.client_id,
        "network": network,
        "to": {"resource": "address", "address": one.address},
        "details": {"title": f"Sent {one.asset}", "subtitle": ""},
    }


def received(one: Deposit) -> dict[str, Any]:
    id_ = f"{one.id:08x}-0044-4000-8000-{one.id:012x}"
    return {
        "id": id_,
        "type": "send",
        "status": "completed",
        "amount": {"amount": short(one.amount), "currency": one.asset},
        "created_at": iso(one.time),
        "updated_at": iso(one.time),
        "resource": "transaction",
        "resource_path": f"/v2/accounts/{wallet_id(one.account, one.asset)}/transactions/{id_}",
        "network": {"status": "confirmed", "network_name": one.network, "hash": one.txid},
        "from": {"resource": "address"},
    }
