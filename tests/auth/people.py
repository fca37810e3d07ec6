"""People of the tests: what a person does at the door, in their words."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pyotp
from fastapi import APIRouter, FastAPI
from starlette.datastructures import State

from tidegate import problems
from tidegate.auth import gate as gates
from tidegate.auth.routes import router
from tidegate.auth.subject import check_policies

ORIGIN = "http://localhost:8000"
COOKIE = "__Host-sid-8000"
DEVICE = "__Host-device-8000"
OWN_PAGE = {"X-Tidegate": "1", "Sec-Fetch-Site": "same-origin"}
PASSWORD = "a lighthouse keeps no diary"


def build_app(gate: gates.Gate, *more: APIRouter) -> FastAPI:
    """An app of this room's routes and `more`. The routes are made once a run, which takes longer than most tests; whom
    they serve is put there anew."""
    found = _ROUTED.get(ids := tuple(map(id, more)))
    app = found[0] if found is not None else _routed(more)
    _ROUTED[ids] = app, more
    app.state = State()
    gates.install(app, gate)
    return app


_ROUTED: dict[tuple[int, ...], tuple[FastAPI, tuple[APIRouter, ...]]] = {}
"""By the routers' identities; they are kept, so that no other one ever has the same."""


def _routed(more: tuple[APIRouter, ...]) -> FastAPI:
    app = FastAPI()
    problems.install(app)
    for one in (router, *more):
        app.include_router(one, prefix="/api/v1")
    check_policies(app)
    return app


def now() -> datetime:
    return datetime.now(UTC)


class Person:
    """One browser of one user."""

    def __init__(self, http: httpx.AsyncClient, email: str, password: str = PASSWORD) -> None:
        self.http = http
        self.email = email
        self.password = password
        self.cookie = ""
        self.device = ""
        self.seed = ""
        self.recovery_codes: list[str] = []

    async def call(
        self, method: str, path: str, json: Any = None, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """A request of our own page, with this browser's cookies."""
        sent = OWN_PAGE | {"Cookie": self.jar} | (headers or {})
        return await self.http.request(method, f"/api/v1/auth{path}", json=json, headers=sent, **more)

    @property
    def jar(self) -> str:
        kept = {COOKIE: self.cookie, DEVICE: self.device}
        return "; ".join(f"{name}={value}" for name, value in kept.items() if value)

    def keep(self, answer: httpx.Response) -> None:
        """Do what a browser does with Set-Cookie."""
        for header in answer.headers.get_list("set-cookie"):
            name, _, rest = header.partition("=")
            value = rest.partition(";")[0].strip('"')
            if name == COOKIE:
                self.cookie = value
            elif name == DEVICE:
                self.device = value

    async def register(self) -> "Person":
        answer = await self.http.post("/api/v1/auth/register", json={"email": self.email, "password": self.password})
        assert answer.status_code == 201, answer.text
        return self

    async def login(self, code: str | None = None) -> httpx.Response:
        body = {"email": self.email, "password": self.password}
        if code is not None:
            body["totp_code"] = code
        answer = await self.call("POST", "/login", json=body)
        if answer.status_code == 200:
            self.keep(answer)
        return answer

    async def signed_in(self) -> "Person":
        answer = await self.login()
        assert answer.status_code == 200, answer.text
        return self

    async def token(self, code: str | None = None, **form: str) -> httpx.Response:
        data = {"grant_type": "password", "username": self.email, "password": self.password} | form
        if code is not None:
            data["totp_code"] = code
        return await self.http.post("/api/v1/auth/token", data=data)

    async def enrol(self) -> "Person":
        """Sign in and set up an authenticator, with the code of the step before: this step's stays free."""
        if not self.cookie:
            await self.signed_in()
        begun = await self.call("POST", "/totp")
        assert begun.status_code == 201, begun.text
        self.seed = begun.json()["secret"]
        confirmed = await self.call("POST", "/totp/confirm", json={"code": self.code(-1)})
        if confirmed.status_code == 422:  # the step turned between reading the clock and the answer
            confirmed = await self.call("POST", "/totp/confirm", json={"code": self.code(-1)})
        assert confirmed.status_code == 200, confirmed.text
        self.keep(confirmed)
        self.recovery_codes = confirmed.json()["recovery_codes"]
        return self

    def code(self, ahead: int = 0) -> str:
        """What the authenticator shows now, or so many steps from now."""
        step = int(now().timestamp()) // 30 + ahead
        return pyotp.HOTP(self.seed).at(step)


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]
