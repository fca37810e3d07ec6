"""`tidegate listen`: the account's events, posted to a developer's own machine as a webhook would be.

It reads the event log over the public API as its owner, so it needs no way in from outside and no configuration.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import typer

from tidegate.database import utcnow
from tidegate.http import Answer, NoAnswer, NotSent, Outbound
from tidegate.webhooks import rules
from tidegate.webhooks.rules import Message

LOOK_SECONDS = 1.0
"""How often the log is read when nothing new was in it."""
_NEWEST = 2**62
"""A sequence that no account reaches: the log answers where it ends."""
_FORM = {"content-type": "application/x-www-form-urlencoded"}

Say = Callable[[str], None]
Code = Callable[[], Awaitable[str]]


class Refused(Exception):
    """The API said no; the text is its own."""


@dataclass(slots=True)
class Login:
    """An access token, kept fresh while there is a way to."""

    api: Outbound
    access: str
    refresh: str | None = None

    async def get(self, target: str) -> Any:
        """An answer's JSON. Raises Refused, and what Outbound raises."""
        answer = await self._get(target)
        if answer.status == 401 and self.refresh is not None:
            await self._renew()
            answer = await self._get(target)
        return _read(answer)

    async def _get(self, target: str) -> Answer:
        return await self.api.call("GET", f"/api/v1{target}", headers={"authorization": f"Bearer {self.access}"})

    async def _renew(self) -> None:
        body = json.dumps({"refresh_token": self.refresh}).encode()
        answer = await self.api.call(
            "POST", "/api/v1/auth/token/refresh", content=body, headers={"content-type": "application/json"}
        )
        found = _read(answer)
        self.access, self.refresh = found["access_token"], found["refresh_token"]


async def sign_in(api: Outbound, email: str, password: str, code: Code) -> Login:
    """By e-mail, password and, where the account has one, the authenticator's code. Raises Refused."""
    form = {"grant_type": "password", "username": email, "password": password}
    answer = await _token(api, form)
    while _code_of(answer) in ("mfa_required", "code_already_used"):
        if _code_of(answer) == "code_already_used":
            await asyncio.sleep(json.loads(answer.body)["retry_after"])
        answer = await _token(api, form | {"totp_code": await code()})
    found = _read(answer)
    return Login(api, found["access_token"], found["refresh_token"])


async def _token(api: Outbound, form: Mapping[str, str]) -> Answer:
    return await api.call("POST", "/api/v1/auth/token", content=urlencode(form).encode(), headers=_FORM)


def _code_of(answer: Answer) -> str | None:
    return None if answer.status < 400 else json.loads(answer.body).get("code")


def _read(answer: Answer) -> Any:
    try:
        body = json.loads(answer.body)
    except ValueError:
        raise Refused(f"HTTP {answer.status}, and no JSON: is this the API?") from None
    if answer.status >= 400:
        raise Refused(body.get("detail") or body.get("title") or f"HTTP {answer.status}")
    return body


async def newest(login: Login) -> int:
    """The sequence of the account's last event."""
    found: int = (await login.get(f"/events/log?after={_NEWEST}"))["next_after"]
    return found


async def follow(login: Login, *, after: int, say: Say) -> AsyncIterator[dict[str, Any]]:
    """The account's events after `after`, in order and without gaps; for ever."""
    while True:
        try:
            page = await login.get(f"/events/log?after={after}&limit=200")
        except (NotSent, NoAnswer) as error:
            say(f"The API does not answer ({error}); asking again.")
            await asyncio.sleep(LOOK_SECONDS)
            continue
        if page["reset"]:
            say("Some events are older than the log keeps: read everything anew.")
        for one in page["items"]:
            yield one
        after = page["next_after"]
        if not page["items"]:
            await asyncio.sleep(LOOK_SECONDS)


class Forward:
    """Posts events to one URL, signed with `secret`."""

    def __init__(self, url: str, secret: bytes) -> None:
        parts = urlsplit(url)
        self._door = Outbound(f"{parts.scheme}://{parts.netloc}", timeout=15.0, max_bytes=rules.ANSWER_BYTES, cut=True)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._secret = secret

    async def send(self, event: Mapping[str, Any]) -> str:
        """One try; what came of it, in words."""
        body = rules.payload(
            kind=event["kind"],
            object_id=event["id"],
            version=event["version"],
            sequence=event["sequence"],
            at=datetime.fromisoformat(event["at"]),
        )
        message = Message(f"msg_listen_{event['sequence']}", body)
        headers = rules.headers(message, secrets=[self._secret], now=utcnow())
        try:
            answer = await self._door.call("POST", self._target, content=body.encode(), headers=headers)
        except NotSent as error:
            return f"nobody took the connection ({error})"
        except NoAnswer as error:
            return f"no complete answer ({error})"
        return str(answer.status)

    async def close(self) -> None:
        await self._door.close()


async def listen(login: Login, *, url: str, secret: str | None, kinds: list[str], after: int | None, say: Say) -> None:
    """Until it is interrupted, or the account's session ends (Refused)."""
    key = rules.secret_of(secret) if secret else secrets.token_bytes(rules.SECRET_BYTES)
    after = await newest(login) if after is None else after
    forward = Forward(url, key)
    say(f"Signed with {rules.secret_text(key)}\nForwarding to {url}. Ctrl-C ends it.")
    try:
        async for event in follow(login, after=after, say=say):
            if kinds and event["kind"] not in kinds:
                continue
            came = await forward.send(event)
            at = datetime.fromisoformat(event["at"]).astimezone().strftime("%H:%M:%S")
            say(f"{at}  #{event['sequence']:<6} {event['kind']:<12} {event['id']}  v{event['version']}  -> {came}")
    finally:
        await forward.close()


async def run(
    url: str, origin: str, email: str, data: Path | None, *, secret: str, kinds: list[str], after: int | None
) -> int:
    """The command. With a sandbox's `data` folder a demo customer signs in by what lies there, else a person is asked."""
    password = None
    if data is not None:
        ready = json.loads((data / "ready.json").read_text())
        origin = ready["url"]
        person = next((one for one in ready["demo"] if one["email"] == email or not email), None)
        if person is not None:
            email, password = person["email"], person["password"]
    email = email or typer.prompt("E-mail")
    api = Outbound(origin)
    try:
        password = password or typer.prompt("Password", hide_input=True)
        login = await sign_in(api, email, password, _demo_code(api, email) if data is not None else _asked_code)
        await listen(login, url=url, secret=secret or None, kinds=kinds, after=after, say=typer.echo)
    except (Refused, NotSent, NoAnswer, ValueError) as error:
        typer.echo(f"{error}", err=True)
        return 1
    finally:
        await api.close()
    return 0


async def _asked_code() -> str:
    code: str = await asyncio.to_thread(typer.prompt, "Code of the authenticator")
    return code


def _demo_code(api: Outbound, email: str) -> Code:
    async def code() -> str:
        shown = _read(await api.call("GET", "/api/v1/sandbox/authenticator"))["items"]
        return next((str(one["code"]) for one in shown if one["email"] == email), "")

    return code
