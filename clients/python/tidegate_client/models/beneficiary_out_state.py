from typing import Literal

BeneficiaryOutState = Literal["active", "archived", "cooling_down", "pending_confirmation", "suspended"]

BENEFICIARY_OUT_STATE_VALUES: set[BeneficiaryOutState] = {
    "active",
    "archived",
    "cooling_down",
    "pending_confirmation",
    "suspended",
}


def check_beneficiary_out_state(value: str) -> BeneficiaryOutState:
    if value in BENEFICIARY_OUT_STATE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {BENEFICIARY_OUT_STATE_VALUES!r}")
