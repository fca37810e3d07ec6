from typing import Literal

TwinOutSource = Literal["own", "paid", "saved"]

TWIN_OUT_SOURCE_VALUES: set[TwinOutSource] = {
    "own",
    "paid",
    "saved",
}


def check_twin_out_source(value: str) -> TwinOutSource:
    if value in TWIN_OUT_SOURCE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {TWIN_OUT_SOURCE_VALUES!r}")
