from typing import Literal

PlannedOutSide = Literal["buy", "sell"]

PLANNED_OUT_SIDE_VALUES: set[PlannedOutSide] = {
    "buy",
    "sell",
}


def check_planned_out_side(value: str) -> PlannedOutSide:
    if value in PLANNED_OUT_SIDE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PLANNED_OUT_SIDE_VALUES!r}")
