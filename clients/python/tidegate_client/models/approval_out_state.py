from typing import Literal

ApprovalOutState = Literal["approved", "pending", "rejected"]

APPROVAL_OUT_STATE_VALUES: set[ApprovalOutState] = {
    "approved",
    "pending",
    "rejected",
}


def check_approval_out_state(value: str) -> ApprovalOutState:
    if value in APPROVAL_OUT_STATE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {APPROVAL_OUT_STATE_VALUES!r}")
