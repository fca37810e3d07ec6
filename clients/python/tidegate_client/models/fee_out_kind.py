from typing import Literal

FeeOutKind = Literal["network", "service", "spread"]

FEE_OUT_KIND_VALUES: set[FeeOutKind] = {
    "network",
    "service",
    "spread",
}


def check_fee_out_kind(value: str) -> FeeOutKind:
    if value in FEE_OUT_KIND_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {FEE_OUT_KIND_VALUES!r}")
