from typing import Literal

DepositOutReasonType0 = Literal["other_network", "unattributed"]

DEPOSIT_OUT_REASON_TYPE_0_VALUES: set[DepositOutReasonType0] = {
    "other_network",
    "unattributed",
}


def check_deposit_out_reason_type_0(value: str) -> DepositOutReasonType0:
    if value in DEPOSIT_OUT_REASON_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DEPOSIT_OUT_REASON_TYPE_0_VALUES!r}")
