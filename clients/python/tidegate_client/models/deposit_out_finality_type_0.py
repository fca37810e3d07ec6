from typing import Literal

DepositOutFinalityType0 = Literal["finalized", "safe"]

DEPOSIT_OUT_FINALITY_TYPE_0_VALUES: set[DepositOutFinalityType0] = {
    "finalized",
    "safe",
}


def check_deposit_out_finality_type_0(value: str) -> DepositOutFinalityType0:
    if value in DEPOSIT_OUT_FINALITY_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DEPOSIT_OUT_FINALITY_TYPE_0_VALUES!r}")
