from enum import StrEnum


class QuoteInKind(StrEnum):
    CONVERSION = "conversion"
    WITHDRAWAL = "withdrawal"

    def __str__(self) -> str:
        return str(self.value)
