from enum import StrEnum


class StartPartState(StrEnum):
    FAILED = "failed"
    READY = "ready"
    STARTING = "starting"
    WAITING = "waiting"

    def __str__(self) -> str:
        return str(self.value)
