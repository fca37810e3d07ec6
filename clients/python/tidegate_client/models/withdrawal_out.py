from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.amount_out import AmountOut
    from ..models.attempt_out import AttemptOut
    from ..models.challenge_out import ChallengeOut
    from ..models.event_out import EventOut
    from ..models.fee_out import FeeOut


T = TypeVar("T", bound="WithdrawalOut")


@_attrs_define
class WithdrawalOut:
    """A withdrawal and where its money is."""

    address: str
    attempts: list[AttemptOut]
    beneficiary_id: None | UUID
    can_cancel: bool | None
    challenge: ChallengeOut | None
    """ Present while the second factor is waited for """
    completed_at: None | str
    conversion_id: None | UUID
    created_at: str
    debit: AmountOut
    """ An amount on the wire: fixed point with exactly the asset's decimals. """
    deliver: AmountOut
    """ An amount on the wire: fixed point with exactly the asset's decimals. """
    detail: None | str
    events: list[EventOut]
    expected_by: None | str
    fees: list[FeeOut]
    id: UUID
    label: None | str
    network: str
    quote_id: UUID
    rate: str
    reference: None | str
    since: None | str
    speed: str
    state: str
    """ One of `pending_verification`, `pending_screening`, `pending_approval`, `queued`, `signing`, `broadcasting`,
    `confirming`, `completed`, `cancelled`, `rejected`, `expired`, `failed` """
    sub_status: None | str
    """ Null or one of `hold`, `person_reviewing`, `awaiting_liquidity`, `awaiting_batch`, `awaiting_signer`,
    `awaiting_node`, `broadcast_unknown`, `slower_than_usual`, `replaced`, `reorged`, `needs_operator`, `frozen` """
    waiting_for: None | str
    """ Null or one of `you`, `time`, `person`, `funds`, `venue`, `node`, `signer`, `network`, `operator` """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.challenge_out import ChallengeOut  # noqa: PLC0415

        address = self.address

        attempts = []
        for attempts_item_data in self.attempts:
            attempts_item = attempts_item_data.to_dict()
            attempts.append(attempts_item)

        beneficiary_id: None | str
        if isinstance(self.beneficiary_id, UUID):
            beneficiary_id = str(self.beneficiary_id)
        else:
            beneficiary_id = self.beneficiary_id

        can_cancel: bool | None
        can_cancel = self.can_cancel

        challenge: dict[str, Any] | None
        if isinstance(self.challenge, ChallengeOut):
            challenge = self.challenge.to_dict()
        else:
            challenge = self.challenge

        completed_at: None | str
        completed_at = self.completed_at

        conversion_id: None | str
        if isinstance(self.conversion_id, UUID):
            conversion_id = str(self.conversion_id)
        else:
            conversion_id = self.conversion_id

        created_at = self.created_at

        debit = self.debit.to_dict()

        deliver = self.deliver.to_dict()

        detail: None | str
        detail = self.detail

        events = []
        for events_item_data in self.events:
            events_item = events_item_data.to_dict()
            events.append(events_item)

        expected_by: None | str
        expected_by = self.expected_by

        fees = []
        for fees_item_data in self.fees:
            fees_item = fees_item_data.to_dict()
            fees.append(fees_item)

        id = str(self.id)

        label: None | str
        label = self.label

        network = self.network

        quote_id = str(self.quote_id)

        rate = self.rate

        reference: None | str
        reference = self.reference

        since: None | str
        since = self.since

        speed = self.speed

        state = self.state

        sub_status: None | str
        sub_status = self.sub_status

        waiting_for: None | str
        waiting_for = self.waiting_for

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address": address,
                "attempts": attempts,
                "beneficiary_id": beneficiary_id,
                "can_cancel": can_cancel,
                "challenge": challenge,
                "completed_at": completed_at,
                "conversion_id": conversion_id,
                "created_at": created_at,
                "debit": debit,
                "deliver": deliver,
                "detail": detail,
                "events": events,
                "expected_by": expected_by,
                "fees": fees,
                "id": id,
                "label": label,
                "network": network,
                "quote_id": quote_id,
                "rate": rate,
                "reference": reference,
                "since": since,
                "speed": speed,
                "state": state,
                "sub_status": sub_status,
                "waiting_for": waiting_for,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.amount_out import AmountOut  # noqa: PLC0415
        from ..models.attempt_out import AttemptOut  # noqa: PLC0415
        from ..models.challenge_out import ChallengeOut  # noqa: PLC0415
        from ..models.event_out import EventOut  # noqa: PLC0415
        from ..models.fee_out import FeeOut  # noqa: PLC0415

        d = dict(src_dict)
        address = d.pop("address")

        attempts = []
        _attempts = d.pop("attempts")
        for attempts_item_data in _attempts:
            attempts_item = AttemptOut.from_dict(attempts_item_data)

            attempts.append(attempts_item)

        def _parse_beneficiary_id(data: object) -> None | UUID:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                beneficiary_id_type_0 = UUID(data)

                return beneficiary_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UUID, data)

        beneficiary_id = _parse_beneficiary_id(d.pop("beneficiary_id"))

        def _parse_can_cancel(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        can_cancel = _parse_can_cancel(d.pop("can_cancel"))

        def _parse_challenge(data: object) -> ChallengeOut | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                challenge_type_0 = ChallengeOut.from_dict(data)

                return challenge_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ChallengeOut | None, data)

        challenge = _parse_challenge(d.pop("challenge"))

        def _parse_completed_at(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        completed_at = _parse_completed_at(d.pop("completed_at"))

        def _parse_conversion_id(data: object) -> None | UUID:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                conversion_id_type_0 = UUID(data)

                return conversion_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UUID, data)

        conversion_id = _parse_conversion_id(d.pop("conversion_id"))

        created_at = d.pop("created_at")

        debit = AmountOut.from_dict(d.pop("debit"))

        deliver = AmountOut.from_dict(d.pop("deliver"))

        def _parse_detail(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        detail = _parse_detail(d.pop("detail"))

        events = []
        _events = d.pop("events")
        for events_item_data in _events:
            events_item = EventOut.from_dict(events_item_data)

            events.append(events_item)

        def _parse_expected_by(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        expected_by = _parse_expected_by(d.pop("expected_by"))

        fees = []
        _fees = d.pop("fees")
        for fees_item_data in _fees:
            fees_item = FeeOut.from_dict(fees_item_data)

            fees.append(fees_item)

        id = UUID(d.pop("id"))

        def _parse_label(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        label = _parse_label(d.pop("label"))

        network = d.pop("network")

        quote_id = UUID(d.pop("quote_id"))

        rate = d.pop("rate")

        def _parse_reference(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reference = _parse_reference(d.pop("reference"))

        def _parse_since(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        since = _parse_since(d.pop("since"))

        speed = d.pop("speed")

        state = d.pop("state")

        def _parse_sub_status(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        sub_status = _parse_sub_status(d.pop("sub_status"))

        def _parse_waiting_for(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        waiting_for = _parse_waiting_for(d.pop("waiting_for"))

        withdrawal_out = cls(
            address=address,
            attempts=attempts,
            beneficiary_id=beneficiary_id,
            can_cancel=can_cancel,
            challenge=challenge,
            completed_at=completed_at,
            conversion_id=conversion_id,
            created_at=created_at,
            debit=debit,
            deliver=deliver,
            detail=detail,
            events=events,
            expected_by=expected_by,
            fees=fees,
            id=id,
            label=label,
            network=network,
            quote_id=quote_id,
            rate=rate,
            reference=reference,
            since=since,
            speed=speed,
            state=state,
            sub_status=sub_status,
            waiting_for=waiting_for,
        )

        withdrawal_out.additional_properties = d
        return withdrawal_out

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
