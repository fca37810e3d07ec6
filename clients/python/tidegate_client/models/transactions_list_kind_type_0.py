from typing import Literal

TransactionsListKindType0 = Literal["conversion", "deposit", "transfer", "withdrawal"]

TRANSACTIONS_LIST_KIND_TYPE_0_VALUES: set[TransactionsListKindType0] = {
    "conversion",
    "deposit",
    "transfer",
    "withdrawal",
}


def check_transactions_list_kind_type_0(value: str) -> TransactionsListKindType0:
    if value in TRANSACTIONS_LIST_KIND_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {TRANSACTIONS_LIST_KIND_TYPE_0_VALUES!r}")
