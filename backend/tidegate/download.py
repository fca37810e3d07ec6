"""Files that a client downloads: CSV and JSON, written while they are sent, so that a long one costs no memory.

A spreadsheet runs what begins like a formula. Text that does gets an apostrophe before it; our own decimal strings,
which may begin with a minus sign and nothing else, stay numbers.
"""

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from fastapi.responses import Response, StreamingResponse

from tidegate.wire import time_text

Format = Literal["csv", "json"]

MEDIA = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
TEXT = {"type": "string"}

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z", re.ASCII)
_FORMULA = re.compile(r"\s*[=+\-@|%\t\r\n\uff1d\uff0b\uff0d\uff20]")


def files(shape: str) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a download: both forms, told apart by `format`."""
    content = {"text/csv": {"schema": TEXT}, "application/json": {"schema": {"type": "object"}}}
    return {200: {"description": shape, "content": content}}


def cell(value: object) -> str:
    """What a value looks like in CSV: nothing for None, times as on the wire, no formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return time_text(value)
    text = str(value)
    return "'" + text if _FORMULA.match(text) and not _DECIMAL.match(text) else text


def plain(value: object) -> object:
    """The same in JSON."""
    if isinstance(value, datetime):
        return time_text(value)
    return value if value is None or isinstance(value, str) else str(value)


Rows = AsyncIterator[Sequence[Sequence[object]]]
"""Rows as they come, some at a time, each with a value for each column."""


async def _csv(columns: Sequence[str], rows: Rows) -> AsyncIterator[bytes]:
    yield _lines([columns])
    async for some in rows:
        yield _lines([[cell(value) for value in row] for row in some])


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode()


async def _json(head: Mapping[str, object], columns: Sequence[str], rows: Rows) -> AsyncIterator[bytes]:
    opening = json.dumps({name: plain(value) for name, value in head.items()}, ensure_ascii=False)
    yield (opening[:-1] + (", " if head else "") + '"items": [').encode()
    first = True
    async for some in rows:
        lines = [
            json.dumps(dict(zip(columns, map(plain, row), strict=True)), ensure_ascii=False, separators=(",", ":"))
            for row in some
        ]
        if lines:
            yield (("\n" if first else ",\n") + ",\n".join(lines)).encode()
            first = False
    yield b"\n]}\n"


def saved(name: str, text: str) -> Response:
    """A JSON document that is there already, as a file: `name` and the ending are what the browser saves it as."""
    assert re.fullmatch(r"[A-Za-z0-9-]+", name)
    headers = {"Content-Disposition": f'attachment; filename="{name}.json"'}
    return Response(text, media_type=MEDIA["json"], headers=headers)


def download(
    form: Format, name: str, *, head: Mapping[str, object], columns: Sequence[str], rows: Rows
) -> StreamingResponse:
    """The answer: `name` and the form's ending is what the browser saves it as. `head` is in JSON only."""
    body = _csv(columns, rows) if form == "csv" else _json(head, columns, rows)
    # Asset codes, dates and our own words: nothing in the name needs quoting.
    assert re.fullmatch(r"[A-Za-z0-9-]+", name)
    return StreamingResponse(
        body, media_type=MEDIA[form], headers={"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    )
