from typing import Literal

DepositTierOutFinalityType0 = Literal["finalized", "safe"]

DEPOSIT_TIER_OUT_FINALITY_TYPE_0_VALUES: set[DepositTierOutFinalityType0] = {
    "finalized",
    "safe",
}


def check_deposit_tier_out_finality_type_0(value: str) -> DepositTierOutFinalityType0:
    if value in DEPOSIT_TIER_OUT_FINALITY_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DEPOSIT_TIER_OUT_FINALITY_TYPE_0_VALUES!r}")
