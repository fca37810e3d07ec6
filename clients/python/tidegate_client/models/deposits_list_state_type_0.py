from typing import Literal

DepositsListStateType0 = Literal[
    "below_minimum", "confirming", "credited", "detected", "held", "reorged", "screening", "unknown_asset"
]

DEPOSITS_LIST_STATE_TYPE_0_VALUES: set[DepositsListStateType0] = {
    "below_minimum",
    "confirming",
    "credited",
    "detected",
    "held",
    "reorged",
    "screening",
    "unknown_asset",
}


def check_deposits_list_state_type_0(value: str) -> DepositsListStateType0:
    if value in DEPOSITS_LIST_STATE_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DEPOSITS_LIST_STATE_TYPE_0_VALUES!r}")
