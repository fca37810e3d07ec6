from typing import Literal

QuoteOutSide = Literal["exact_in", "exact_out"]

QUOTE_OUT_SIDE_VALUES: set[QuoteOutSide] = {
    "exact_in",
    "exact_out",
}


def check_quote_out_side(value: str) -> QuoteOutSide:
    if value in QUOTE_OUT_SIDE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {QUOTE_OUT_SIDE_VALUES!r}")
