"""Reading a message's fields strictly: a missing, unknown or wrongly typed one is Malformed; a bool is no integer."""

from collections.abc import Mapping
from typing import Any

_UNITS_END = 10**60  # the database's Units domain ends here too
_TEXT_END = 4096


class Malformed(ValueError):
    """A message that is not one of ours, field by field."""


def text_of(raw: Mapping[str, Any], name: str) -> str:
    value = raw[name]
    if type(value) is not str or len(value) > _TEXT_END or "\n" in value or "\r" in value:
        raise Malformed(f"{name}: a line of text is expected")
    try:
        value.encode()
    except UnicodeEncodeError as error:  # half of a surrogate pair: JSON can spell it, bytes cannot
        raise Malformed(f"{name}: a line of text is expected") from error
    return value


def psbt_of(raw: Mapping[str, Any]) -> str:
    value = raw["psbt"]
    if type(value) is not str or not value.isascii():
        raise Malformed("psbt: base64 is expected")
    return value


def integer_of(raw: Mapping[str, Any], name: str) -> int:
    value = raw[name]
    if type(value) is not int or not 0 <= value < _UNITS_END:
        raise Malformed(f"{name}: a whole number is expected")
    return value


def only(raw: Any, names: set[str], what: str) -> Mapping[str, Any]:
    if not isinstance(raw, dict) or set(raw) != names:
        raise Malformed(f"{what}: fields {', '.join(sorted(names))} and no others are expected")
    return raw
