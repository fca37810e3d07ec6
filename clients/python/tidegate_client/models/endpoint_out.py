from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.endpoint_out_disabled_type_0 import EndpointOutDisabledType0, check_endpoint_out_disabled_type_0

T = TypeVar("T", bound="EndpointOut")


@_attrs_define
class EndpointOut:
    """Where messages go. `disabled`: why none do: `owner`, `gone` (it answered 410), `failing` (three days in vain)."""

    created_at: str
    delivered_at: None | str
    """ When the last message was taken """
    disabled: EndpointOutDisabledType0 | None
    enabled: bool
    failures: int
    """ Tries in vain since the last message that was taken """
    id: UUID
    kinds: list[str]
    secret_before_until: None | str
    """ Until when the secret before a rotation signs too """
    url: str
    version: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        created_at = self.created_at

        delivered_at: None | str
        delivered_at = self.delivered_at

        disabled: None | str
        if isinstance(self.disabled, str):
            disabled = self.disabled
        else:
            disabled = self.disabled

        enabled = self.enabled

        failures = self.failures

        id = str(self.id)

        kinds = self.kinds

        secret_before_until: None | str
        secret_before_until = self.secret_before_until

        url = self.url

        version = self.version

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "created_at": created_at,
                "delivered_at": delivered_at,
                "disabled": disabled,
                "enabled": enabled,
                "failures": failures,
                "id": id,
                "kinds": kinds,
                "secret_before_until": secret_before_until,
                "url": url,
                "version": version,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        created_at = d.pop("created_at")

        def _parse_delivered_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        delivered_at = _parse_delivered_at(d.pop("delivered_at"))

        def _parse_disabled(data: object) -> EndpointOutDisabledType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                disabled_type_0 = check_endpoint_out_disabled_type_0(data)

                return disabled_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(EndpointOutDisabledType0 | None, data)

        disabled = _parse_disabled(d.pop("disabled"))

        enabled = d.pop("enabled")

        failures = d.pop("failures")

        id = UUID(d.pop("id"))

        kinds = cast(list[str], d.pop("kinds"))

        def _parse_secret_before_until(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        secret_before_until = _parse_secret_before_until(d.pop("secret_before_until"))

        url = d.pop("url")

        version = d.pop("version")

        endpoint_out = cls(
            created_at=created_at,
            delivered_at=delivered_at,
            disabled=disabled,
            enabled=enabled,
            failures=failures,
            id=id,
            kinds=kinds,
            secret_before_until=secret_before_until,
            url=url,
            version=version,
        )

        endpoint_out.additional_properties = d
        return endpoint_out

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
