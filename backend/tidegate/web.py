"""What the browser gets besides the API: the single-page app, the offline docs, and headers on every answer."""

import asyncio
import html
import secrets
import time
import uuid
from functools import cache
from pathlib import Path

import fastapi_offline
import structlog
from fastapi import FastAPI, Request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Match, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tidegate import logs
from tidegate.brand.appearance import Appearance
from tidegate.brand.routes import brand_file
from tidegate.database import away
from tidegate.problems import answer, broken
from tidegate.refusal import Kind

log = structlog.get_logger(__name__)

WEB = Path(__file__).parent / "web"
DOCS = Path(__file__).parent / "docs_pages"
OFFLINE = Path(fastapi_offline.__file__).parent / "static"
MAX_BODY = 64 * 1024
LINKED = frozenset({"/cancel", "/confirm-email", "/freeze", "/track"})
"""Pages that links lead to, which nobody should find otherwise."""

_BASE_CSP = (
    "default-src 'none'; script-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; "
)
# Swagger UI and Redoc set style attributes and style elements of their own; scripts stay files of ours. Redoc starts a
# worker from a blob.
_DOCS_CSP = _BASE_CSP + "style-src 'self' 'unsafe-inline'; worker-src blob:"
_API_CSP = b"default-src 'none'; frame-ancestors 'none'"

REGISTRY = CollectorRegistry()
REQUESTS = Counter("tidegate_requests_total", "Answers by route and status", ["route", "status"], registry=REGISTRY)
SECONDS = Histogram("tidegate_request_seconds", "Time to the first byte, by route", ["route"], registry=REGISTRY)

BEHIND = Gauge("tidegate_scan_blocks_behind", "Blocks of the node not read yet", ["network"], registry=REGISTRY)
AGE = Gauge("tidegate_scan_age_seconds", "Since deposits were last looked for", ["network"], registry=REGISTRY)
FIT = Gauge("tidegate_node_fit", "1 while the node may be decided from", ["network"], registry=REGISTRY)
POSITION = Gauge(
    "tidegate_position_usd", "What stands open of an asset, by its last price", ["asset"], registry=REGISTRY
)
CARRIED = Gauge("tidegate_carried_usd", "Of it, what no order will take off", ["asset"], registry=REGISTRY)
EXPOSURE_CAP = Gauge("tidegate_exposure_cap_usd", "What open prices and positions may come to", registry=REGISTRY)
FOLLOWED = Gauge(
    "tidegate_venue_books_followed", "Books that the venue's stream tells now", ["venue"], registry=REGISTRY
)
WANTED = Gauge(
    "tidegate_venue_books_wanted", "Books that it is to tell; 0: none is in use", ["venue"], registry=REGISTRY
)
OPEN = Gauge(
    "tidegate_withdrawals_open",
    "Withdrawals by state and what they wait for",
    ["state", "sub_status"],
    registry=REGISTRY,
)
OLDEST = Gauge(
    "tidegate_withdrawals_oldest_seconds",
    "Since the oldest of them stands so",
    ["state", "sub_status"],
    registry=REGISTRY,
)
STUCK = Gauge(
    "tidegate_withdrawals_stuck", "Of them, those that wait for too long", ["state", "sub_status"], registry=REGISTRY
)
PROMISES = Gauge(
    "tidegate_expected_by_due",
    "Promises of an arrival that came due in 7 days",
    ["network", "asset"],
    registry=REGISTRY,
)
KEPT = Gauge("tidegate_expected_by_kept", "Of them, those that were kept", ["network", "asset"], registry=REGISTRY)
MAILS = Gauge("tidegate_mails_waiting", "Mails to be sent", registry=REGISTRY)
MAIL_AGE = Gauge("tidegate_mail_age_seconds", "Since the oldest of them was written", registry=REGISTRY)
STREAMS = Gauge("tidegate_event_streams", "Streams of events that this process serves", registry=REGISTRY)
WAY = Gauge("tidegate_venue_open", "1 while this process may call the venue", ["venue"], registry=REGISTRY)

BOOKS_AGE = Gauge("tidegate_books_age_seconds", "Since the books were last checked", registry=REGISTRY)
DIFFERENCE = Gauge(
    "tidegate_books_difference", "World less books, in whole coins", ["place", "asset"], registry=REGISTRY
)
FROZEN = Gauge(
    "tidegate_frozen", "1 while the house itself has stopped it; * is everything", ["asset"], registry=REGISTRY
)


class Edge:
    """Pure ASGI: request id, body cap, security headers, metrics, one log line. Streams pass untouched."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._always = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(self), microphone=(), geolocation=()"),
        ]
        if https:
            self._always.append((b"strict-transport-security", b"max-age=63072000; includeSubDomains"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identity = str(uuid.uuid4())
        scope.setdefault("state", {})["request_id"] = identity
        started = time.perf_counter()
        status, started_answer = 500, False

        async def sending(message: Message) -> None:
            nonlocal status, started_answer
            if message["type"] == "http.response.start":
                status, started_answer = message["status"], True
                message["headers"] = [*message["headers"], *self._added(scope["path"], identity, message["headers"])]
                counter, histogram = _meters(getattr(scope.get("route"), "path", "unmatched"), status)
                counter.inc()
                histogram.observe(time.perf_counter() - started)
            await send(message)

        bound = structlog.contextvars.bind_contextvars(request_id=identity)
        try:
            await (_refused(scope, receive) or self._app)(scope, _limited(receive), sending)
        except Exception as error:  # whatever broke, the client is answered and the log says what it was
            request = Request(scope, receive)
            if away(error):
                log.warning("database_away", path=scope["path"], reason=type(error).__name__)
                failed = answer(request, Kind.BUSY, "Our database does not answer. Ask again in a moment.")
            else:
                log.exception("failed", path=scope["path"])
                failed = broken(request)
            if not started_answer:
                await failed(scope, receive, sending)
        finally:
            structlog.contextvars.reset_contextvars(**bound)
        logs.request(scope["method"], scope["path"], status, time.perf_counter() - started, identity)

    def _added(self, path: str, identity: str, given: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Every answer's headers; the policy of its content and of caching only where the answer has none."""
        added = [(b"x-request-id", identity.encode()), *self._always]
        names = {name for name, _ in given}
        if b"content-security-policy" not in names:
            added.append((b"content-security-policy", _API_CSP))
        if path.startswith("/api/") and b"cache-control" not in names:
            added.append((b"cache-control", b"no-store"))
        return added


@cache
def _meters(route: str, status: int) -> tuple[Counter, Histogram]:
    """Routes and statuses are few, and looking their meters up costs more than moving them."""
    return REQUESTS.labels(route, str(status)), SECONDS.labels(route)


def _refused(scope: Scope, receive: Receive) -> Response | None:
    """What is refused before anybody reads it."""
    if _declared(scope) > MAX_BODY:
        return answer(Request(scope, receive), Kind.TOO_LARGE, f"At most {MAX_BODY} bytes.")
    # No text of ours holds NUL, and neither PostgreSQL nor a file system takes one.
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        return answer(Request(scope, receive), Kind.MALFORMED, "There is a NUL in the address.")
    return None


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _limited(receive: Receive) -> Receive:
    """Without a declared length: stop reading at the cap; the rest of the body is as if it never came."""
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > MAX_BODY:
                return {"type": "http.disconnect"}
        return message

    return limited


def shell(look: Appearance) -> Response:
    """The page's shell with a fresh nonce and the configuration inlined as data, or a plain word that it is not built."""
    index = WEB / "index.html"
    if not index.is_file():
        return PlainTextResponse("The page is not built yet: run `make setup`. The API is at /docs.", status_code=503)
    nonce = secrets.token_urlsafe(18)
    inlined = look.config_file.body.decode().replace("<", "\\u003c")
    icon = look.config.brand.icon
    page = index.read_text().replace("__CSP_NONCE__", nonce).replace("__BRAND__", html.escape(look.config.brand.name))
    page = page.replace("/mark.svg", html.escape(icon)) if icon else page
    page = page.replace("__CONFIG__", inlined)
    csp = _BASE_CSP + f"style-src 'self' 'nonce-{nonce}'; manifest-src 'self'; object-src 'none'"
    return HTMLResponse(page, headers={"Content-Security-Policy": csp, "Cache-Control": "no-store"})


class _Assets(StaticFiles):
    def file_response(self, *args: object, **kwargs: object) -> Response:
        found = super().file_response(*args, **kwargs)  # type: ignore[arg-type]  # passed through as they came
        found.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return found


def _file(path: str) -> Path | None:
    """A file of the page beside its shell: an icon, a translation. None for every other path."""
    file = (WEB / path.lstrip("/")).resolve()
    try:
        if path != "/" and file.is_relative_to(WEB.resolve()) and file.is_file() and file.name != "index.html":
            return file
    except OSError:  # a name longer than any file's
        pass
    return None


_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def _methods_of(app: FastAPI, request: Request) -> list[str]:
    """The methods that an operation at this path has; empty when there is none."""
    found = []
    for method in _METHODS:
        scope = {**request.scope, "method": method}
        operations = (route for route in app.router.routes if not isinstance(route, Route | Mount))
        if any(route.matches(scope)[0] is Match.FULL for route in operations):
            found.append(method)
    return found


def mount(app: FastAPI, look: Appearance) -> None:
    """Docs, metrics, assets, and last the page for every other path. Unknown /api paths stay 404 problems."""

    async def page(name: str) -> Response:
        return HTMLResponse((DOCS / name).read_text(), headers={"Content-Security-Policy": _DOCS_CSP})

    async def swagger(request: Request) -> Response:
        return await page("swagger.html")

    async def redoc(request: Request) -> Response:
        return await page("redoc.html")

    async def swagger_js(request: Request) -> Response:
        return FileResponse(DOCS / "swagger.js", media_type="text/javascript")

    async def metrics(request: Request) -> Response:
        await asyncio.gather(*(measure() for measure in app.state.measures))
        return Response(generate_latest(REGISTRY), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def missing(request: Request) -> Response:
        """Under /api: a path of ours with another method, or nothing at all."""
        allowed = _methods_of(app, request)
        if not allowed:
            return answer(request, Kind.NOT_FOUND, "There is nothing here.")
        found = answer(request, Kind.METHOD_NOT_ALLOWED, f"This takes {', '.join(allowed)}.", {"allowed": allowed})
        found.headers["Allow"] = ", ".join(allowed)
        return found

    async def spa(request: Request) -> Response:
        file = _file(request.url.path)
        if file is not None:
            return FileResponse(file, headers={"Cache-Control": "no-cache"})
        found = shell(look)
        if request.url.path in LINKED:
            found.headers["X-Robots-Tag"] = "noindex, nofollow"
        return found

    routes: list[Route | Mount] = [
        Route("/docs", swagger),
        Route("/redoc", redoc),
        Route("/docs/swagger.js", swagger_js),
        Mount("/docs/static", StaticFiles(directory=OFFLINE)),
        Route("/metrics", metrics),
        Route("/brand/{name:path}", brand_file),
        Mount("/assets", _Assets(directory=WEB / "assets", check_dir=False)),
        Route("/api", missing, methods=_METHODS),
        Route("/api/{path:path}", missing, methods=_METHODS),
        Route("/{path:path}", spa, methods=["GET", "HEAD"]),
    ]
    app.router.routes.extend(routes)
