from typing import Literal

QuoteInSpeedType0 = Literal["economy", "fast", "standard"]

QUOTE_IN_SPEED_TYPE_0_VALUES: set[QuoteInSpeedType0] = {
    "economy",
    "fast",
    "standard",
}


def check_quote_in_speed_type_0(value: str) -> QuoteInSpeedType0:
    if value in QUOTE_IN_SPEED_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {QUOTE_IN_SPEED_TYPE_0_VALUES!r}")
