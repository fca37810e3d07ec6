from typing import Literal

BestExecutionOutSide = Literal["exact_in", "exact_out"]

BEST_EXECUTION_OUT_SIDE_VALUES: set[BestExecutionOutSide] = {
    "exact_in",
    "exact_out",
}


def check_best_execution_out_side(value: str) -> BestExecutionOutSide:
    if value in BEST_EXECUTION_OUT_SIDE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {BEST_EXECUTION_OUT_SIDE_VALUES!r}")
