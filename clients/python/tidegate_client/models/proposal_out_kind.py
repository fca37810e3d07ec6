from typing import Literal

ProposalOutKind = Literal["refill", "surplus"]

PROPOSAL_OUT_KIND_VALUES: set[ProposalOutKind] = {
    "refill",
    "surplus",
}


def check_proposal_out_kind(value: str) -> ProposalOutKind:
    if value in PROPOSAL_OUT_KIND_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PROPOSAL_OUT_KIND_VALUES!r}")
