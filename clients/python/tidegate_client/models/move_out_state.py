from typing import Literal

MoveOutState = Literal["arrived", "failed", "under_way"]

MOVE_OUT_STATE_VALUES: set[MoveOutState] = {
    "arrived",
    "failed",
    "under_way",
}


def check_move_out_state(value: str) -> MoveOutState:
    if value in MOVE_OUT_STATE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {MOVE_OUT_STATE_VALUES!r}")
