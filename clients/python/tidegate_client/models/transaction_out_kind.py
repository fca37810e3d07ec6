from enum import StrEnum


class TransactionOutKind(StrEnum):
    CONVERSION = "conversion"
    DEPOSIT = "deposit"
    TRANSFER = "transfer"
    WITHDRAWAL = "withdrawal"

    def __str__(self) -> str:
        return str(self.value)
