"""What the wallets room works with in one process: the database, the chains, the settings, and a price to estimate by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tidegate.chains.port import Chain
from tidegate.config import NetworkSettings, Settings
from tidegate.database import Database
from tidegate.markets.books import Estimate
from tidegate.money import Amount, Asset
from tidegate.refusal import Kind, Refusal
from tidegate.wire import asset_in


def _no_price(amount: Amount) -> Estimate | None:
    return None


@dataclass(frozen=True, slots=True)
class Cashier:
    """Made once, at start. `chains` by network; `estimate` never asks anybody and never raises."""

    db: Database
    settings: Settings
    chains: Mapping[str, Chain]
    estimate: Callable[[Amount], Estimate | None] = _no_price

    def network(self, name: str, *, field: str = "network") -> NetworkSettings:
        """The settings of a network. Refuses UNKNOWN_NETWORK, and BUSY while its keys are not there yet."""
        found = self.settings.networks.get(name)
        if found is None:
            raise Refusal(Kind.UNKNOWN_NETWORK, "There is no such network here.", field=field)
        if name not in self.chains:
            raise Refusal(Kind.BUSY, "This network is starting; ask again in a moment.", retry_after=2)
        return found

    def pair(self, asset: str, network: str) -> Asset:
        """The asset, if it travels over that network. Refuses UNKNOWN_ASSET, UNKNOWN_NETWORK, BUSY."""
        found = asset_in(asset)
        self.network(network)
        carriers = self.settings.networks_of(asset)
        if network not in carriers:
            raise Refusal(
                Kind.UNKNOWN_NETWORK, f"{asset} does not travel over this network.", field="network", allowed=carriers
            )
        return found
