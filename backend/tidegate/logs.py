"""Structured logs of one process: JSON lines (or colours on a terminal), request ids, no secrets."""

import logging
import re
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec
import structlog

_SECRET = re.compile(r"(password|secret|token|passphrase|authorization|cookie|signature|totp_code|client_secret)", re.I)
_IN_URL = re.compile(r"(://[^:/@\s]+:)[^@/\s]+@|((?:signature|token|secret)=)[^&\s]+", re.I)


def _redact(value: Any, key: str = "") -> Any:
    if _SECRET.search(key) and isinstance(value, str):
        return "…"
    if isinstance(value, dict):
        return {k: _redact(v, str(k)) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_redact(v) for v in value]
    if isinstance(value, str):
        return _IN_URL.sub(lambda found: (found.group(1) + "…@") if found.group(1) else found.group(2) + "…", value)
    return value


def redactor(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Masks values by key name, however deep, and credentials inside URLs."""
    return {key: _redact(value, key) for key, value in event.items()}


_requests: "tuple[TextIO, str] | None" = None
"""Where request lines go and the process they name, once `configure` was called."""


def request(method: str, path: str, status: int, seconds: float, request_id: str) -> None:
    """One line for an answered request, in the form of every other line; never raises. Every request pays for it, so it
    does not go through the processors; the path has no query, and nothing else here could hold a secret."""
    if _requests is None:
        return
    stream, process = _requests
    line = {
        "method": method,
        "path": path,
        "status": status,
        "ms": round(seconds * 1000, 1),
        "event": "request",
        "request_id": request_id,
        "level": "info",
        "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "process": process,
    }
    try:
        stream.write(_ENCODE(line).decode() + "\n")
    except (OSError, ValueError):  # nobody reads it any more: the answer was given all the same
        pass


_ENCODE = msgspec.json.Encoder().encode


def configure(process: str, *, level: int = logging.INFO) -> None:
    """Route structlog and the standard library's logging (uvicorn, alembic) through one formatter."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    errors = structlog.processors.ExceptionRenderer(
        structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )

    def named(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = process
        return event

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                named,
                errors,
                redactor,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    global _requests
    _requests = (sys.stderr, process) if level <= logging.INFO else None
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("httpx", "httpcore", "uvicorn.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
