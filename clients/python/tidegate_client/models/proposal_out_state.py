from typing import Literal

ProposalOutState = Literal["accepted", "dismissed", "done", "open"]

PROPOSAL_OUT_STATE_VALUES: set[ProposalOutState] = {
    "accepted",
    "dismissed",
    "done",
    "open",
}


def check_proposal_out_state(value: str) -> ProposalOutState:
    if value in PROPOSAL_OUT_STATE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PROPOSAL_OUT_STATE_VALUES!r}")
