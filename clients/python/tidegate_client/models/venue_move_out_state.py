from typing import Literal

VenueMoveOutState = Literal["arrived", "asked", "failed", "intended", "moving", "pending", "refused", "unknown"]

VENUE_MOVE_OUT_STATE_VALUES: set[VenueMoveOutState] = {
    "arrived",
    "asked",
    "failed",
    "intended",
    "moving",
    "pending",
    "refused",
    "unknown",
}


def check_venue_move_out_state(value: str) -> VenueMoveOutState:
    if value in VENUE_MOVE_OUT_STATE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {VENUE_MOVE_OUT_STATE_VALUES!r}")
