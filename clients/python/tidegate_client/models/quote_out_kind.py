from typing import Literal

QuoteOutKind = Literal["conversion", "withdrawal"]

QUOTE_OUT_KIND_VALUES: set[QuoteOutKind] = {
    "conversion",
    "withdrawal",
}


def check_quote_out_kind(value: str) -> QuoteOutKind:
    if value in QUOTE_OUT_KIND_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {QUOTE_OUT_KIND_VALUES!r}")
