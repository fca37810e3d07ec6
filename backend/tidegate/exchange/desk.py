"""What every verb of the exchange room works with: one object a process, built by whoever starts it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidegate.chains.port import Chain
from tidegate.config import Settings
from tidegate.database import Database
from tidegate.exchange.receipt import Digests
from tidegate.exchange.rules import Caps, usd_units_of
from tidegate.ledger.lane import Lane
from tidegate.markets.books import Markets
from tidegate.markets.candles import Charts
from tidegate.markets.ticks import Ticks
from tidegate.refusal import Kind, Refusal
from tidegate.treasury.arrivals import Arrivals
from tidegate.treasury.fees import Fees
from tidegate.venues.port import Venue


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts a quote or a conversion needs. `chains` and `venues` by name, as in the settings."""

    db: Database
    lane: Lane
    markets: Markets
    venues: Mapping[str, Venue]
    fees: Fees
    chains: Mapping[str, Chain]
    settings: Settings
    charts: Charts = field(default_factory=Charts)
    ticks: Ticks = field(default_factory=Ticks)
    digests: Digests = field(default_factory=Digests)
    arrivals: Arrivals = field(default_factory=Arrivals)

    def chain(self, network: str) -> Chain:
        """The chain of a configured network. Refuses BUSY while its driver is not open yet."""
        found = self.chains.get(network)
        if found is None:
            raise Refusal(Kind.BUSY, f"The {network} part is still starting.", retry_after=2)
        return found

    @property
    def caps(self) -> Caps:
        return caps_of(self.settings)


def caps_of(settings: Settings) -> Caps:
    """The configured caps, in millionths of a dollar."""
    quotes = settings.quotes
    return Caps(
        house=usd_units_of(quotes.max_exposure_usd),
        user=usd_units_of(quotes.max_user_exposure_usd),
        uncovered=usd_units_of(quotes.max_uncovered_exposure_usd),
    )
