from typing import Literal

WalletsExportStatementFormat = Literal["csv", "json"]

WALLETS_EXPORT_STATEMENT_FORMAT_VALUES: set[WalletsExportStatementFormat] = {
    "csv",
    "json",
}


def check_wallets_export_statement_format(value: str) -> WalletsExportStatementFormat:
    if value in WALLETS_EXPORT_STATEMENT_FORMAT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WALLETS_EXPORT_STATEMENT_FORMAT_VALUES!r}")
