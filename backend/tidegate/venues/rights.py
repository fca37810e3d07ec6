"""What the credentials of each venue may do there, held against what they are configured for."""

from collections.abc import Mapping
from decimal import Decimal

from tidegate.config import Settings
from tidegate.venues.port import Rights, Venue, VenueUnavailable


async def complaints(settings: Settings, venues: Mapping[str, Venue]) -> list[str]:
    """What is wrong with the credentials of each venue: sentences. Moves nothing; prices are read without a key."""
    found: list[str] = []
    for name, venue in venues.items():
        told = settings.venues[name]
        if not told.read_api_key():
            found.append(f"{name}: no key is configured, so nothing can be traded there.")
            continue
        try:
            rights = await venue.rights()
        except VenueUnavailable as error:
            found.append(f"{name}: the key was not taken: {error}.")
            continue
        found += [f"{name}: {line}" for line in judged(rights, withdrawals=told.withdrawals, fee=venue.taker_fee)]
    return found


def judged(rights: Rights, *, withdrawals: bool, fee: Decimal) -> list[str]:
    """Sentences about a key that may more or less than it is configured for, or pays another fee than is quoted."""
    found = []
    if rights.trade is False:
        found.append("the key may not trade.")
    if rights.withdraw and not withdrawals:
        found.append("the trade key can withdraw: take that right away, or say `withdrawals = true` if it is meant.")
    if withdrawals and rights.withdraw is False:
        found.append("`withdrawals = true`, and the key may not withdraw.")
    if rights.taker_fee is not None and rights.taker_fee > fee:
        found.append(f"the account pays {rights.taker_fee:f} as taker and quotes reckon with {fee:f}: set `taker_fee`.")
    return found
