from typing import Literal

EndpointWithSecretDisabledType0 = Literal["failing", "gone", "owner"]

ENDPOINT_WITH_SECRET_DISABLED_TYPE_0_VALUES: set[EndpointWithSecretDisabledType0] = {
    "failing",
    "gone",
    "owner",
}


def check_endpoint_with_secret_disabled_type_0(value: str) -> EndpointWithSecretDisabledType0:
    if value in ENDPOINT_WITH_SECRET_DISABLED_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {ENDPOINT_WITH_SECRET_DISABLED_TYPE_0_VALUES!r}")
