"""The live stream through a real server: what was missed, what comes, and when it ends."""

import asyncio
import json
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import text

from tests.auth.people import Person, build_app, problem
from tidegate.auth.gate import open_gate
from tidegate.config import Settings
from tidegate.database import Database, new_id, ride
from tidegate.http import tls
from tidegate.notices import log, routes, stream
from tidegate.notices.feed import Feed
from tidegate.outbox.events import EventKind, changed

SOON = 10.0
"""Seconds within which everything here has to happen."""


@dataclass
class Served:
    app: FastAPI
    feed: Feed
    server: uvicorn.Server
    url: str


@pytest.fixture
async def served(db: Database, settings: Settings) -> AsyncIterator[Served]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    api = settings.api.model_copy(update={"port": port, "public_url": f"http://localhost:{port}"})
    settings = settings.model_copy(update={"api": api})
    app = build_app(open_gate(db, settings), routes.router)
    feed = Feed(db, settings)
    app.state.notices = feed
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", ws="none", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    running = asyncio.ensure_future(feed.run())
    serving = asyncio.ensure_future(server.serve())
    async with asyncio.timeout(SOON):
        while not (server.started and feed.connected):
            await asyncio.sleep(0.01)
    yield Served(app, feed, server, f"http://127.0.0.1:{port}")
    feed.close()
    server.should_exit = True
    await serving
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def http(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=tls(), base_url=served.url, timeout=SOON) as client:
        yield client


class Reader(Person):
    """A program with a bearer token and an open stream."""

    access = ""
    user_id = uuid.UUID(int=0)

    async def open_session(self, db: Database) -> "Reader":
        await self.register()
        self.access = (await self.token()).json()["access_token"]
        async with db.reading() as session:
            found = await session.scalar(text("SELECT id FROM users WHERE email_canonical = :e"), {"e": self.email})
        self.user_id = uuid.UUID(str(found))
        return self

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access}"}

    @asynccontextmanager
    async def stream(self, last: int | str | None = None) -> AsyncIterator["Events"]:
        headers = self.bearer | ({"Last-Event-ID": str(last)} if last is not None else {})
        async with self.http.stream("GET", "/api/v1/events", headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            assert answer.headers["content-type"].startswith("text/event-stream")
            events = Events(answer)
            await events.block()  # the greeting: from here on nothing is missed
            yield events


class Events:
    """Blocks of a stream, parsed."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def block(self) -> dict[str, str]:
        found: dict[str, str] = {}
        async with asyncio.timeout(SOON):
            async for line in self._lines:
                if not line:
                    return found
                name, _, value = line.partition(": ")
                found[name] = value
        raise EOFError

    async def until_the_end(self) -> None:
        """Whatever still comes, and then that nothing comes."""
        with suppress(EOFError):
            while True:
                await self.next()

    async def next(self) -> dict[str, Any]:
        """The next event that is no ping. EOFError at the end."""
        while True:
            found = await self.block()
            if "event" in found:
                return found | {"data": json.loads(found["data"])}


async def change(db: Database, reader: Reader, version: int = 1, kind: EventKind = "deposit") -> uuid.UUID:
    object_id = new_id()
    async with db.transaction() as session:
        await ride(session, [changed(reader.user_id, kind, object_id, version)])
    return object_id


async def last_of(db: Database, reader: Reader) -> int:
    async with db.reading() as session:
        found = await session.scalar(text("SELECT last FROM event_counters WHERE user_id = :u"), {"u": reader.user_id})
    return int(found or 0)


@pytest.fixture
async def ana(http: httpx.AsyncClient, db: Database) -> Reader:
    return await Reader(http, "ana@demo.example").open_session(db)


@pytest.fixture
async def ben(http: httpx.AsyncClient, db: Database) -> Reader:
    return await Reader(http, "ben@demo.example").open_session(db)


async def test_a_committed_change_arrives_with_its_sequence_as_id(db: Database, ana: Reader) -> None:
    async with ana.stream() as events:
        object_id = await change(db, ana, version=3)
        found = await events.next()
        last = await last_of(db, ana)
    assert (found["event"], found["id"]) == ("change", str(last))
    told = {"kind": "deposit", "id": str(object_id), "version": 3, "sequence": last, "standing": None}
    assert found["data"] == told


async def test_a_change_that_was_rolled_back_is_never_told(db: Database, ana: Reader) -> None:
    async with ana.stream() as events:
        async with db.transaction() as session:
            await ride(session, [changed(ana.user_id, "deposit", new_id(), 1)])
            await session.rollback()
            await session.begin()
        kept = await change(db, ana, version=2)
        assert (await events.next())["data"]["id"] == str(kept)


async def test_many_changes_at_once_arrive_all_and_in_order(db: Database, ana: Reader) -> None:
    before = await last_of(db, ana)
    async with ana.stream() as events:
        await asyncio.gather(*(change(db, ana) for _ in range(30)))
        found = [(await events.next())["data"]["sequence"] for _ in range(30)]
    assert found == list(range(before + 1, before + 31))


async def test_every_stream_of_a_user_hears_and_no_other_users_does(db: Database, ana: Reader, ben: Reader) -> None:
    async with ana.stream() as one, ana.stream() as two, ben.stream() as other:
        first = await change(db, ana)
        theirs = await change(db, ben)
        assert (await one.next())["data"]["id"] == str(first)
        assert (await two.next())["data"]["id"] == str(first)
        assert (await other.next())["data"]["id"] == str(theirs)


async def test_a_reader_who_was_away_gets_what_it_missed_then_what_comes(db: Database, ana: Reader) -> None:
    have = await last_of(db, ana)
    missed = [await change(db, ana) for _ in range(stream.BATCH + 5)]
    async with ana.stream(last=have) as events:
        found = [(await events.next())["data"]["id"] for _ in missed]
        later = await change(db, ana)
        assert (await events.next())["data"]["id"] == str(later)
    assert found == [str(one) for one in missed]


@pytest.mark.parametrize("gone", ["old", "forgotten", "never given"])
async def test_a_reader_who_missed_too_much_is_told_to_start_anew(
    db: Database, superuser_db: Database, ana: Reader, gone: str
) -> None:
    have = await last_of(db, ana)
    for _ in range(3):
        await change(db, ana)
    if gone == "old":
        async with superuser_db.transaction() as session:
            await session.execute(
                text("UPDATE events SET at = at - interval '8 days' WHERE user_id = :u"), {"u": ana.user_id}
            )
    if gone == "forgotten":
        async with superuser_db.transaction() as session:
            await session.execute(
                text("UPDATE events SET at = at - interval '8 days' WHERE sequence <= :s"), {"s": have + 1}
            )
        await log.forget(db)
    asked = have + 1000 if gone == "never given" else have
    async with ana.stream(last=asked) as events:
        found = await events.next()
        last = await last_of(db, ana)
        assert (found["event"], found["id"], found["data"]) == ("reset", str(last), {"sequence": last})
        later = await change(db, ana)
        assert (await events.next())["data"]["id"] == str(later)


async def test_a_header_that_is_no_number_starts_now(db: Database, ana: Reader) -> None:
    await change(db, ana)
    async with ana.stream(last="'; DROP TABLE events") as events:
        fresh = await change(db, ana)
        assert (await events.next())["data"]["id"] == str(fresh)


async def test_a_browser_streams_with_its_cookie(db: Database, ana: Reader) -> None:
    await ana.signed_in()
    cookie = {"Cookie": f"__Host-sid-{httpx.URL(str(ana.http.base_url)).port}={session_cookie(ana)}"}
    async with ana.http.stream("GET", "/api/v1/events", headers=cookie) as answer:
        assert answer.status_code == 200
        events = Events(answer)
        await events.block()
        object_id = await change(db, ana)
        assert (await events.next())["data"]["id"] == str(object_id)


def session_cookie(reader: Reader) -> str:
    return (
        next(value for name, value in reader.http.cookies.items() if name.startswith("__Host-sid"))
        if not reader.cookie
        else reader.cookie
    )


async def test_nobody_streams_without_signing_in(http: httpx.AsyncClient) -> None:
    assert problem(await http.get("/api/v1/events")) == (401, "unauthenticated")
    assert problem(await http.get("/api/v1/events/log")) == (401, "unauthenticated")


async def test_signing_out_everywhere_ends_the_stream(db: Database, ana: Reader) -> None:
    async with ana.stream() as events:
        answer = await ana.http.post("/api/v1/auth/logout-everywhere", headers=ana.bearer)
        assert answer.status_code in (200, 204), answer.text
        # The news that the account changed may come first; then it ends.
        await events.until_the_end()


async def test_a_session_revoked_behind_our_back_ends_the_stream_at_the_next_look(
    db: Database, ana: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "ALIVE_SECONDS", 0.2)
    async with ana.stream() as events:
        async with db.transaction() as session:
            await session.execute(text("UPDATE sessions SET revoked_at = now() WHERE user_id = :u"), {"u": ana.user_id})
        with pytest.raises(EOFError):
            await events.next()


async def test_a_lost_listening_connection_is_made_anew_and_nothing_is_missed(
    db: Database, served: Served, ana: Reader
) -> None:
    async with ana.stream() as events:
        async with db.transaction() as session:
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tidegate-feed' AND datname = current_database()"
                )
            )
        object_id = await change(db, ana)
        assert (await events.next())["data"]["id"] == str(object_id)
        async with asyncio.timeout(SOON):
            while not served.feed.connected:
                await asyncio.sleep(0.02)
        object_id = await change(db, ana)
        assert (await events.next())["data"]["id"] == str(object_id)


async def test_closing_ends_every_stream_at_once_and_takes_no_more(served: Served, ana: Reader) -> None:
    async with ana.stream() as events:
        served.feed.close()
        with pytest.raises(EOFError):
            await events.next()
    assert problem(await ana.http.get("/api/v1/events", headers=ana.bearer)) == (503, "busy")


async def test_a_stream_too_many_is_refused_and_a_closed_one_makes_room(
    served: Served, ana: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.notices.feed.MOST_OF_ONE", 1)
    async with ana.stream():
        assert problem(await ana.http.get("/api/v1/events", headers=ana.bearer)) == (503, "busy")
    async with asyncio.timeout(SOON):
        while served.feed.full(ana.user_id):
            await asyncio.sleep(0.02)
    async with ana.stream():
        pass


async def test_the_log_is_read_in_order_from_where_one_stopped(db: Database, ana: Reader) -> None:
    have = await last_of(db, ana)
    made = [str(await change(db, ana)) for _ in range(5)]
    found, after = [], have
    while True:
        page = (
            await ana.http.get("/api/v1/events/log", params={"after": after, "limit": 2}, headers=ana.bearer)
        ).json()
        if not page["items"]:
            break
        assert page["reset"] is False
        found += [one["id"] for one in page["items"]]
        after = page["next_after"]
    assert (found, after) == (made, have + 5)
    beyond = (await ana.http.get("/api/v1/events/log", params={"after": 10**9}, headers=ana.bearer)).json()
    assert (beyond["items"], beyond["reset"], beyond["next_after"]) == ([], True, have + 5)
