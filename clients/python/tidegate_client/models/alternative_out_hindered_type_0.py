from typing import Literal

AlternativeOutHinderedType0 = Literal["below_minimum", "too_thin"]

ALTERNATIVE_OUT_HINDERED_TYPE_0_VALUES: set[AlternativeOutHinderedType0] = {
    "below_minimum",
    "too_thin",
}


def check_alternative_out_hindered_type_0(value: str) -> AlternativeOutHinderedType0:
    if value in ALTERNATIVE_OUT_HINDERED_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {ALTERNATIVE_OUT_HINDERED_TYPE_0_VALUES!r}")
