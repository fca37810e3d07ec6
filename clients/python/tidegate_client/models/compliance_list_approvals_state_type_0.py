from typing import Literal

ComplianceListApprovalsStateType0 = Literal["approved", "pending", "rejected"]

COMPLIANCE_LIST_APPROVALS_STATE_TYPE_0_VALUES: set[ComplianceListApprovalsStateType0] = {
    "approved",
    "pending",
    "rejected",
}


def check_compliance_list_approvals_state_type_0(value: str) -> ComplianceListApprovalsStateType0:
    if value in COMPLIANCE_LIST_APPROVALS_STATE_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {COMPLIANCE_LIST_APPROVALS_STATE_TYPE_0_VALUES!r}")
