from typing import Literal

QuoteOutSpeedType0 = Literal["economy", "fast", "standard"]

QUOTE_OUT_SPEED_TYPE_0_VALUES: set[QuoteOutSpeedType0] = {
    "economy",
    "fast",
    "standard",
}


def check_quote_out_speed_type_0(value: str) -> QuoteOutSpeedType0:
    if value in QUOTE_OUT_SPEED_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {QUOTE_OUT_SPEED_TYPE_0_VALUES!r}")
