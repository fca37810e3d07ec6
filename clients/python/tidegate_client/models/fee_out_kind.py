from enum import StrEnum


class FeeOutKind(StrEnum):
    NETWORK = "network"
    SERVICE = "service"
    SPREAD = "spread"

    def __str__(self) -> str:
        return str(self.value)
