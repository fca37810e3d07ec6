from enum import StrEnum


class SpeedOutSpeed(StrEnum):
    ECONOMY = "economy"
    FAST = "fast"
    STANDARD = "standard"

    def __str__(self) -> str:
        return str(self.value)
