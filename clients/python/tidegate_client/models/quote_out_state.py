from typing import Literal

QuoteOutState = Literal["accepted", "expired", "open", "refused"]

QUOTE_OUT_STATE_VALUES: set[QuoteOutState] = {
    "accepted",
    "expired",
    "open",
    "refused",
}


def check_quote_out_state(value: str) -> QuoteOutState:
    if value in QUOTE_OUT_STATE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {QUOTE_OUT_STATE_VALUES!r}")
