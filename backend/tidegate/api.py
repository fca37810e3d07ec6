"""The API process: create_app(settings, routers) builds one app out of the rooms' routers."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.openapi.utils import get_openapi

from tidegate import __version__, health, problems, web
from tidegate.auth import gate as auth_gate
from tidegate.auth import routes as auth_routes
from tidegate.auth.subject import check_policies, tell_security
from tidegate.brand import routes as brand_routes
from tidegate.brand.appearance import open_appearance
from tidegate.compliance import freeze
from tidegate.compliance import routes as compliance_routes
from tidegate.config import Settings
from tidegate.database import Database
from tidegate.exchange import routes as exchange_routes
from tidegate.notices import routes as notices_routes
from tidegate.parts import Parts, open_parts
from tidegate.refusal import Kind, Refusal
from tidegate.transactions import link_routes
from tidegate.transactions import routes as transactions_routes
from tidegate.treasury import routes as treasury_routes
from tidegate.wallets import routes as wallets_routes
from tidegate.webhooks import routes as webhooks_routes

log = structlog.get_logger(__name__)

PREFIX = "/api/v1"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_AGAIN_SECONDS = 30

# Paths are tried one after the other: what a busy day is made of comes first.
ROUTERS: dict[str, Sequence[APIRouter]] = {
    "transactions": (
        transactions_routes.router,
        link_routes.router,
        transactions_routes.account_router,
        transactions_routes.audit_router,
    ),
    "exchange": (exchange_routes.router,),
    "treasury": (treasury_routes.router,),
    "wallets": (wallets_routes.router,),
    "notices": (notices_routes.router,),
    "webhooks": (webhooks_routes.router,),
    "compliance": (compliance_routes.router,),
    "auth": (auth_routes.router,),
}


# What a restored database takes nothing from: what it would answer from may have happened since.
MONEY = (transactions_routes.router, exchange_routes.router, wallets_routes.router, treasury_routes.router)


async def not_restored(request: Request) -> None:
    """Reads go on; refuses BUSY to everything else until somebody has released the restored database."""
    if request.method in SAFE:
        return
    db: Database = request.app.state.database
    async with db.reading() as session:
        if await freeze.restored(session) is not None:
            detail = "This database was put back from a backup and is being compared. Nothing is accepted until it is released."
            raise Refusal(Kind.BUSY, detail, retry_after=_AGAIN_SECONDS)


def create_app(
    settings: Settings, routers: Sequence[str] = tuple(ROUTERS), *, extra: Sequence[APIRouter] = ()
) -> FastAPI:
    """The app with these rooms' routers, `extra` ones (the sandbox's), the page and the docs.

    Refuses to build (SystemExit) when an operation names no policy. Parts are opened when the app starts.
    """
    unknown = set(routers) - set(ROUTERS)
    if unknown:
        raise SystemExit(f"No such routers: {', '.join(sorted(unknown))}. There are: {', '.join(ROUTERS)}.")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_parts(settings, process="api", duty="api") as parts:
            _install(app, parts)
            app.state.started()
            yield
            for stop in app.state.stops:
                await stop()

    app = FastAPI(
        title="Tidegate",
        version=__version__,
        description=DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        separate_input_output_schemas=True,
    )
    app.state.settings = settings
    app.state.appearance = open_appearance(settings)
    app.state.stops = []
    app.state.measures = []
    app.state.started = lambda: None
    app.state.health = health.Health()
    for name in routers:
        for router in ROUTERS[name]:
            kept = [Depends(not_restored)] if router in MONEY else []
            app.include_router(router, prefix=PREFIX, dependencies=kept)
    for router in extra:
        app.include_router(router, prefix=PREFIX)
    app.include_router(brand_routes.router, prefix=PREFIX)
    app.include_router(health.router, prefix=PREFIX)
    problems.install(app)
    check_policies(app)
    web.mount(app, app.state.appearance)
    app.add_middleware(web.Edge, https=settings.api.public_url.startswith("https://"))
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way to adjust the schema
    return app


def _install(app: FastAPI, parts: Parts) -> None:
    """Put each room's object where its dependencies look for it."""
    app.state.database = parts.db
    app.state.lane = parts.lane
    app.state.parts = parts
    auth_gate.install(app, parts.gate)
    app.state.wallets = parts.cashier
    app.state.exchange = parts.desk
    app.state.transactions = parts.office
    app.state.notices = parts.feed
    app.state.webhooks = parts.courier
    parts.watch_health(app.state.health)
    app.state.measures.append(parts.measure)
    for part in parts.background():
        app.state.stops.append(_background(part))


def _background(run: Callable[[], Any]) -> Callable[[], Any]:
    task = asyncio.ensure_future(run())

    async def stop() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    return stop


DESCRIPTION = """
Hold cryptocurrency, exchange it, pay it out on chain. Amounts are decimal strings, errors are RFC 9457 problems, money
POSTs need an `Idempotency-Key`. To try it here: **Authorize**, give e-mail as username, the password, and the
authenticator's six digits as `client_secret`.
"""


def _openapi(app: FastAPI) -> dict[str, Any]:
    """FastAPI's schema, with problems in their own media type and no trace of its default 422."""
    if app.openapi_schema:
        return app.openapi_schema
    schema = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        separate_input_output_schemas=app.separate_input_output_schemas,
    )
    reference = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for item in schema["paths"].values():
        for operation in item.values():
            problems.tell_edges(operation)
            for status, response in operation.get("responses", {}).items():
                content = response.get("content", {})
                shape = str(content.get("application/json", {}).get("schema", {}))
                if "HTTPValidationError" in shape or shape.endswith("/Problem'}"):
                    response["content"] = {"application/problem+json": reference}
                    if "HTTPValidationError" in shape:
                        response["description"] = "`invalid_request`: Some fields are not as they should be"
                if status.startswith(("4", "5")) and "headers" not in response:
                    response["headers"] = {"X-Request-Id": {"schema": {"type": "string"}}}
    tell_security(app, schema)
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)
    app.openapi_schema = schema
    return schema


def _settle() -> None:
    """What was made until now lives as long as the process: no collection looks at it again, and since requests leave
    few cycles behind, the next ones are far apart."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def serve(settings: Settings, routers: Sequence[str] = tuple(ROUTERS), *, extra: Sequence[APIRouter] = ()) -> None:
    """The process: one uvicorn on the configured host and port, until SIGTERM."""
    import uvicorn

    from tidegate import failpoints, logs

    logs.configure("api")
    if settings.sandboxed:
        failpoints.arm_by(settings.sandbox.directory / "failpoint")
    app = create_app(settings, routers, extra=extra)
    app.state.started = _settle
    config = uvicorn.Config(
        app,
        host=settings.api.host,
        port=settings.api.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        # Open event streams would keep the process for ever.
        timeout_graceful_shutdown=2,
        timeout_keep_alive=20,
        proxy_headers=False,
    )
    uvicorn.Server(config).run()
