from typing import Literal

TrialLineOutSide = Literal["credit", "debit"]

TRIAL_LINE_OUT_SIDE_VALUES: set[TrialLineOutSide] = {
    "credit",
    "debit",
}


def check_trial_line_out_side(value: str) -> TrialLineOutSide:
    if value in TRIAL_LINE_OUT_SIDE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {TRIAL_LINE_OUT_SIDE_VALUES!r}")
