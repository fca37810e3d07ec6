"""Kraken's envelopes and refusals: errors are words in a list, with HTTP 200."""

from typing import Any

from tidegate.sandbox.venue.dialect import Reply, Wrong
from tidegate.sandbox.venue.orders import Why

_WORDS: dict[Why, str] = {
    Why.FUNDS: "EOrder:Insufficient funds",
    Why.DUPLICATE: "EGeneral:Invalid arguments:cl_ord_id",
    Why.OFF_TICK: "EOrder:Tick size check failed",
    Why.FAR_PRICE: "EOrder:Invalid price",
    Why.OFF_LOT: "EGeneral:Invalid arguments:volume",
    Why.TOO_SMALL: "EOrder:Order minimum not met",
    Why.TOO_LARGE: "EGeneral:Invalid arguments:volume",
    Why.WORTH: "EOrder:Cost minimum not met",
    Why.TOO_MANY: "EOrder:Orders limit exceeded",
    Why.WOULD_MATCH: "EOrder:Post only order",
    Why.NO_LIQUIDITY: "EService:Unavailable",
    Why.NO_ORDER: "EOrder:Unknown order",
    Why.DONE: "EOrder:Unknown order",
    Why.OTHER_ID: "EOrder:Unknown order",
    Why.CLOSED: "EService:Unavailable",
    Why.NO_ASSET: "EQuery:Unknown asset",
    Why.NO_NETWORK: "EFunding:No funding method",
    Why.ADDRESS: "EFunding:Invalid address",
    Why.NO_KEY: "EFunding:Unknown withdraw key",
    Why.AMOUNT: "EGeneral:Invalid arguments:amount",
}


def result(value: Any) -> Reply:
    return Reply({"error": [], "result": value})


def refusal(word: str) -> Reply:
    return Reply({"error": [word]})


def wrong(word: str) -> Wrong:
    return Wrong(refusal(word))


def word(why: Why) -> str:
    return _WORDS[why]


def invalid(name: str) -> Wrong:
    """An argument that cannot be used."""
    return wrong(f"EGeneral:Invalid arguments:{name}")
