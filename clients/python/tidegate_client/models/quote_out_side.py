from enum import StrEnum


class QuoteOutSide(StrEnum):
    EXACT_IN = "exact_in"
    EXACT_OUT = "exact_out"

    def __str__(self) -> str:
        return str(self.value)
