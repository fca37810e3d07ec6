"""From settings to venues."""

from base64 import b64encode
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.venues.small.kraken import SECRET as KRAKEN_SECRET
from tests.venues.small.world import SmallWorld
from tests.venues.test_coinbase_sign import RFC_SEED
from tests.venues.test_contract import binance_world, coinbase_world, kraken_world
from tidegate.config import Settings, VenueSettings
from tidegate.venues.adapter import Opening, VenueProblem, open_venue
from tidegate.venues.binance import Binance
from tidegate.venues.coinbase import Coinbase
from tidegate.venues.kraken import Kraken
from tidegate.venues.open import open_venues
from tidegate.venues.port import Venue


@pytest.fixture(autouse=True)
def no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_CONFIG", "none.toml")


def opened(**tables: Any) -> dict[str, Venue]:
    return open_venues(Settings.model_validate({"venues": tables}))


async def close(venues: dict[str, Venue]) -> None:
    for venue in venues.values():
        await venue.close()


async def test_each_configured_venue_is_opened_under_its_name() -> None:
    venues = opened(mine={"taker_fee": "0.00075"}, coinbase={"kind": "coinbase"}, kraken={"kind": "kraken"})
    assert [type(one) for one in venues.values()] == [Binance, Coinbase, Kraken]
    assert [one.name for one in venues.values()] == ["mine", "coinbase", "kraken"]
    assert [one.taker_fee for one in venues.values()] == [Decimal("0.00075"), Decimal("0.012"), Decimal("0.004")]
    await close(venues)


async def test_a_venue_that_is_off_is_not_opened() -> None:
    assert opened(binance={"enabled": False, "kind": "nobody-offers-this"}) == {}


@pytest.mark.parametrize(
    "url",
    [
        "http://api.binance.com",
        "ftp://127.0.0.1",
        "api.binance.com",
        "https://u:p@api.binance.com",
        "https://api.binance.com/api/v3",
        "https://api.binance.com?x=1",
    ],
)
@pytest.mark.parametrize("kind", ["binance", "coinbase", "kraken"])
def test_a_key_is_never_sent_in_the_clear_and_a_path_never_goes_unsigned(url: str, kind: str) -> None:
    with pytest.raises(VenueProblem, match=r"\[venues.one\] rest_url"):
        opened(one={"kind": kind, "rest_url": url})


async def test_credentials_come_from_files_and_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("the key\n")
    (tmp_path / "secret").write_text(KRAKEN_SECRET + "\n")
    files = {"kind": "kraken", "api_key_file": tmp_path / "key", "secret_file": tmp_path / "secret"}
    monkeypatch.setenv("TIDEGATE_VENUES__OTHER__API_KEY", "another key")
    settings = Settings.model_validate({"venues": {"kraken": files, "other": {"kind": "binance"}}})
    assert settings.venues["kraken"].read_api_key() == "the key"
    assert settings.venues["kraken"].read_secret() == KRAKEN_SECRET
    assert settings.venues["other"].read_api_key() == "another key"
    await close(open_venues(settings))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"kind": "kraken", "secret": "not base64!"}, "secret: not base64"),
        ({"kind": "coinbase", "secret": "-----BEGIN EC PRIVATE KEY-----"}, "secret: a PEM"),
        ({"kind": "binance", "secret_file": "nowhere/secret"}, "nowhere/secret"),
        ({"kind": "kraken", "options": {"tier": "gold"}}, "tier"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence_without_the_secret(table: Any, said: str) -> None:
    with pytest.raises(VenueProblem, match=r"\[venues.one\]") as told:
        opened(one=table)
    assert said in str(told.value)
    assert "not base64!" not in str(told.value)


def test_what_an_adapter_is_given_prints_without_its_credentials() -> None:
    given = Opening("one", "https://x", "the key", "the secret", Decimal(0), {})
    assert "the key" not in repr(given)
    assert "the secret" not in repr(given)


@pytest.mark.parametrize("world", [binance_world, coinbase_world, kraken_world])
async def test_only_the_pairs_of_the_settings_are_listed(world: Any) -> None:
    async with world() as found:
        small: SmallWorld = found
        client: Any = small.venue
        assert [one.symbol for one in await client.markets()] == [small.symbol]
        client._pairs = ["BTC-USDT"]
        assert [one.symbol for one in await client.markets()] == [small.symbol]
        client._pairs = ["ETH-USDT"]
        assert await client.markets() == []


async def test_an_ed25519_key_opens_coinbase_too() -> None:
    await close(opened(coinbase={"kind": "coinbase", "api_key": "k", "secret": b64encode(RFC_SEED).decode()}))


@pytest.mark.parametrize(
    ("kind", "told", "stream"),
    [
        ("binance", {}, "wss://stream.binance.com:9443"),
        ("binance", {"rest_url": "https://testnet.binance.vision/"}, "wss://stream.testnet.binance.vision"),
        ("coinbase", {}, "wss://advanced-trade-ws.coinbase.com"),
        ("kraken", {}, "wss://ws.kraken.com/v2"),
        ("kraken", {"rest_url": "http://127.0.0.1:9000"}, ""),  # a sandbox's prices are not the real venue's
        (
            "kraken",
            {"rest_url": "https://mirror.example", "stream_url": "wss://mirror.example/v2"},
            "wss://mirror.example/v2",
        ),
        ("kraken", {"stream": False}, ""),
        (
            "kraken",
            {"rest_url": "http://127.0.0.1:9000", "stream_url": "ws://127.0.0.1:9000/v2/"},
            "ws://127.0.0.1:9000/v2",
        ),
    ],
)
async def test_a_stream_belongs_to_the_address_that_is_asked(kind: str, told: dict[str, Any], stream: str) -> None:
    client: Any = open_venue("one", VenueSettings(kind=kind, **told))
    assert client._stream_url == stream
    assert (client.follow(("X",)) is None) == (stream == "")
    await client.close()


@pytest.mark.parametrize("url", ["ws://mirror.example", "https://mirror.example", "wss://key@mirror.example"])
def test_a_stream_in_the_clear_or_with_a_login_is_refused(url: str) -> None:
    with pytest.raises(VenueProblem, match="stream_url"):
        open_venue("one", VenueSettings(kind="binance", stream_url=url))
