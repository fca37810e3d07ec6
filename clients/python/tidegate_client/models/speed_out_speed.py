from typing import Literal

SpeedOutSpeed = Literal["economy", "fast", "standard"]

SPEED_OUT_SPEED_VALUES: set[SpeedOutSpeed] = {
    "economy",
    "fast",
    "standard",
}


def check_speed_out_speed(value: str) -> SpeedOutSpeed:
    if value in SPEED_OUT_SPEED_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {SPEED_OUT_SPEED_VALUES!r}")
