from typing import Literal

QuoteInKind = Literal["conversion", "withdrawal"]

QUOTE_IN_KIND_VALUES: set[QuoteInKind] = {
    "conversion",
    "withdrawal",
}


def check_quote_in_kind(value: str) -> QuoteInKind:
    if value in QUOTE_IN_KIND_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {QUOTE_IN_KIND_VALUES!r}")
