"""`tidegate listen`: the account's events on a developer's own machine."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from standardwebhooks import Webhook

from tests.auth.people import build_app
from tests.webhooks.conftest import SOON, Owner, Receiver
from tidegate import listen
from tidegate.auth.gate import open_gate
from tidegate.config import Settings
from tidegate.database import Database
from tidegate.http import Outbound
from tidegate.notices import routes
from tidegate.notices.feed import Feed


@pytest.fixture
async def api(db: Database, settings: Settings) -> AsyncIterator[Outbound]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = build_app(open_gate(db, settings), routes.router)
    app.state.notices = Feed(db, settings)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", ws="none"))
    serving = asyncio.ensure_future(server.serve())
    async with asyncio.timeout(SOON):
        while not server.started:
            await asyncio.sleep(0.01)
    door = Outbound(f"http://127.0.0.1:{port}")
    yield door
    await door.close()
    server.should_exit = True
    await serving


async def nobody() -> str:
    raise AssertionError("this account has no authenticator")


async def test_a_developer_gets_signed_what_changes_from_now_on_through_the_end_of_a_token(
    db: Database, ana: Owner, receiver: Receiver, api: Outbound
) -> None:
    login = await listen.sign_in(api, ana.email, ana.password, nobody)
    await ana.change(db, version=1)
    said: list[str] = []
    running = asyncio.ensure_future(
        listen.listen(login, url=receiver.url, secret=None, kinds=["withdrawal"], after=None, say=said.append)
    )
    async with asyncio.timeout(SOON):
        while not said:
            await asyncio.sleep(0.01)
    login.access = "worn out"
    await ana.change(db, "deposit")
    wanted = await ana.change(db, version=2)
    (heard,) = await receiver.until(1)
    async with asyncio.timeout(SOON):
        while len(said) < 2:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    secret = said[0].split()[2]
    assert Webhook(secret).verify(heard.body, heard.headers)["data"]["id"] == str(wanted)
    assert str(wanted) in said[1] and said[1].endswith("-> 204")


async def test_a_wrong_password_is_said_in_the_apis_words(ana: Owner, api: Outbound) -> None:
    with pytest.raises(listen.Refused, match="password"):
        await listen.sign_in(api, ana.email, "not the one that was chosen", nobody)
