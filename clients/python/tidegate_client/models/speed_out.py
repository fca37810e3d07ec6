from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.speed_out_speed import SpeedOutSpeed, check_speed_out_speed

if TYPE_CHECKING:
    from ..models.amount_out import AmountOut
    from ..models.arrives_by_out import ArrivesByOut


T = TypeVar("T", bound="SpeedOut")


@_attrs_define
class SpeedOut:
    arrives_by: ArrivesByOut
    debit: AmountOut
    """ An amount on the wire: fixed point with exactly the asset's decimals. """
    deliver: AmountOut
    """ An amount on the wire: fixed point with exactly the asset's decimals. """
    speed: SpeedOutSpeed
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        arrives_by = self.arrives_by.to_dict()

        debit = self.debit.to_dict()

        deliver = self.deliver.to_dict()

        speed: str = self.speed

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "arrives_by": arrives_by,
                "debit": debit,
                "deliver": deliver,
                "speed": speed,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.amount_out import AmountOut  # noqa: PLC0415
        from ..models.arrives_by_out import ArrivesByOut  # noqa: PLC0415

        d = dict(src_dict)
        arrives_by = ArrivesByOut.from_dict(d.pop("arrives_by"))

        debit = AmountOut.from_dict(d.pop("debit"))

        deliver = AmountOut.from_dict(d.pop("deliver"))

        speed = check_speed_out_speed(d.pop("speed"))

        speed_out = cls(
            arrives_by=arrives_by,
            debit=debit,
            deliver=deliver,
            speed=speed,
        )

        speed_out.additional_properties = d
        return speed_out

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
