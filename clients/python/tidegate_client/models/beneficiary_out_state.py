from enum import StrEnum


class BeneficiaryOutState(StrEnum):
    ACTIVE = "active"
    ARCHIVED = "archived"
    COOLING_DOWN = "cooling_down"
    PENDING_CONFIRMATION = "pending_confirmation"
    SUSPENDED = "suspended"

    def __str__(self) -> str:
        return str(self.value)
