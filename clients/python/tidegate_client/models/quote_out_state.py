from enum import StrEnum


class QuoteOutState(StrEnum):
    ACCEPTED = "accepted"
    EXPIRED = "expired"
    OPEN = "open"
    REFUSED = "refused"

    def __str__(self) -> str:
        return str(self.value)
