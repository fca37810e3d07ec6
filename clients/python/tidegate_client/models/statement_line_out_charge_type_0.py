from typing import Literal

StatementLineOutChargeType0 = Literal["network", "rounding", "service", "spread"]

STATEMENT_LINE_OUT_CHARGE_TYPE_0_VALUES: set[StatementLineOutChargeType0] = {
    "network",
    "rounding",
    "service",
    "spread",
}


def check_statement_line_out_charge_type_0(value: str) -> StatementLineOutChargeType0:
    if value in STATEMENT_LINE_OUT_CHARGE_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {STATEMENT_LINE_OUT_CHARGE_TYPE_0_VALUES!r}")
