from typing import Literal

RefundRuleOutFeesKeptItem = Literal["service", "spread"]

REFUND_RULE_OUT_FEES_KEPT_ITEM_VALUES: set[RefundRuleOutFeesKeptItem] = {
    "service",
    "spread",
}


def check_refund_rule_out_fees_kept_item(value: str) -> RefundRuleOutFeesKeptItem:
    if value in REFUND_RULE_OUT_FEES_KEPT_ITEM_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REFUND_RULE_OUT_FEES_KEPT_ITEM_VALUES!r}")
