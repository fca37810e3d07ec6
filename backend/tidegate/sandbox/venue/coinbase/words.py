"""Coinbase's refusals: failed orders come with HTTP 200, everything else with a status and one of two bodies."""

from typing import Any

from tidegate.sandbox.venue.dialect import Reply, Wrong
from tidegate.sandbox.venue.orders import Why

_UNKNOWN = "UNKNOWN_FAILURE_REASON"
_ORDERS: dict[Why, tuple[str, str, str]] = {
    # error, preview_failure_reason, message
    Why.FUNDS: ("INSUFFICIENT_FUND", "PREVIEW_INSUFFICIENT_FUND", "Insufficient balance in source account"),
    Why.OFF_TICK: (_UNKNOWN, "PREVIEW_INVALID_PRICE_PRECISION", ""),
    Why.FAR_PRICE: (_UNKNOWN, "PREVIEW_INVALID_LIMIT_PRICE", ""),
    Why.OFF_LOT: (_UNKNOWN, "PREVIEW_INVALID_BASE_SIZE_PRECISION", ""),
    Why.TOO_SMALL: (_UNKNOWN, "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL", ""),
    Why.TOO_LARGE: (_UNKNOWN, "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE", ""),
    Why.WORTH: (_UNKNOWN, "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL", ""),
    Why.TOO_MANY: (_UNKNOWN, "PREVIEW_OPEN_ORDER_LIMIT", ""),
    Why.WOULD_MATCH: ("INVALID_LIMIT_PRICE_POST_ONLY", "PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY", "Post only"),
    Why.NO_LIQUIDITY: (_UNKNOWN, "PREVIEW_NO_LIQUIDITY", ""),
}
_SENDS: dict[Why, tuple[int, str, str]] = {
    Why.FUNDS: (400, "validation_error", "You don't have enough funds for that."),
    Why.NO_ASSET: (404, "not_found", "Not found"),
    Why.NO_NETWORK: (400, "validation_error", "The network is not supported for that currency."),
    Why.ADDRESS: (400, "validation_error", "Please enter a valid crypto address"),
    Why.AMOUNT: (400, "validation_error", "Amount is below the minimum."),
    Why.CLOSED: (503, "service_unavailable", "Sends are under maintenance."),
}


def order_failed(error: str, preview: str, message: str, new_order: str = _UNKNOWN) -> Reply:
    """An order that was not taken in. `failure_reason` says UNKNOWN whatever the reason was."""
    told = {
        "error": error,
        "message": message,
        "error_details": "",
        "preview_failure_reason": preview,
        "new_order_failure_reason": new_order,
    }
    return Reply({"success": False, "failure_reason": _UNKNOWN, "order_id": "", "error_response": told})


def of_an_order(why: Why) -> Reply:
    if why is Why.CLOSED:
        return order_failed(_UNKNOWN, "UNKNOWN_PREVIEW_FAILURE_REASON", "", "ORDER_ENTRY_DISABLED")
    return order_failed(*_ORDERS[why])


def of_a_send(why: Why) -> Reply:
    status, word, message = _SENDS[why]
    return v2(status, word, message)


def v2(status: int, word: str, message: str) -> Reply:
    return Reply({"errors": [{"id": word, "message": message}]}, status)


def v3(status: int, word: str, message: str) -> Reply:
    return Reply({"error": word, "error_details": message, "message": message}, status)


def invalid(message: str) -> Wrong:
    return Wrong(v3(400, "INVALID_ARGUMENT", message))


def missing(message: str = "Not found") -> Wrong:
    return Wrong(v3(404, "unknown", message))


def unsupported() -> Wrong:
    return Wrong(order_failed("UNSUPPORTED_ORDER_CONFIGURATION", "UNKNOWN_PREVIEW_FAILURE_REASON", ""))


def no_scope() -> Wrong:
    return Wrong(v3(403, "PERMISSION_DENIED", "Missing required scopes"))


def unauthorized(*, older: bool) -> Wrong:
    """v3 says it in plain text."""
    if older:
        return Wrong(v2(401, "authentication_error", "invalid token"))
    told: Any = b"Unauthorized\n"
    return Wrong(Reply(told, 401))
