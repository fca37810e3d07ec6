"""Binance's refusals: a code, its words, an HTTP status."""

from tidegate.sandbox.venue.dialect import Reply, Wrong
from tidegate.sandbox.venue.orders import Why

_FILTER = "Filter failure: "
WORDS: dict[Why, tuple[int, str]] = {
    Why.FUNDS: (-2010, "Account has insufficient balance for requested action."),
    Why.DUPLICATE: (-2010, "Duplicate order sent."),
    Why.OFF_TICK: (-1013, _FILTER + "PRICE_FILTER"),
    Why.FAR_PRICE: (-1013, _FILTER + "PERCENT_PRICE_BY_SIDE"),
    Why.OFF_LOT: (-1013, _FILTER + "LOT_SIZE"),
    Why.TOO_SMALL: (-1013, _FILTER + "LOT_SIZE"),
    Why.TOO_LARGE: (-1013, _FILTER + "LOT_SIZE"),
    Why.WORTH: (-1013, _FILTER + "NOTIONAL"),
    Why.TOO_MANY: (-1013, _FILTER + "MAX_NUM_ORDERS"),
    Why.WOULD_MATCH: (-2010, "Order would immediately match and take."),
    Why.NO_LIQUIDITY: (-2010, "Order would not fill: no liquidity."),
    Why.NO_ORDER: (-2013, "Order does not exist."),
    Why.DONE: (-2011, "Unknown order sent."),
    Why.OTHER_ID: (-2039, "Client order ID is not correct for this order ID."),
    Why.CLOSED: (-2010, "Market is closed."),
    Why.NO_ASSET: (-4018, "The asset is not known."),
    Why.NO_NETWORK: (-4015, "The network is not supported for this coin."),
    Why.ADDRESS: (-4007, "The address is not one of this network."),
    Why.NO_KEY: (-4019, "The address is not on the list of this account."),
    Why.AMOUNT: (-4003, "The amount is below the least withdrawal."),
}
FUNDING_WORDS = WORDS | {
    Why.FUNDS: (-4026, "The user has insufficient balance available."),
    Why.CLOSED: (-4021, "Asset withdrawal is suspended."),
}


def reply(code: int, message: str, status: int = 400) -> Reply:
    return Reply({"code": code, "msg": message}, status)


def wrong(code: int, message: str, status: int = 400) -> Wrong:
    return Wrong(reply(code, message, status))
