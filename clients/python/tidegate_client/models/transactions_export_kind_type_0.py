from typing import Literal

TransactionsExportKindType0 = Literal["conversion", "deposit", "transfer", "withdrawal"]

TRANSACTIONS_EXPORT_KIND_TYPE_0_VALUES: set[TransactionsExportKindType0] = {
    "conversion",
    "deposit",
    "transfer",
    "withdrawal",
}


def check_transactions_export_kind_type_0(value: str) -> TransactionsExportKindType0:
    if value in TRANSACTIONS_EXPORT_KIND_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {TRANSACTIONS_EXPORT_KIND_TYPE_0_VALUES!r}")
