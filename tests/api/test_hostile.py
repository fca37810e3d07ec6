"""No input yields a 5xx: every operation, every field, everything that breaks parsers and databases."""

import json
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.api.conftest import Door, problem

QUOTES = "/api/v1/exchange/quotes"
QUOTE = {
    "kind": "conversion",
    "from_asset": "BTC",
    "to_asset": "USDT",
    "side": "exact_in",
    "amount": "0.01",
}
# What has broken parsers, hashes and databases before; the second list with TIDEGATE_EXAMPLES only.
HOSTILE: list[Any] = [
    "a\u0000b",
    "\ud800",
    "１",
    "x" * 10_000,
    -1,
    10**400,
    float("nan"),
    None,
    [[]],
    {"\ud800": "\u0000"},
]
RARER: list[Any] = ["\u0000", "\u202e", "' OR 1=1 --", "", 1.5, float("inf"), True, [], {}, "9999-12-31T23:59:59-23:59"]
if "TIDEGATE_EXAMPLES" in os.environ:
    HOSTILE += RARER
STREAMS = {"/api/v1/events"}
ENDS_THE_SESSION = {"/api/v1/auth/logout", "/api/v1/auth/logout-everywhere", "/api/v1/auth/password"}


def raw(value: Any) -> bytes:
    """JSON as a hostile client writes it: NaN, Infinity and lone surrogates included."""
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    "body",
    [
        b'{"amount": NaN}',
        b'{"amount": 1e400}',
        b'{"amount": -Infinity}',
        b'{"amount": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"amount": ' + b"1" * 5000 + b"}",
        b"[" * 10_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b"{",
        b"\xff\xfe",
        b"\x00",
        b'""',
        b"null",
        b"",
        b'{"kind": "conversion", "kind": "withdrawal"}',
    ],
)
@pytest.mark.parametrize("path", [QUOTES, "/api/v1/transactions/withdrawals", "/api/v1/auth/register"])
async def test_a_body_that_is_no_request_is_a_problem(door: Door, path: str, body: bytes) -> None:
    status, _ = problem(await door.post(path, body, key=uuid.uuid4().hex))
    assert status in (400, 422)


async def test_what_was_sent_is_never_echoed(door: Door) -> None:
    answer = await door.post(QUOTES, {**QUOTE, "amount": "swordfish", "swordfish-field": 1})
    assert problem(answer)[0] == 422
    body = answer.json()
    assert "swordfish" not in body["detail"].replace("swordfish-field", "")
    assert "input" not in body


async def test_a_body_above_64_kib_is_too_large_whether_or_not_it_says_so(door: Door) -> None:
    large = b'{"amount": "' + b"1" * 65_536 + b'"}'
    assert problem(await door.post(QUOTES, large)) == (413, "too_large")

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 8192):
            yield large[start : start + 8192]

    headers = {"Content-Type": "application/json"}
    status, _ = problem(await door.ask("POST", QUOTES, content=chunks(), headers=headers))
    assert status in (400, 413)


async def test_a_body_of_exactly_64_kib_is_read(door: Door) -> None:
    body = raw({**QUOTE, "amount": ""})
    body = body[:-1] + b" " * (65_536 - len(body)) + b"}"
    assert len(body) == 65_536
    assert problem(await door.post(QUOTES, body)) == (422, "invalid_amount")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml"]
)
async def test_a_body_of_another_kind_is_a_problem(door: Door, kind: str) -> None:
    answer = await door.ask("POST", QUOTES, content=raw(QUOTE), headers={"Content-Type": kind})
    assert problem(answer)[0] in (400, 415, 422)


# --- every operation, every field ----------------------------------------------------------------------------------


class Shapes:
    """Fit values for any schema of the document, so that one bad field at a time gets as far as it can."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        for many in ("anyOf", "oneOf", "allOf"):
            if many in schema:
                return self.resolve(schema[many][0])
        return schema

    def fit(self, name: str, schema: dict[str, Any]) -> Any:
        schema = self.resolve(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        known = {"asset": "BTC", "from_asset": "BTC", "to_asset": "USDT", "network": "bitcoin", "code": "123456"}
        if name in known:
            return known[name]
        if schema.get("type") == "object":
            return self.fields(schema)
        kinds = {"integer": schema.get("minimum", 1), "number": 1, "boolean": True, "array": []}
        if schema.get("type") in kinds:
            return kinds[schema["type"]]
        formats = {"uuid": str(uuid.uuid4()), "email": "ana@example.com", "date-time": "2026-01-01T00:00:00Z"}
        examples = schema.get("examples") or ["a lighthouse keeps"]
        return formats.get(schema.get("format", "")) or examples[0]

    def fields(self, schema: dict[str, Any]) -> dict[str, Any]:
        found = self.resolve(schema)
        return {name: self.fit(name, one) for name, one in found.get("properties", {}).items()}

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any], list[str]]]:
        """(method, path, fit body, query names) of every operation."""
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                content = operation.get("requestBody", {}).get("content", {})
                body = self.fields(content["application/json"]["schema"]) if "application/json" in content else {}
                queries = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
                if path not in STREAMS | ENDS_THE_SESSION:
                    yield method.upper(), path, body, queries


def with_ids(path: str, value: str) -> str:
    """The path with every parameter filled in."""
    while "{" in path:
        start, end = path.index("{"), path.index("}")
        path = path[:start] + value + path[end + 1 :]
    return path


async def test_no_field_of_any_operation_takes_anything_that_breaks_us(door: Door) -> None:
    document = (await door.http.get("/api/v1/openapi.json")).json()
    asked, broken = 0, []
    for method, path, body, queries in Shapes(document).operations():
        target = with_ids(path, str(uuid.uuid4()))
        for field in body:
            for value in HOSTILE:
                answer = await door.ask(
                    method,
                    target,
                    key=uuid.uuid4().hex,
                    content=raw({**body, field: value}),
                    headers={"Content-Type": "application/json"},
                )
                asked += 1
                if answer.status_code >= 500 and "retry-after" not in answer.headers:
                    broken.append((method, path, field, repr(value)[:40], answer.status_code))
        for name in queries:
            for text in ("a%00", "%ff", "1e9", "x" * 300, "%F0%9D%9F%99"):
                answer = await door.ask(method, f"{target}?{name}={text}")
                asked += 1
                if answer.status_code >= 500 and "retry-after" not in answer.headers:
                    broken.append((method, path, name, text[:40], answer.status_code))
    assert asked > 500
    assert broken == []


async def test_no_id_in_any_path_breaks_us(door: Door) -> None:
    document = (await door.http.get("/api/v1/openapi.json")).json()
    for method, path, body, _ in Shapes(document).operations():
        if "{" not in path:
            continue
        for text in ("%00", "%ff", "0", "x" * 300, "..%2f..", str(uuid.UUID(int=0))):
            answer = await door.ask(method, with_ids(path, text), key=uuid.uuid4().hex, json=body)
            assert answer.status_code < 500 or "retry-after" in answer.headers, (method, path, text)
