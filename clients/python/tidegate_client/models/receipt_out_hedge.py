from typing import Literal

ReceiptOutHedge = Literal["carried", "done", "running", "waiting"]

RECEIPT_OUT_HEDGE_VALUES: set[ReceiptOutHedge] = {
    "carried",
    "done",
    "running",
    "waiting",
}


def check_receipt_out_hedge(value: str) -> ReceiptOutHedge:
    if value in RECEIPT_OUT_HEDGE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {RECEIPT_OUT_HEDGE_VALUES!r}")
