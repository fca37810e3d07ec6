from typing import Literal

TreasuryListProposalsStateType0 = Literal["accepted", "dismissed", "done", "open"]

TREASURY_LIST_PROPOSALS_STATE_TYPE_0_VALUES: set[TreasuryListProposalsStateType0] = {
    "accepted",
    "dismissed",
    "done",
    "open",
}


def check_treasury_list_proposals_state_type_0(value: str) -> TreasuryListProposalsStateType0:
    if value in TREASURY_LIST_PROPOSALS_STATE_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {TREASURY_LIST_PROPOSALS_STATE_TYPE_0_VALUES!r}")
