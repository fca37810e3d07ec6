"""RFC 9457 problems: the one shape of every error that leaves the house.

`Kind` → status and title live here; a route lists what it may answer with `responses=problems(Kind.A, …)`.
The input is never echoed: hostile input (NaN, lone surrogates) must not break the answer that refuses it.
"""

from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from tidegate.refusal import Kind, Refusal

log = structlog.get_logger(__name__)

STATUS: dict[Kind, tuple[int, str]] = {
    Kind.IDEMPOTENCY_KEY_MISSING: (400, "Idempotency-Key is missing"),
    Kind.MALFORMED: (400, "The request cannot be read"),
    Kind.UNAUTHENTICATED: (401, "Sign in first"),
    Kind.MFA_REQUIRED: (401, "A second factor is needed"),
    Kind.INVALID_CREDENTIALS: (401, "These credentials do not match"),
    Kind.FORBIDDEN: (403, "Not allowed"),
    Kind.SECOND_FACTOR_REQUIRED: (403, "Set up a second factor first"),
    Kind.POLICY_BLOCKED: (403, "Policy does not allow this"),
    Kind.LIMIT_EXCEEDED: (403, "Above a limit"),
    Kind.REVIEW_REQUIRED: (403, "A person would have to review this"),
    Kind.NOT_FOUND: (404, "Not found"),
    Kind.METHOD_NOT_ALLOWED: (405, "Method not allowed"),
    Kind.INSUFFICIENT_FUNDS: (409, "Not enough available"),
    Kind.QUOTE_EXPIRED: (409, "This price has expired"),
    Kind.QUOTE_USED: (409, "This quote was used before"),
    Kind.CANNOT_CANCEL: (409, "It can no longer be cancelled"),
    Kind.BENEFICIARY_COOLING_DOWN: (409, "This address cannot be used yet"),
    Kind.CONFLICT: (409, "Conflict"),
    Kind.IN_PROGRESS: (409, "The first request is still running"),
    Kind.TOO_LARGE: (413, "The request is too large"),
    Kind.INVALID_REQUEST: (422, "Some fields are not as they should be"),
    Kind.INVALID_AMOUNT: (422, "Not an amount"),
    Kind.TOO_MANY_DECIMALS: (422, "More decimals than the asset has"),
    Kind.UNKNOWN_ASSET: (422, "Unknown asset"),
    Kind.UNKNOWN_NETWORK: (422, "Unknown network"),
    Kind.INVALID_ADDRESS: (422, "Not an address"),
    Kind.WRONG_NETWORK: (422, "An address of another network"),
    Kind.OWN_ADDRESS: (422, "One of our own addresses"),
    Kind.FORBIDDEN_ADDRESS: (422, "Nothing may be sent to this address"),
    Kind.BELOW_MINIMUM: (422, "Below the minimum"),
    Kind.QUOTE_KIND_MISMATCH: (422, "This quote is for something else"),
    Kind.IDEMPOTENCY_KEY_REUSED: (422, "This Idempotency-Key was used with another body"),
    Kind.INVALID_CODE: (422, "This code is not right"),
    Kind.CODE_ALREADY_USED: (422, "This code was used before"),
    Kind.RATE_LIMITED: (429, "Too many requests"),
    Kind.VENUE_UNAVAILABLE: (503, "No exchange can be asked for a price"),
    Kind.BUSY: (503, "Busy"),
}


class Problem(BaseModel):
    """RFC 9457 problem details, with our stable `code` and typed extras."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": True})

    type: str = Field(description="`/problems/<code>`; stable", examples=["/problems/insufficient-funds"])
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(description="Stable, for programs; copy is keyed by it", examples=["insufficient_funds"])
    request_id: str = Field(description="Also the header X-Request-Id")
    field: str | None = Field(default=None, description="The field the problem is about, dotted")
    retry_after: int | None = Field(default=None, description="Seconds; also the header Retry-After")
    limit: str | None = None
    available_at: str | None = None
    allowed: list[str] | None = None
    reasons: list[str] | None = None


def problems(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """`responses=` for a route: each status once, with the codes it may carry. 422 and 401 bodies included."""
    by_status: dict[int, list[Kind]] = {}
    for kind in kinds:
        by_status.setdefault(STATUS[kind][0], []).append(kind)
    return {
        status: {
            "model": Problem,
            "description": " · ".join(f"`{kind.value}`: {STATUS[kind][1]}" for kind in found),
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, found in by_status.items()
    }


def tell_edges(operation: dict[str, Any]) -> None:
    """Add to an operation of the OpenAPI document what the edge may answer to any request, before or beside its route."""
    edges = [Kind.MALFORMED, Kind.BUSY] + ([Kind.TOO_LARGE] if "requestBody" in operation else [])
    for status, told in problems(*edges).items():
        found = operation["responses"].setdefault(str(status), {"description": "", "content": told["content"]})
        if (
            "application/problem+json" in found["content"]
            and told["description"].partition(":")[0] not in found["description"]
        ):
            words = (found["description"], told["description"])
            found["description"] = " · ".join(one for one in words if one)


def request_id(request: Request) -> str:
    found: str = getattr(request.state, "request_id", "")
    return found


def answer(request: Request, kind: Kind, detail: str, fields: dict[str, Any] | None = None) -> Response:
    """The problem as a response, with Retry-After where the fields say so."""
    status, title = STATUS[kind]
    body: dict[str, Any] = {
        "type": f"/problems/{kind.value.replace('_', '-')}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "code": kind.value,
        "request_id": request_id(request),
    }
    body.update({key: value for key, value in (fields or {}).items() if value is not None})
    headers = {}
    if "retry_after" in body:
        headers["Retry-After"] = str(body["retry_after"])
    elif status == 503:
        headers["Retry-After"] = "2"
    if kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body, status_code=status, headers=headers, media_type="application/problem+json")


def broken(request: Request) -> Response:
    """The answer to a failure of our own: it tells nothing but the id that the log has too."""
    body = {
        "type": "/problems/internal",
        "title": "We broke",
        "status": 500,
        "detail": "Something failed on our side. Nothing was lost; ask again with the same Idempotency-Key.",
        "instance": request.url.path,
        "code": "internal",
        "request_id": request_id(request),
    }
    return JSONResponse(body, status_code=500, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Handlers for refusals, validation and routing misses. Failures of our own are the edge's (`web.Edge`)."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        log.info("refused", code=error.kind.value, path=request.url.path, request_id=request_id(request))
        return answer(request, error.kind, error.detail, error.fields)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        kind, detail, field = _judge(error)
        return answer(request, kind, detail, {"field": field})

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        kind = {
            400: Kind.MALFORMED,
            401: Kind.UNAUTHENTICATED,
            403: Kind.FORBIDDEN,
            404: Kind.NOT_FOUND,
            405: Kind.METHOD_NOT_ALLOWED,
            413: Kind.TOO_LARGE,
            429: Kind.RATE_LIMITED,
        }.get(error.status_code)
        if kind is None:
            return JSONResponse({"detail": error.detail}, status_code=error.status_code, headers=error.headers)
        found = answer(request, kind, STATUS[kind][1] + ".")
        for key, value in (error.headers or {}).items():
            found.headers[key] = value
        return found

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def _judge(error: RequestValidationError) -> tuple[Kind, str, str | None]:
    """Kind, a sentence without the input, and the dotted field of the first error."""
    first = error.errors()[0]
    location = [str(part) for part in first.get("loc", ())]
    if first.get("type") == "json_invalid":
        return Kind.MALFORMED, "The body is not JSON.", None
    if location[:1] == ["header"] and location[-1:] == ["idempotency-key"] and first.get("type") == "missing":
        return Kind.IDEMPOTENCY_KEY_MISSING, "This call needs the header Idempotency-Key.", None
    field = ".".join(location[1:]) or None
    if field is not None and not field.isascii():
        field = field.encode("ascii", "backslashreplace").decode()
    message = str(first.get("msg", "")).encode("ascii", "backslashreplace").decode()
    if first.get("type") == "value_error" and message.startswith("Value error, "):
        message = message.removeprefix("Value error, ")
    context = first.get("ctx") or {}
    kind = Kind.INVALID_REQUEST
    cause = context.get("error")
    if isinstance(cause, ValueError) and cause.args and isinstance(cause.args[0], Kind):
        kind, message = cause.args[0], STATUS[cause.args[0]][1] + "."
    return kind, f"{field}: {message}" if field else message, field
