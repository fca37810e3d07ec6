from typing import Literal

NoticeOutTone = Literal["look", "plain"]

NOTICE_OUT_TONE_VALUES: set[NoticeOutTone] = {
    "look",
    "plain",
}


def check_notice_out_tone(value: str) -> NoticeOutTone:
    if value in NOTICE_OUT_TONE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {NOTICE_OUT_TONE_VALUES!r}")
