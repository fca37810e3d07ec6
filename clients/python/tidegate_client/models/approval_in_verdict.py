from typing import Literal

ApprovalInVerdict = Literal["approve", "reject"]

APPROVAL_IN_VERDICT_VALUES: set[ApprovalInVerdict] = {
    "approve",
    "reject",
}


def check_approval_in_verdict(value: str) -> ApprovalInVerdict:
    if value in APPROVAL_IN_VERDICT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {APPROVAL_IN_VERDICT_VALUES!r}")
