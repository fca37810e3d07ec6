from typing import Literal

VenueMoveOutDirection = Literal["to_venue", "to_wallet"]

VENUE_MOVE_OUT_DIRECTION_VALUES: set[VenueMoveOutDirection] = {
    "to_venue",
    "to_wallet",
}


def check_venue_move_out_direction(value: str) -> VenueMoveOutDirection:
    if value in VENUE_MOVE_OUT_DIRECTION_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {VENUE_MOVE_OUT_DIRECTION_VALUES!r}")
