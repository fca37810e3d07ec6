"""What every wire shape is made of: amounts, times, pages, waiting.

Amounts travel as strings only; a JSON number is refused, so that no client's float ever becomes money.
"""

import base64
import binascii
import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Query
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    field_validator,
)

from tidegate.money import Amount, Asset, InvalidAmount, TooManyDecimals, UnknownAsset, asset
from tidegate.refusal import Kind, Refusal

T = TypeVar("T")

AMOUNT_PATTERN = r"^(0|[1-9][0-9]{0,29})(\.[0-9]{1,18})?$"
_AMOUNT = re.compile(AMOUNT_PATTERN.removesuffix("$") + r"\Z", re.ASCII)


_SURROGATE = re.compile("[\ud800-\udfff]")


def _broken_text(value: Any) -> bool:
    """Whether a text anywhere in it is no Unicode: JSON can spell lone surrogates, and nothing can encode them."""
    if isinstance(value, str):
        return not value.isascii() and _SURROGATE.search(value) is not None
    if isinstance(value, dict):
        return any(_broken_text(one) for pair in value.items() for one in pair)
    return isinstance(value, list) and any(_broken_text(one) for one in value)


class In(BaseModel):
    """Base of every request body: unknown fields are refused, strings are taken as they are, if they are Unicode."""

    model_config = ConfigDict(extra="forbid", strict=False, frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _unicode(cls, value: Any) -> Any:
        if _broken_text(value):
            raise ValueError("this is no text")
        return value


class Out(BaseModel):
    """Base of every answer. All fields are always present, null where they do not apply."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


def _amount_text(value: Any) -> str:
    if not isinstance(value, str) or not _AMOUNT.match(value):
        raise ValueError(Kind.INVALID_AMOUNT)
    return value


DecimalText = Annotated[
    str,
    BeforeValidator(_amount_text),
    WithJsonSchema({"type": "string", "pattern": AMOUNT_PATTERN, "examples": ["0.015"]}),
]
"""A decimal string in: ASCII, no sign, no exponent, never a JSON number."""


def _utc(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Time = Annotated[datetime, PlainSerializer(_utc, return_type=str, when_used="json")]
"""RFC 3339, UTC, `Z`, milliseconds."""


def _moment(value: datetime) -> datetime:
    # Moments that only exist in other zones than ours are none of ours.
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("no moment in UTC") from None


Moment = Annotated[AwareDatetime, AfterValidator(_moment)]
"""A moment in: RFC 3339 with its zone."""


def time_text(value: datetime) -> str:
    """The wire's spelling of a moment."""
    return _utc(value)


class AmountOut(Out):
    """An amount on the wire: fixed point with exactly the asset's decimals."""

    asset: str = Field(examples=["BTC"])
    amount: str = Field(examples=["0.01500000"], json_schema_extra={"pattern": r"^-?[0-9]+(\.[0-9]+)?$"})

    @classmethod
    def of(cls, amount: Amount) -> "AmountOut":
        return cls(asset=amount.asset.code, amount=amount.text)

    @classmethod
    def units(cls, code: str, units: int) -> "AmountOut":
        return cls.of(Amount(asset(code), units))


def asset_in(code: str, *, field: str = "asset") -> Asset:
    """A listed asset by its code, or Refusal UNKNOWN_ASSET."""
    try:
        found = asset(code)
    except UnknownAsset:
        found = None
    if found is None or not found.listed:
        raise Refusal(Kind.UNKNOWN_ASSET, "There is no such asset here.", field=field)
    return found


def amount_in(code: str, text: str, *, field: str = "amount", positive: bool = True) -> Amount:
    """An amount of that asset from the wire. Refuses UNKNOWN_ASSET, INVALID_AMOUNT (also zero), TOO_MANY_DECIMALS."""
    found = asset_in(code)
    try:
        amount = Amount.parse(found, text)
    except InvalidAmount:
        raise Refusal(Kind.INVALID_AMOUNT, "Write the amount with digits and one point.", field=field) from None
    except TooManyDecimals:
        detail = f"{found.code} has {found.decimals} decimals."
        raise Refusal(Kind.TOO_MANY_DECIMALS, detail, field=field, limit=str(found.decimals)) from None
    if positive and amount.units == 0:
        raise Refusal(Kind.INVALID_AMOUNT, "The amount is zero.", field=field)
    return amount


class FeeOut(Out):
    """One line of the cost, always in `from_asset`."""

    kind: Literal["network", "service", "spread"]
    amount: AmountOut


class EstimateOut(Out):
    """About what something is worth; for orientation, never used to book."""

    currency: str = Field(examples=["USD"])
    amount: str = Field(examples=["26.17"])
    as_of: Time


class Waiting(Out):
    """Where a thing stands and what it waits for (PRODUCT.md); null where it does not apply."""

    state: str
    sub_status: str | None = None
    waiting_for: str | None = None
    since: Time | None = None
    expected_by: Time | None = None
    can_cancel: bool | None = None


class Page(Out, Generic[T]):
    """Every list: newest first, `next_cursor` null at the end."""

    items: list[T]
    next_cursor: str | None = None


Cursor = tuple[datetime, uuid.UUID]


def encode_cursor(at: datetime, last: uuid.UUID) -> str:
    """Opaque to clients: the place after the last row shown."""
    raw = f"{at.astimezone(UTC).isoformat()}|{last}"
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def decode_cursor(text: str | None) -> Cursor | None:
    """The place a cursor names, or Refusal INVALID_REQUEST."""
    if text is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
        at, _, last = raw.partition("|")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError
        # Moments that only exist in other zones than ours are none of ours.
        return moment.astimezone(UTC), uuid.UUID(last)
    except (ValueError, OverflowError, binascii.Error, UnicodeError):
        raise Refusal(Kind.INVALID_REQUEST, "This cursor is not one of ours.", field="cursor") from None


class Paging:
    """Dependency: `?limit=&cursor=`."""

    def __init__(
        self,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> None:
        self.limit = limit
        self.before = decode_cursor(cursor)


def next_cursor(rows: Sequence[tuple[datetime, uuid.UUID]], limit: int) -> str | None:
    """The cursor after a page of (at, id) that was fetched with exactly `limit` rows; null when it was the last."""
    return encode_cursor(*rows[-1]) if len(rows) == limit else None


def _reference(value: str) -> str:
    if not value.isprintable():
        raise ValueError("printable characters only")
    return value


Reference = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_reference)]
"""The caller's own string, unique per account for ever."""
