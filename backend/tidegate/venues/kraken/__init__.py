"""Kraken Spot over REST and its stream: sign, parse, outcome and stream are pure, client does the talking."""

from decimal import Decimal

from tidegate.venues.adapter import Adapter, Opening
from tidegate.venues.kraken.client import NETWORKS, Kraken, Options
from tidegate.venues.kraken.stream import STREAMS
from tidegate.venues.port import Venue

__all__ = ["ADAPTER", "Kraken"]


def _open(opening: Opening) -> Venue:
    assert isinstance(opening.options, Options)
    return Kraken(
        rest_url=opening.rest_url,
        api_key=opening.api_key,
        secret=opening.secret,
        taker_fee=opening.taker_fee,
        name=opening.name,
        networks=opening.networks,
        pairs=opening.pairs,
        stream_url=opening.stream_url,
        tier=opening.options.tier,
    )


ADAPTER = Adapter(_open, "https://api.kraken.com", Decimal("0.004"), NETWORKS, Options, STREAMS)
