from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.approval_in_verdict import ApprovalInVerdict, check_approval_in_verdict

T = TypeVar("T", bound="ApprovalIn")


@_attrs_define
class ApprovalIn:
    digest: str
    """ Of what was looked at; another one is a conflict """
    reason: str
    verdict: ApprovalInVerdict

    def to_dict(self) -> dict[str, Any]:
        digest = self.digest

        reason = self.reason

        verdict: str = self.verdict

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "digest": digest,
                "reason": reason,
                "verdict": verdict,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        digest = d.pop("digest")

        reason = d.pop("reason")

        verdict = check_approval_in_verdict(d.pop("verdict"))

        approval_in = cls(
            digest=digest,
            reason=reason,
            verdict=verdict,
        )

        return approval_in
