from typing import Literal

FreezeOutCause = Literal["difference", "orphan", "restored"]

FREEZE_OUT_CAUSE_VALUES: set[FreezeOutCause] = {
    "difference",
    "orphan",
    "restored",
}


def check_freeze_out_cause(value: str) -> FreezeOutCause:
    if value in FREEZE_OUT_CAUSE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {FREEZE_OUT_CAUSE_VALUES!r}")
