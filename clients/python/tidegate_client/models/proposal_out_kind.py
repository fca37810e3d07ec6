from typing import Literal

ProposalOutKind = Literal["refill", "surplus", "to_venue", "to_wallet"]

PROPOSAL_OUT_KIND_VALUES: set[ProposalOutKind] = {
    "refill",
    "surplus",
    "to_venue",
    "to_wallet",
}


def check_proposal_out_kind(value: str) -> ProposalOutKind:
    if value in PROPOSAL_OUT_KIND_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PROPOSAL_OUT_KIND_VALUES!r}")
