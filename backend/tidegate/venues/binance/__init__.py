"""Binance Spot over REST: sign and parse are pure, client does the talking."""

from tidegate.venues.binance.client import Binance

__all__ = ["Binance"]
