from enum import StrEnum


class SessionOutCredential(StrEnum):
    BEARER = "bearer"
    COOKIE = "cookie"

    def __str__(self) -> str:
        return str(self.value)
