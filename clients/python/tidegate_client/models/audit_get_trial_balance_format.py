from typing import Literal

AuditGetTrialBalanceFormat = Literal["csv", "json"]

AUDIT_GET_TRIAL_BALANCE_FORMAT_VALUES: set[AuditGetTrialBalanceFormat] = {
    "csv",
    "json",
}


def check_audit_get_trial_balance_format(value: str) -> AuditGetTrialBalanceFormat:
    if value in AUDIT_GET_TRIAL_BALANCE_FORMAT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {AUDIT_GET_TRIAL_BALANCE_FORMAT_VALUES!r}")
