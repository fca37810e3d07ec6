"""What every answer carries, what browsers are told, and what is not there."""

import re
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.api.conftest import Door, problem
from tests.stack import free_port
from tidegate import logs, problems, web
from tidegate.brand.appearance import open_appearance
from tidegate.config import BrandSettings
from tidegate.database import Database
from tidegate.venues.line import Line

SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
PATHS = [
    ("GET", "/"),
    ("HEAD", "/"),
    ("GET", "/any/page/of/the/app"),
    ("GET", "/docs"),
    ("GET", "/redoc"),
    ("GET", "/docs/swagger.js"),
    ("GET", "/docs/static/nothing.js"),
    ("GET", "/metrics"),
    ("GET", "/assets/nothing.js"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/api/v1/health/live"),
    ("GET", "/api/v1/nothing"),
    ("POST", "/api/v1/nothing"),
    ("POST", "/"),
    ("GET", "/api/v1/wallets/balances"),
    ("POST", "/api/v1/exchange/quotes"),
    ("DELETE", "/api/v1/exchange/quotes"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_every_answer_carries_the_security_headers_and_an_id_of_its_own(
    door: Door, method: str, path: str
) -> None:
    answer = await door.http.request(method, path)
    for name, value in SECURITY.items():
        assert answer.headers[name] == value, name
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    first = uuid.UUID(answer.headers["x-request-id"])
    again = await door.http.request(method, path, headers={"X-Request-Id": "mine"})
    assert uuid.UUID(again.headers["x-request-id"]) != first, "ours, never the caller's"
    assert answer.status_code < 500 or (method, path) == ("GET", "/api/v1/health/ready")


async def test_what_we_break_carries_them_too_and_tells_nothing() -> None:
    app = FastAPI()
    problems.install(app)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the database password is swordfish")

    app.add_middleware(web.Edge, https=True)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        answer = await http.get("/broken")
    assert problem(answer) == (500, "internal")
    assert "swordfish" not in answer.text
    for name, value in SECURITY.items():
        assert answer.headers[name] == value
    assert answer.headers["strict-transport-security"].startswith("max-age=")


async def test_a_database_that_is_away_is_a_reason_to_come_back_and_not_our_failure() -> None:
    app = FastAPI()
    problems.install(app)
    db = Database(f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/none")

    async def look(connection: "asyncpg.Connection[Any]", keys: Sequence[int]) -> dict[int, int]:
        return {}

    @app.get("/look")
    async def looks() -> None:
        await db.ask(look, 1)

    @app.get("/read")
    async def reads() -> None:
        async with db.reading() as session:
            await session.execute(text("SELECT 1"))

    app.add_middleware(web.Edge, https=False)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        for path in ("/look", "/read"):
            answer = await http.get(path)
            assert problem(answer) == (503, "busy")
            assert int(answer.headers["retry-after"]) > 0
    await db.close()


async def test_a_log_that_takes_nothing_any_more_breaks_no_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = FastAPI()
    problems.install(app)
    app.add_middleware(web.Edge, https=False)
    with (tmp_path / "log").open("w") as gone:
        pass
    monkeypatch.setattr(logs, "_requests", (gone, "api"))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        assert problem(await http.get("/nothing")) == (404, "not_found")


async def test_answers_of_the_api_are_never_kept(door: Door) -> None:
    for path in ("/api/v1/health/live", "/api/v1/nothing", "/api/v1/wallets/balances"):
        assert (await door.http.get(path)).headers["cache-control"] == "no-store"


async def test_without_https_no_browser_is_told_to_insist_on_it(door: Door) -> None:
    assert "strict-transport-security" not in (await door.http.get("/")).headers


# --- what is not there ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v2/wallets/balances", "/api/", "/api", "/api/v1"])
async def test_an_unknown_path_of_the_api_is_a_problem_for_every_method(door: Door, method: str, path: str) -> None:
    assert problem(await door.ask(method, path)) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/api/v1/exchange/quotes", "POST"),
        ("GET", "/api/v1/exchange/quotes", "POST"),
        ("POST", "/api/v1/wallets/balances", "GET"),
        ("PUT", "/api/v1/transactions/withdrawals/" + str(uuid.UUID(int=1)), "GET"),
    ],
)
async def test_a_known_path_says_which_methods_it_has(door: Door, method: str, path: str, allow: str) -> None:
    answer = await door.ask(method, path)
    assert problem(answer) == (405, "method_not_allowed")
    assert allow in answer.headers["allow"]


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/assets/%00",
        "/docs/static/%00",
        "/api/v1/%00",
        "/api/v1/transactions/withdrawals/%00",
        "/" + "a" * 5000,
        "/assets/" + "a" * 5000,
        "/docs/static/" + "a" * 5000,
        "/..%2f..%2fpyproject.toml",
        "/%2e%2e/%2e%2e/config.py",
        "/assets/..%2f..%2fconfig.py",
        "/%ff%fe",
        "//",
        "/\u202e",
    ],
)
async def test_no_path_breaks_anything_or_shows_a_file_of_ours(door: Door, path: str) -> None:
    answer = await door.http.get(path)
    assert answer.status_code < 500 or answer.text.startswith("The page is not built")
    assert "requires-python" not in answer.text
    assert "import " not in answer.text[:2000]


@pytest.mark.parametrize(
    "query",
    ["?reference=%00", "?asset=%00", "?cursor=%00", "?cursor=AAAA", "?limit=0", "?limit=201", "?limit=1e3", "?limit=١"],
)
async def test_no_query_breaks_a_list(door: Door, query: str) -> None:
    status, _ = problem(await door.ask("GET", f"/api/v1/transactions{query}"))
    assert status in (400, 422)


# --- the page ------------------------------------------------------------------------------------------------------


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page as the build leaves it: two places to fill, a script, a translation."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "app.js").write_text("export {}")
    (tmp_path / "mark.svg").write_text("<svg/>")
    (tmp_path / "index.html").write_text(
        '<html><meta property="csp-nonce" nonce="__CSP_NONCE__"><script type="application/json">__CONFIG__</script></html>'
    )
    monkeypatch.setattr(web, "WEB", tmp_path)
    return tmp_path


async def test_the_shell_has_a_fresh_nonce_and_its_policy_names_exactly_that(door: Door, built: Path) -> None:
    seen = set()
    for path in ("/", "/status/1", "/index.html"):
        answer = await door.http.get(path)
        assert answer.status_code == 200
        (nonce,) = re.findall(r'nonce="([^"]+)"', answer.text)
        policy = answer.headers["content-security-policy"]
        assert f"'nonce-{nonce}'" in policy
        assert "unsafe" not in policy
        assert "script-src 'self';" in policy
        assert "http:" not in policy
        assert "https:" not in policy
        assert answer.headers["cache-control"] == "no-store"
        seen.add(nonce)
    assert len(seen) == 3


async def test_the_shells_configuration_cannot_end_its_script(door: Door, built: Path) -> None:
    settings = door.app.state.settings.model_copy(update={"brand": BrandSettings(name="</script><script>alert(1)")})
    text = bytes(web.shell(open_appearance(settings)).body).decode()
    assert text.count("</script>") == 1
    assert "\\u003c/script>" in text


async def test_head_of_the_page_works(door: Door, built: Path) -> None:
    answer = await door.http.head("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


async def test_other_files_of_the_page_are_served_as_what_they_are(door: Door, built: Path) -> None:
    assert (await door.http.get("/mark.svg")).headers["content-type"] == "image/svg+xml"


# --- the docs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_docs_ask_nobody_else_for_anything(door: Door, path: str) -> None:
    page = await door.http.get(path)
    assert page.status_code == 200
    asked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert asked
    for one in asked:
        assert one.startswith(("/", "data:")), one
        assert not one.startswith("//")
        if one.startswith("/docs"):
            assert (await door.http.get(one)).status_code == 200, one
    policy = page.headers["content-security-policy"]
    assert "connect-src 'self'" in policy
    assert "script-src 'self'" in policy
    assert "http:" not in policy


async def test_metrics_count_by_route_and_not_by_what_was_asked_for(door: Door) -> None:
    await door.http.get(f"/api/v1/transactions/withdrawals/{uuid.uuid4()}")
    text = (await door.http.get("/metrics")).text
    assert '/transactions/withdrawals/{withdrawal_id}"' in text
    assert re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", text) is None


async def test_metrics_and_health_say_which_venue_is_not_called_just_now(door: Door) -> None:
    (measure,) = door.app.state.measures
    parts = measure.__self__
    name, line = "binance", Line("http://127.0.0.1:1", name="binance")
    parts.venues[name] = line
    try:
        assert f'tidegate_venue_open{{venue="{name}"}} 1.0' in (await door.http.get("/metrics")).text
        line.hush(30)
        assert f'tidegate_venue_open{{venue="{name}"}} 0.0' in (await door.http.get("/metrics")).text
        assert await parts._venue(name)() == (False, "told to wait; asked again in 30 s")
    finally:
        del parts.venues[name]
        await line.close()


async def test_metrics_say_how_far_the_reading_of_each_network_is_behind(door: Door) -> None:
    async with door.app.state.database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO scan_cursors (network, cursor, fit, reason, height, scanned_height, asked_at, scanned_at,"
                " version) VALUES ('bitcoin', NULL, true, '', 107, 100, now(), now() - interval '90 seconds', 1),"
                " ('ethereum', NULL, false, 'away', NULL, NULL, now(), NULL, 0)"
            )
        )
    said = (await door.http.get("/metrics")).text
    assert 'tidegate_scan_blocks_behind{network="bitcoin"} 7.0' in said
    assert 90 <= float(said.partition('tidegate_scan_age_seconds{network="bitcoin"} ')[2].split()[0]) < 150
    assert 'tidegate_node_fit{network="ethereum"} 0.0' in said
    assert 'tidegate_scan_age_seconds{network="ethereum"} +Inf' in said
    door.app.state.health._last = None  # it answers from memory for two seconds
    ready = {one["name"]: one for one in (await door.http.get("/api/v1/health/ready")).json()["dependencies"]}
    assert (ready["deposits:bitcoin"]["up"], ready["deposits:bitcoin"]["required"]) == (False, False)
    assert "for a while" in ready["deposits:bitcoin"]["detail"]
