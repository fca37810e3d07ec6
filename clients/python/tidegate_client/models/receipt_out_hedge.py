from enum import StrEnum


class ReceiptOutHedge(StrEnum):
    CARRIED = "carried"
    DONE = "done"
    RUNNING = "running"
    WAITING = "waiting"

    def __str__(self) -> str:
        return str(self.value)
