from typing import Literal

QuoteInSide = Literal["exact_in", "exact_out"]

QUOTE_IN_SIDE_VALUES: set[QuoteInSide] = {
    "exact_in",
    "exact_out",
}


def check_quote_in_side(value: str) -> QuoteInSide:
    if value in QUOTE_IN_SIDE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {QUOTE_IN_SIDE_VALUES!r}")
