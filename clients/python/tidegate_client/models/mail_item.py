from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="MailItem")


@_attrs_define
class MailItem:
    at: str
    id: str
    links: list[str]
    """ Pages of ours that it points to """
    sender: str
    subject: str
    text: str
    to: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        at = self.at

        id = self.id

        links = self.links

        sender = self.sender

        subject = self.subject

        text = self.text

        to = self.to

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "at": at,
                "id": id,
                "links": links,
                "sender": sender,
                "subject": subject,
                "text": text,
                "to": to,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        at = d.pop("at")

        id = d.pop("id")

        links = cast(list[str], d.pop("links"))

        sender = d.pop("sender")

        subject = d.pop("subject")

        text = d.pop("text")

        to = d.pop("to")

        mail_item = cls(
            at=at,
            id=id,
            links=links,
            sender=sender,
            subject=subject,
            text=text,
            to=to,
        )

        mail_item.additional_properties = d
        return mail_item

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
