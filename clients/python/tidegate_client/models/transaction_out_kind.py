from typing import Literal

TransactionOutKind = Literal["conversion", "deposit", "transfer", "withdrawal"]

TRANSACTION_OUT_KIND_VALUES: set[TransactionOutKind] = {
    "conversion",
    "deposit",
    "transfer",
    "withdrawal",
}


def check_transaction_out_kind(value: str) -> TransactionOutKind:
    if value in TRANSACTION_OUT_KIND_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {TRANSACTION_OUT_KIND_VALUES!r}")
