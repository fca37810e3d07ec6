"""What the exchange room books: the rows of PRODUCT.md's table, as transfers. Pure."""

import uuid

from tidegate.exchange.rules import FillBooking, Offer
from tidegate.ledger.rules import AccountRef, Transfer, customer, house, transfers, venue
from tidegate.money import asset, cost_of

ACCEPTED = "conversion accepted"
EXECUTED = "conversion executed"
FILLED = "venue fill"
VENUE_FEE = "venue fee"


def hold(offer: Offer) -> tuple[Transfer, ...]:
    """Accepted: the whole debit is set aside."""
    user, code = offer.user_id, offer.from_asset
    return transfers((customer(user, "available", code), customer(user, "held", code), offer.figures.debit, ACCEPTED))


def executed(offer: Offer, *, into_held: bool) -> tuple[Transfer, ...]:
    """Executed, one linked group: the held debit becomes fees and our position; the delivery is owed in `to_asset`.

    `into_held`: the delivery goes on to a chain (a converting withdrawal), else it is the user's to use.
    """
    user, given, got, figures = offer.user_id, offer.from_asset, offer.to_asset, offer.figures
    held = customer(user, "held", given)
    position = cost_of(figures.deliver, figures.rate, asset(given), asset(got))
    rounding = figures.converted - position
    return transfers(
        (held, house("liquidity", given), position, EXECUTED),
        (held, house("charged:spread", given), figures.spread, EXECUTED),
        (held, house("charged:service", given), figures.service, EXECUTED),
        (held, house("charged:network", given), figures.network, EXECUTED),
        (held, house("rounding", given), rounding, EXECUTED),
        (house("liquidity", got), customer(user, "held" if into_held else "available", got), figures.deliver, EXECUTED),
    )


def filled(place: str, *, base: str, quote: str, booking: FillBooking) -> tuple[Transfer, ...]:
    """A venue fill and its fee, once per trade id: our position against what the venue holds for us."""
    return (
        *_change(place, base, booking.base_units),
        *_change(place, quote, booking.quote_units),
        *transfers(
            (
                house("cost:venue", booking.fee_asset),
                venue(place, booking.fee_asset),
                -booking.fee_units,
                VENUE_FEE,
            )
        ),
    )


def _change(place: str, code: str, units: int) -> tuple[Transfer, ...]:
    at_venue: AccountRef = venue(place, code)
    position: AccountRef = house("liquidity", code)
    if units >= 0:
        return transfers((at_venue, position, units, FILLED))
    return transfers((position, at_venue, -units, FILLED))


def hold_key(conversion_id: uuid.UUID) -> str:
    return f"conversion:{conversion_id}"


def fill_key(place: str, symbol: str, trade_id: str) -> str:
    return f"fill:{place}:{symbol}:{trade_id}"
