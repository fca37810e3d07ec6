from typing import Literal

TransferOutDirection = Literal["in", "out"]

TRANSFER_OUT_DIRECTION_VALUES: set[TransferOutDirection] = {
    "in",
    "out",
}


def check_transfer_out_direction(value: str) -> TransferOutDirection:
    if value in TRANSFER_OUT_DIRECTION_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {TRANSFER_OUT_DIRECTION_VALUES!r}")
