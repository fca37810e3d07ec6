from typing import Literal

LanguageOutDirection = Literal["ltr", "rtl"]

LANGUAGE_OUT_DIRECTION_VALUES: set[LanguageOutDirection] = {
    "ltr",
    "rtl",
}


def check_language_out_direction(value: str) -> LanguageOutDirection:
    if value in LANGUAGE_OUT_DIRECTION_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LANGUAGE_OUT_DIRECTION_VALUES!r}")
