from typing import Literal

SessionOutCredential = Literal["bearer", "cookie"]

SESSION_OUT_CREDENTIAL_VALUES: set[SessionOutCredential] = {
    "bearer",
    "cookie",
}


def check_session_out_credential(value: str) -> SessionOutCredential:
    if value in SESSION_OUT_CREDENTIAL_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {SESSION_OUT_CREDENTIAL_VALUES!r}")
