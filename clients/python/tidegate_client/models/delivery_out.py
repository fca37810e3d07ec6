from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.answer_out import AnswerOut


T = TypeVar("T", bound="DeliveryOut")


@_attrs_define
class DeliveryOut:
    """One message to one endpoint. Its `message_id` (the header webhook-id) is the same whenever it is sent."""

    answers: list[AnswerOut]
    body: str
    """ As it was sent, byte for byte """
    can_cancel: bool | None
    created_at: str
    expected_by: None | str
    id: UUID
    message_id: str
    sequence: int | None
    """ Of the event; null for a test """
    since: None | str
    state: str
    sub_status: None | str
    tries: int
    type_: str
    waiting_for: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        answers = []
        for answers_item_data in self.answers:
            answers_item = answers_item_data.to_dict()
            answers.append(answers_item)

        body = self.body

        can_cancel: bool | None
        can_cancel = self.can_cancel

        created_at = self.created_at

        expected_by: None | str
        expected_by = self.expected_by

        id = str(self.id)

        message_id = self.message_id

        sequence: int | None
        sequence = self.sequence

        since: None | str
        since = self.since

        state = self.state

        sub_status: None | str
        sub_status = self.sub_status

        tries = self.tries

        type_ = self.type_

        waiting_for: None | str
        waiting_for = self.waiting_for

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "answers": answers,
                "body": body,
                "can_cancel": can_cancel,
                "created_at": created_at,
                "expected_by": expected_by,
                "id": id,
                "message_id": message_id,
                "sequence": sequence,
                "since": since,
                "state": state,
                "sub_status": sub_status,
                "tries": tries,
                "type": type_,
                "waiting_for": waiting_for,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.answer_out import AnswerOut  # noqa: PLC0415

        d = dict(src_dict)
        answers = []
        _answers = d.pop("answers")
        for answers_item_data in _answers:
            answers_item = AnswerOut.from_dict(answers_item_data)

            answers.append(answers_item)

        body = d.pop("body")

        def _parse_can_cancel(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        can_cancel = _parse_can_cancel(d.pop("can_cancel"))

        created_at = d.pop("created_at")

        def _parse_expected_by(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        expected_by = _parse_expected_by(d.pop("expected_by"))

        id = UUID(d.pop("id"))

        message_id = d.pop("message_id")

        def _parse_sequence(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        sequence = _parse_sequence(d.pop("sequence"))

        def _parse_since(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        since = _parse_since(d.pop("since"))

        state = d.pop("state")

        def _parse_sub_status(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        sub_status = _parse_sub_status(d.pop("sub_status"))

        tries = d.pop("tries")

        type_ = d.pop("type")

        def _parse_waiting_for(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        waiting_for = _parse_waiting_for(d.pop("waiting_for"))

        delivery_out = cls(
            answers=answers,
            body=body,
            can_cancel=can_cancel,
            created_at=created_at,
            expected_by=expected_by,
            id=id,
            message_id=message_id,
            sequence=sequence,
            since=since,
            state=state,
            sub_status=sub_status,
            tries=tries,
            type_=type_,
            waiting_for=waiting_for,
        )

        delivery_out.additional_properties = d
        return delivery_out

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
