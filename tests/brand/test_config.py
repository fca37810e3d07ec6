"""`/config`, `/locales` and `/brand`: what an operator changes without a build, over HTTP."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tidegate import problems, web
from tidegate.auth.subject import check_policies
from tidegate.brand import appearance, routes
from tidegate.config import BrandSettings, FeatureSettings, Settings

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16
Open = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "brand"
    (found / "locales" / "de").mkdir(parents=True)
    (found / "faces").mkdir()
    (found / "logo-light.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (found / "icon.png").write_bytes(PNG)
    (found / "faces" / "Inter-variable.woff2").write_bytes(b"wOF2")
    (found / "custom.css").write_text("h1 { letter-spacing: 0 }")
    (found / "locales" / "de" / "app.json").write_text(json.dumps({"nav": {"home": "Start"}}))
    return found


@pytest.fixture
def shown(settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """An app with this brand, spoken to over HTTP."""
    shipped = Path(__file__).parents[2] / "frontend" / "public" / "locales"
    monkeypatch.setattr(appearance, "SHIPPED", shipped)

    @asynccontextmanager
    async def open_it(**brand: Any) -> AsyncIterator[httpx.AsyncClient]:
        chosen = BrandSettings.model_validate({"directory": folder, "face": "Inter", **brand})
        app = FastAPI()
        problems.install(app)
        app.state.appearance = appearance.open_appearance(settings.model_copy(update={"brand": chosen}))
        app.include_router(routes.router, prefix="/api/v1")
        check_policies(app)
        web.mount(app, app.state.appearance)
        app.add_middleware(web.Edge, https=False)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as http:
            yield http

    return open_it


async def test_the_page_is_told_everything_in_one_answer_that_is_sent_once(shown: Open) -> None:
    async with shown(name="Acme", primary="#7A1FA2", notice={"text": "Maintenance at 22:00."}) as http:
        answer = await http.get("/api/v1/config")
        told = answer.json()
        assert told["brand"]["name"] == "Acme"
        assert told["theme"]["light"]["deep"] == "#7A1FA2"
        assert told["theme"]["schema_version"] == 1
        assert told["notice"] == {"text": "Maintenance at 22:00.", "tone": "plain"}
        assert {one["asset"] for one in told["assets"]} >= {"BTC", "USDT"}
        assert [one["network"] for one in told["networks"]] == ["bitcoin", "ethereum"]
        again = await http.get("/api/v1/config", headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
        assert again.content == b""
        assert (await http.get("/api/v1/config", headers={"If-None-Match": '"other"'})).status_code == 200


async def test_files_of_the_operator_are_served_by_their_content_and_nothing_else_is(shown: Open, folder: Path) -> None:
    (folder.parent / "secret.svg").write_text("<svg/>")
    async with shown() as http:
        brand = (await http.get("/api/v1/config")).json()["brand"]
        logo = await http.get(brand["logo_light"])
        assert logo.headers["content-type"] == "image/svg+xml"
        assert "sandbox" in logo.headers["content-security-policy"], "an image that is opened runs nothing"
        assert "immutable" in logo.headers["cache-control"]
        assert (await http.get("/brand/logo-light.svg")).headers["cache-control"] == "no-cache"
        sheet = await http.get(brand["stylesheet"])
        assert sheet.headers["content-type"].startswith("text/css")
        assert sheet.text.startswith("@layer custom")
        for path in (
            "/brand/../secret.svg",
            "/brand/%2e%2e/secret.svg",
            "/brand/locales/de/app.json",
            "/brand/",
            "/brand/x",
        ):
            assert (await http.get(path)).status_code == 404 or "<html" in (await http.get(path)).text, path


async def test_words_of_an_operator_lie_over_ours_and_english_under_both(shown: Open) -> None:
    async with shown() as http:
        english = (await http.get("/api/v1/locales/en/app")).json()
        german = (await http.get("/api/v1/locales/de/app")).json()
        assert german["nav"]["home"] == "Start"
        assert german["nav"]["pay"] == english["nav"]["pay"]
        long = (await http.get("/api/v1/locales/en-XA/app")).json()
        assert long["nav"]["home"].startswith("[")
        assert (await http.get("/api/v1/locales/ar-XB/app")).json() == english


@pytest.mark.parametrize("path", ["fr/app", "en/nothing", "en/..", "../en/app", "en/app.json"])
async def test_words_that_are_not_there_are_a_404_problem(shown: Open, path: str) -> None:
    async with shown() as http:
        answer = await http.get(f"/api/v1/locales/{path}")
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("application/problem+json")


async def test_languages_are_those_with_files_or_those_named_with_their_direction(shown: Open, folder: Path) -> None:
    (folder / "locales" / "he").mkdir()
    (folder / "locales" / "he" / "app.json").write_text("{}")
    async with shown() as http:
        found = (await http.get("/api/v1/config")).json()["languages"]
        assert [(one["tag"], one["direction"]) for one in found] == [
            ("en", "ltr"), ("de", "ltr"), ("he", "rtl"), ("ar-XB", "rtl"), ("en-XA", "ltr"),
        ]  # fmt: skip
    async with shown(languages=["de", "en"]) as http:
        assert [one["tag"] for one in (await http.get("/api/v1/config")).json()["languages"]] == ["de", "en"]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda folder: (folder / "custom.css").write_text("@import 'x';"), "custom.css: line 1: @import"),
        (lambda folder: (folder / "page.html").write_text("<script>"), "page.html"),
        (lambda folder: (folder / "logo.png").write_text("<svg>"), "not what its name says"),
        (lambda folder: (folder / "big.svg").write_text(" " * 600_000), "larger than"),
        (lambda folder: (folder / "out.svg").symlink_to("/etc/hostname"), "leads out"),
        (lambda folder: (folder / "faces" / "Besley-400.woff2").write_bytes(b"wOF2"), "`face` or `heading_face`"),
    ],
)
def test_what_cannot_be_shown_stops_the_start_with_a_sentence(
    settings: Settings, folder: Path, spoil: Callable[[Path], object], why: str
) -> None:
    spoil(folder)
    chosen = BrandSettings(directory=folder, face="Inter")
    with pytest.raises(SystemExit, match=why):
        appearance.open_appearance(settings.model_copy(update={"brand": chosen}))


@pytest.mark.parametrize(
    ("brand", "why"),
    [
        ({"schema_version": 2}, "schema_version 2"),
        ({"primary": "#FFD400", "contrast": "refuse"}, "at least 4.5"),
        ({"languages": ["fr"]}, "no words for fr"),
        ({"directory": "/nowhere"}, "no directory"),
    ],
)
def test_a_brand_that_cannot_be_is_refused_at_start(settings: Settings, brand: dict[str, Any], why: str) -> None:
    with pytest.raises(SystemExit, match=why):
        appearance.open_appearance(settings.model_copy(update={"brand": BrandSettings.model_validate(brand)}))


@pytest.mark.parametrize(
    "brand",
    [
        {"links": {"support": "http://plain.example"}},
        {"links": {"terms": "javascript:alert(1)"}},
        {"primary": "red"},
        {"face": "x; } body { display: none"},
        {"colour": "#000000"},
    ],
)
def test_settings_that_no_page_could_show_are_refused(brand: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"brand|String|Extra|pattern"):
        BrandSettings.model_validate(brand)


def test_an_explorer_is_https_and_says_where_the_id_goes(settings: Settings) -> None:
    network = settings.networks["bitcoin"].model_dump()
    for url in ("http://explorer.example/{txid}", "https://explorer.example/", "javascript:{txid}"):
        with pytest.raises(ValueError, match="explorer_tx_url"):
            type(settings.networks["bitcoin"]).model_validate({**network, "explorer_tx_url": url})


def test_every_feature_of_the_settings_is_told(settings: Settings) -> None:
    off = FeatureSettings(conversions=False)
    found = appearance.open_appearance(settings.model_copy(update={"features": off}))
    assert found.config.features.model_dump() == off.model_dump()
