"""From settings to venues."""

import pytest

from tidegate.config import Settings
from tidegate.venues.adapter import VenueProblem
from tidegate.venues.binance import Binance
from tidegate.venues.open import open_venues


async def test_each_configured_venue_is_opened_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_CONFIG", "none.toml")
    venues = open_venues(Settings.model_validate({"venues": {"binance": {"taker_fee": "0.00075"}}}))
    (client,) = venues.values()
    assert isinstance(client, Binance)
    assert (client.name, str(client.taker_fee)) == ("binance", "0.00075")
    await client.close()


@pytest.mark.parametrize(
    "url", ["http://api.binance.com", "ftp://127.0.0.1", "api.binance.com", "https://u:p@api.binance.com"]
)
def test_a_key_is_never_sent_in_the_clear(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_CONFIG", "none.toml")
    with pytest.raises(VenueProblem):
        open_venues(Settings.model_validate({"venues": {"binance": {"rest_url": url}}}))
