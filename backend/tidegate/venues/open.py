"""From settings to venues: the one place that knows which adapters exist."""

from decimal import Decimal
from urllib.parse import urlsplit

from tidegate.config import Settings, VenueSettings
from tidegate.venues.binance import Binance
from tidegate.venues.port import Venue

BINANCE_URL = "https://api.binance.com"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def open_venues(settings: Settings) -> dict[str, Venue]:
    """One client per configured venue, by its name in the settings. Nothing is sent yet; close each when done.

    Raises ValueError for an address that would send the key in the clear.
    """
    return {name: _open(name, venue) for name, venue in settings.venues.items()}


def _open(name: str, venue: VenueSettings) -> Venue:
    url = venue.rest_url or BINANCE_URL
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError(f"[venues.{name}] rest_url: https only, http on loopback")
    return Binance(
        rest_url=url,
        api_key=venue.api_key.get_secret_value(),
        secret=venue.secret.get_secret_value(),
        taker_fee=Decimal(venue.taker_fee),
        name=name,
    )
