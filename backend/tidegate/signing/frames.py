"""Frames on the signer's socket: four bytes of length, big end first, then one canonical JSON document."""

import asyncio
import json
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MAX_FRAME = 16 * 1024 * 1024
"""A PSBT with 200 inputs carries 7.8 MB of parent transactions; nothing honest is larger than this."""

_MOST_BRACKETS = 10_000
"""More than any request of ours has. The interpreter's own limit does not help: a library of the signer's (py_ecc, by
way of eth-account) raises it so far that deep nesting overruns the stack and ends the process."""

_LENGTH = struct.Struct(">I")


class BadFrame(ValueError):
    """Too large, cut off, or not JSON of ours."""


def canonical(document: Any) -> bytes:
    """One spelling for one document: sorted keys, no spaces, ASCII. Refuses NaN and infinities (ValueError)."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def parse(data: bytes) -> Any:
    """The document in these bytes. Refuses (BadFrame) fractions, NaN, repeated keys and anything not JSON."""
    if data.count(b"[") + data.count(b"{") > _MOST_BRACKETS:
        raise BadFrame("not a message")
    try:
        return json.loads(data, parse_float=_refuse, parse_constant=_refuse, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise BadFrame("not a message") from error


def _refuse(text: str) -> Any:
    raise BadFrame(f"not a whole number: {text[:32]}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadFrame("a key stands twice")
    return found


async def read_frame(reader: asyncio.StreamReader) -> Any | None:
    """The next document, or None when the other side closed between two frames. Refuses with BadFrame."""
    try:
        header = await reader.readexactly(_LENGTH.size)
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise BadFrame("cut off") from error
    (length,) = _LENGTH.unpack(header)
    if length > MAX_FRAME:
        raise BadFrame("too large")
    try:
        return parse(await reader.readexactly(length))
    except asyncio.IncompleteReadError as error:
        raise BadFrame("cut off") from error


def framed(document: Any) -> bytes:
    """One document as it goes on the socket. Refuses (BadFrame) one that no reader would take."""
    data = canonical(document)
    if len(data) > MAX_FRAME:
        raise BadFrame("too large")
    return _LENGTH.pack(len(data)) + data


_LONGEST_ADDRESS = 100
"""A Unix socket's address ends at 108 bytes."""


@contextmanager
def socket_address(path: Path) -> Iterator[str]:
    """An address for the socket at `path`, valid inside the block; deep folders are reached through an open handle."""
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
