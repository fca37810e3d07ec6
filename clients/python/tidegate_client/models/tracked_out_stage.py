from typing import Literal

TrackedOutStage = Literal["arrived", "confirming", "preparing", "sent", "stopped"]

TRACKED_OUT_STAGE_VALUES: set[TrackedOutStage] = {
    "arrived",
    "confirming",
    "preparing",
    "sent",
    "stopped",
}


def check_tracked_out_stage(value: str) -> TrackedOutStage:
    if value in TRACKED_OUT_STAGE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {TRACKED_OUT_STAGE_VALUES!r}")
