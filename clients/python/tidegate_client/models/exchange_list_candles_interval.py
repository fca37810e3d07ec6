from typing import Literal

ExchangeListCandlesInterval = Literal["15m", "1d", "1h", "1m", "5m"]

EXCHANGE_LIST_CANDLES_INTERVAL_VALUES: set[ExchangeListCandlesInterval] = {
    "15m",
    "1d",
    "1h",
    "1m",
    "5m",
}


def check_exchange_list_candles_interval(value: str) -> ExchangeListCandlesInterval:
    if value in EXCHANGE_LIST_CANDLES_INTERVAL_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {EXCHANGE_LIST_CANDLES_INTERVAL_VALUES!r}")
