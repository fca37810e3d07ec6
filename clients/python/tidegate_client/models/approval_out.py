from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.approval_out_state import ApprovalOutState, check_approval_out_state

if TYPE_CHECKING:
    from ..models.approval_out_summary import ApprovalOutSummary


T = TypeVar("T", bound="ApprovalOut")


@_attrs_define
class ApprovalOut:
    """Something that waits for a person's yes. `digest` binds the yes to exactly this content."""

    approved_by: int
    created_at: str
    decided_at: None | str
    digest: str
    id: UUID
    kind: str
    needed: int
    """ How many different people have to approve """
    state: ApprovalOutState
    subject_id: UUID
    summary: ApprovalOutSummary
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        approved_by = self.approved_by

        created_at = self.created_at

        decided_at: None | str
        decided_at = self.decided_at

        digest = self.digest

        id = str(self.id)

        kind = self.kind

        needed = self.needed

        state: str = self.state

        subject_id = str(self.subject_id)

        summary = self.summary.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "approved_by": approved_by,
                "created_at": created_at,
                "decided_at": decided_at,
                "digest": digest,
                "id": id,
                "kind": kind,
                "needed": needed,
                "state": state,
                "subject_id": subject_id,
                "summary": summary,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.approval_out_summary import ApprovalOutSummary  # noqa: PLC0415

        d = dict(src_dict)
        approved_by = d.pop("approved_by")

        created_at = d.pop("created_at")

        def _parse_decided_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        decided_at = _parse_decided_at(d.pop("decided_at"))

        digest = d.pop("digest")

        id = UUID(d.pop("id"))

        kind = d.pop("kind")

        needed = d.pop("needed")

        state = check_approval_out_state(d.pop("state"))

        subject_id = UUID(d.pop("subject_id"))

        summary = ApprovalOutSummary.from_dict(d.pop("summary"))

        approval_out = cls(
            approved_by=approved_by,
            created_at=created_at,
            decided_at=decided_at,
            digest=digest,
            id=id,
            kind=kind,
            needed=needed,
            state=state,
            subject_id=subject_id,
            summary=summary,
        )

        approval_out.additional_properties = d
        return approval_out

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
