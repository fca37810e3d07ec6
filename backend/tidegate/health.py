"""Health by dependency: each named, each with a sentence; asked at most every two seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from tidegate.auth.subject import allow
from tidegate.wire import Out

router = APIRouter(prefix="/health", tags=["health"], dependencies=[Depends(allow("public"))])

_FRESH = 2.0
_DEADLINE = 4.0


class Dependency(Out):
    name: str = Field(examples=["database", "bitcoin", "signer"])
    up: bool
    required: bool = Field(description="Without it this process answers 503; the others are waited for")
    detail: str


class LiveOut(Out):
    live: bool


class ReadyOut(Out):
    ready: bool
    dependencies: list[Dependency]


class Health:
    """Named checks; each returns (up, a sentence) and never raises for long."""

    def __init__(self) -> None:
        self._checks: dict[str, tuple[bool, Callable[[], Awaitable[tuple[bool, str]]]]] = {}
        self._last: tuple[float, list[Dependency]] | None = None
        self._lock = asyncio.Lock()

    def add(self, name: str, check: Callable[[], Awaitable[tuple[bool, str]]], *, required: bool = False) -> None:
        self._checks[name] = (required, check)

    async def look(self) -> list[Dependency]:
        async with self._lock:
            if self._last and time.monotonic() - self._last[0] < _FRESH:
                return self._last[1]
            found = await asyncio.gather(*(self._one(name) for name in self._checks))
            self._last = (time.monotonic(), list(found))
            return self._last[1]

    async def _one(self, name: str) -> Dependency:
        required, check = self._checks[name]
        # The check itself is never cancelled (it may hold a connection); only we stop waiting for it.
        task = asyncio.ensure_future(check())
        done, _ = await asyncio.wait([task], timeout=_DEADLINE)
        if not done:
            task.add_done_callback(lambda t: t.cancelled() or t.exception())
            return Dependency(name=name, up=False, required=required, detail="no answer in time")
        error = task.exception()
        if error is not None:
            return Dependency(name=name, up=False, required=required, detail=type(error).__name__)
        up, detail = task.result()
        return Dependency(name=name, up=up, required=required, detail=detail)


async def the_health(request: Request) -> Health:
    found: Health = request.app.state.health
    return found


@router.get("/live", operation_id="health_live")
async def live() -> LiveOut:
    """This process runs."""
    return LiveOut(live=True)


@router.get("/ready", operation_id="health_ready", response_model=ReadyOut, responses={503: {"model": ReadyOut}})
async def ready(health: Annotated[Health, Depends(the_health)]) -> Response:
    """200 when every required dependency is up, else 503; all of them by name either way."""
    found = await health.look()
    whole = all(one.up for one in found if one.required)
    body = ReadyOut(ready=whole, dependencies=found).model_dump(mode="json")
    return JSONResponse(body, status_code=200 if whole else 503, headers={} if whole else {"Retry-After": "1"})
