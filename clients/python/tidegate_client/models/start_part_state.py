from typing import Literal

StartPartState = Literal["failed", "ready", "starting", "waiting"]

START_PART_STATE_VALUES: set[StartPartState] = {
    "failed",
    "ready",
    "starting",
    "waiting",
}


def check_start_part_state(value: str) -> StartPartState:
    if value in START_PART_STATE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {START_PART_STATE_VALUES!r}")
