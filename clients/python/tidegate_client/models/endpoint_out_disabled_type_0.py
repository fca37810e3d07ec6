from typing import Literal

EndpointOutDisabledType0 = Literal["failing", "gone", "owner"]

ENDPOINT_OUT_DISABLED_TYPE_0_VALUES: set[EndpointOutDisabledType0] = {
    "failing",
    "gone",
    "owner",
}


def check_endpoint_out_disabled_type_0(value: str) -> EndpointOutDisabledType0:
    if value in ENDPOINT_OUT_DISABLED_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {ENDPOINT_OUT_DISABLED_TYPE_0_VALUES!r}")
