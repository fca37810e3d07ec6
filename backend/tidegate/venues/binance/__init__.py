"""Binance Spot over REST and its stream: sign, parse and stream are pure, client does the talking."""

from decimal import Decimal

from tidegate.venues.adapter import Adapter, Opening
from tidegate.venues.binance.client import NETWORKS, Binance
from tidegate.venues.binance.stream import STREAMS
from tidegate.venues.port import Venue

__all__ = ["ADAPTER", "Binance"]


def _open(opening: Opening) -> Venue:
    return Binance(
        rest_url=opening.rest_url,
        api_key=opening.api_key,
        secret=opening.secret,
        taker_fee=opening.taker_fee,
        name=opening.name,
        networks=opening.networks,
        pairs=opening.pairs,
        stream_url=opening.stream_url,
    )


ADAPTER = Adapter(_open, "https://api.binance.com", Decimal("0.001"), NETWORKS, streams=STREAMS)
