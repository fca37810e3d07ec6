from enum import StrEnum


class QuoteOutKind(StrEnum):
    CONVERSION = "conversion"
    WITHDRAWAL = "withdrawal"

    def __str__(self) -> str:
        return str(self.value)
