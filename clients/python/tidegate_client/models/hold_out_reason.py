from typing import Literal

HoldOutReason = Literal["email_changed", "frozen"]

HOLD_OUT_REASON_VALUES: set[HoldOutReason] = {
    "email_changed",
    "frozen",
}


def check_hold_out_reason(value: str) -> HoldOutReason:
    if value in HOLD_OUT_REASON_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {HOLD_OUT_REASON_VALUES!r}")
