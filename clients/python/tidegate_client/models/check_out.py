from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.check_out_verdict import CheckOutVerdict, check_check_out_verdict

if TYPE_CHECKING:
    from ..models.check_out_report import CheckOutReport


T = TypeVar("T", bound="CheckOut")


@_attrs_define
class CheckOut:
    """One run of the reconciliation: every term of every line, and why something could not be asked."""

    checked_at: str
    id: UUID
    milliseconds: int
    report: CheckOutReport
    verdict: CheckOutVerdict
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        checked_at = self.checked_at

        id = str(self.id)

        milliseconds = self.milliseconds

        report = self.report.to_dict()

        verdict: str = self.verdict

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "checked_at": checked_at,
                "id": id,
                "milliseconds": milliseconds,
                "report": report,
                "verdict": verdict,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.check_out_report import CheckOutReport  # noqa: PLC0415

        d = dict(src_dict)
        checked_at = d.pop("checked_at")

        id = UUID(d.pop("id"))

        milliseconds = d.pop("milliseconds")

        report = CheckOutReport.from_dict(d.pop("report"))

        verdict = check_check_out_verdict(d.pop("verdict"))

        check_out = cls(
            checked_at=checked_at,
            id=id,
            milliseconds=milliseconds,
            report=report,
            verdict=verdict,
        )

        check_out.additional_properties = d
        return check_out

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
