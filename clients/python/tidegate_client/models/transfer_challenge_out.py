from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.transfer_intent_out import TransferIntentOut


T = TypeVar("T", bound="TransferChallengeOut")


@_attrs_define
class TransferChallengeOut:
    digest: str
    expires_at: str
    intent: TransferIntentOut
    """ What the second factor confirms, field by field; `digest` is SHA-256 of its canonical form. `units` are base
    units. """
    methods: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        digest = self.digest

        expires_at = self.expires_at

        intent = self.intent.to_dict()

        methods = self.methods

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "digest": digest,
                "expires_at": expires_at,
                "intent": intent,
                "methods": methods,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.transfer_intent_out import TransferIntentOut  # noqa: PLC0415

        d = dict(src_dict)
        digest = d.pop("digest")

        expires_at = d.pop("expires_at")

        intent = TransferIntentOut.from_dict(d.pop("intent"))

        methods = cast(list[str], d.pop("methods"))

        transfer_challenge_out = cls(
            digest=digest,
            expires_at=expires_at,
            intent=intent,
            methods=methods,
        )

        transfer_challenge_out.additional_properties = d
        return transfer_challenge_out

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
