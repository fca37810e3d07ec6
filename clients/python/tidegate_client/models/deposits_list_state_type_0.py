from enum import StrEnum


class DepositsListStateType0(StrEnum):
    BELOW_MINIMUM = "below_minimum"
    CONFIRMING = "confirming"
    CREDITED = "credited"
    DETECTED = "detected"
    HELD = "held"
    REORGED = "reorged"
    SCREENING = "screening"
    UNKNOWN_ASSET = "unknown_asset"

    def __str__(self) -> str:
        return str(self.value)
