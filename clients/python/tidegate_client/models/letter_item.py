from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.letter_item_facts import LetterItemFacts


T = TypeVar("T", bound="LetterItem")


@_attrs_define
class LetterItem:
    """A letter as it would be sent."""

    facts: LetterItemFacts
    kind: str
    recipient: str
    written_at: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        facts = self.facts.to_dict()

        kind = self.kind

        recipient = self.recipient

        written_at = self.written_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "facts": facts,
                "kind": kind,
                "recipient": recipient,
                "written_at": written_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.letter_item_facts import LetterItemFacts  # noqa: PLC0415

        d = dict(src_dict)
        facts = LetterItemFacts.from_dict(d.pop("facts"))

        kind = d.pop("kind")

        recipient = d.pop("recipient")

        written_at = d.pop("written_at")

        letter_item = cls(
            facts=facts,
            kind=kind,
            recipient=recipient,
            written_at=written_at,
        )

        letter_item.additional_properties = d
        return letter_item

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
