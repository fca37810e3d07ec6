from typing import Literal

TransactionsExportFormat = Literal["csv", "json"]

TRANSACTIONS_EXPORT_FORMAT_VALUES: set[TransactionsExportFormat] = {
    "csv",
    "json",
}


def check_transactions_export_format(value: str) -> TransactionsExportFormat:
    if value in TRANSACTIONS_EXPORT_FORMAT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {TRANSACTIONS_EXPORT_FORMAT_VALUES!r}")
