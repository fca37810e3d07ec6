"""From settings to venues."""

from tidegate.config import Settings
from tidegate.venues.adapter import open_venue
from tidegate.venues.port import Venue


def open_venues(settings: Settings) -> dict[str, Venue]:
    """One client per venue that is on, by its name in the settings. Nothing is sent yet; close each when done.

    Refuses (VenueProblem) an adapter that is not there, credentials that cannot be read, and an address that would send
    a key in the clear.
    """
    return {name: open_venue(name, venue) for name, venue in settings.venues.items() if venue.enabled}
