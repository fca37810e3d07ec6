from typing import Literal

MoveOutPurpose = Literal["cold", "consolidation", "sweep", "to_venue", "top_up"]

MOVE_OUT_PURPOSE_VALUES: set[MoveOutPurpose] = {
    "cold",
    "consolidation",
    "sweep",
    "to_venue",
    "top_up",
}


def check_move_out_purpose(value: str) -> MoveOutPurpose:
    if value in MOVE_OUT_PURPOSE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {MOVE_OUT_PURPOSE_VALUES!r}")
