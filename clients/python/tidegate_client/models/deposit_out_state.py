from typing import Literal

DepositOutState = Literal[
    "below_minimum", "confirming", "credited", "detected", "held", "reorged", "screening", "unknown_asset"
]

DEPOSIT_OUT_STATE_VALUES: set[DepositOutState] = {
    "below_minimum",
    "confirming",
    "credited",
    "detected",
    "held",
    "reorged",
    "screening",
    "unknown_asset",
}


def check_deposit_out_state(value: str) -> DepositOutState:
    if value in DEPOSIT_OUT_STATE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DEPOSIT_OUT_STATE_VALUES!r}")
