from typing import Literal

ConfigOutMode = Literal["production", "sandbox"]

CONFIG_OUT_MODE_VALUES: set[ConfigOutMode] = {
    "production",
    "sandbox",
}


def check_config_out_mode(value: str) -> ConfigOutMode:
    if value in CONFIG_OUT_MODE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CONFIG_OUT_MODE_VALUES!r}")
