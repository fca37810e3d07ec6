"""How deep large deposits must be, as the configuration says it."""

from tidegate.config import NetworkSettings
from tidegate.money import UnknownAsset, parse_units
from tidegate.money import asset as asset_of
from tidegate.wallets.rules import Tier


def tiers_of(terms: NetworkSettings) -> list[Tier]:
    """The configured tiers in base units; those of assets that the house does not know are nobody's."""
    found = []
    for tier in terms.deposit_tiers:
        try:
            units = parse_units(tier.from_amount, asset_of(tier.asset).decimals)
        except UnknownAsset:
            continue
        found.append(Tier(tier.asset, units, tier.confirmations, tier.finality))
    return found
