from typing import Literal

CandlesOutInterval = Literal["15m", "1d", "1h", "1m", "5m"]

CANDLES_OUT_INTERVAL_VALUES: set[CandlesOutInterval] = {
    "15m",
    "1d",
    "1h",
    "1m",
    "5m",
}


def check_candles_out_interval(value: str) -> CandlesOutInterval:
    if value in CANDLES_OUT_INTERVAL_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CANDLES_OUT_INTERVAL_VALUES!r}")
