"""Coinbase Advanced Trade over REST and its stream: sign, parse, transfers and stream are pure, client does the talking."""

from decimal import Decimal

from tidegate.venues.adapter import Adapter, Opening
from tidegate.venues.coinbase.client import NETWORKS, Coinbase
from tidegate.venues.coinbase.stream import STREAMS
from tidegate.venues.port import Venue

__all__ = ["ADAPTER", "Coinbase"]


def _open(opening: Opening) -> Venue:
    return Coinbase(
        rest_url=opening.rest_url,
        api_key=opening.api_key,
        secret=opening.secret,
        taker_fee=opening.taker_fee,
        name=opening.name,
        networks=opening.networks,
        pairs=opening.pairs,
        stream_url=opening.stream_url,
    )


ADAPTER = Adapter(_open, "https://api.coinbase.com", Decimal("0.012"), NETWORKS, streams=STREAMS)
