from enum import StrEnum


class TransactionsListKindType0(StrEnum):
    CONVERSION = "conversion"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"

    def __str__(self) -> str:
        return str(self.value)
