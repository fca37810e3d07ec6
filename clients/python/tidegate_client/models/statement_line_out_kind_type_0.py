from typing import Literal

StatementLineOutKindType0 = Literal["conversion", "deposit", "transfer", "withdrawal"]

STATEMENT_LINE_OUT_KIND_TYPE_0_VALUES: set[StatementLineOutKindType0] = {
    "conversion",
    "deposit",
    "transfer",
    "withdrawal",
}


def check_statement_line_out_kind_type_0(value: str) -> StatementLineOutKindType0:
    if value in STATEMENT_LINE_OUT_KIND_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {STATEMENT_LINE_OUT_KIND_TYPE_0_VALUES!r}")
