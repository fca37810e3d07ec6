from enum import StrEnum


class QuoteInSpeedType0(StrEnum):
    ECONOMY = "economy"
    FAST = "fast"
    STANDARD = "standard"

    def __str__(self) -> str:
        return str(self.value)
