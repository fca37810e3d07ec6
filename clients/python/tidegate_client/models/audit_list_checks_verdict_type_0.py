from typing import Literal

AuditListChecksVerdictType0 = Literal["differs", "exact", "unchecked"]

AUDIT_LIST_CHECKS_VERDICT_TYPE_0_VALUES: set[AuditListChecksVerdictType0] = {
    "differs",
    "exact",
    "unchecked",
}


def check_audit_list_checks_verdict_type_0(value: str) -> AuditListChecksVerdictType0:
    if value in AUDIT_LIST_CHECKS_VERDICT_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {AUDIT_LIST_CHECKS_VERDICT_TYPE_0_VALUES!r}")
