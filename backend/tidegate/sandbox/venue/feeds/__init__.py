"""The venues' WebSocket streams: what is sent is the difference between the engine's book and what was sent last."""

from collections.abc import Callable, Mapping

from starlette.routing import WebSocketRoute

from tidegate.sandbox.venue.faults import Faults
from tidegate.sandbox.venue.feeds import binance, coinbase, kraken
from tidegate.sandbox.venue.feeds.feed import Market, Movers

FEEDS: Mapping[str, Callable[[Market, Movers, Faults], list[WebSocketRoute]]] = {
    "binance": binance.routes,
    "coinbase": coinbase.routes,
    "kraken": kraken.routes,
}
"""By dialect, the streams that stand beside its REST paths."""

__all__ = ["FEEDS", "Market", "Movers"]
