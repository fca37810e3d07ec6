from typing import Literal

CheckOutVerdict = Literal["differs", "exact", "unchecked"]

CHECK_OUT_VERDICT_VALUES: set[CheckOutVerdict] = {
    "differs",
    "exact",
    "unchecked",
}


def check_check_out_verdict(value: str) -> CheckOutVerdict:
    if value in CHECK_OUT_VERDICT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CHECK_OUT_VERDICT_VALUES!r}")
