"""The worked example of docs/venues.md: an adapter of another distribution, installed and found, keeps the contract."""

import importlib
import subprocess
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.venues.small.toymarket import KEY, SECRET, SmallToymarket
from tests.venues.small.world import SmallWorld
from tests.venues.test_contract import serving
from tidegate.config import VenueSettings
from tidegate.offers import offered
from tidegate.venues.adapter import GROUP, VenueProblem, find, open_venue
from tidegate.venues.contract import VenueContract
from tidegate.venues.port import Rights, Venue

EXAMPLE = Path(__file__).parent / "example_adapter"
TOLD = Rights(trade=True, withdraw=True, taker_fee=Decimal("0.002"))


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The distribution, as anybody would install it, in a folder of its own."""
    folder = tmp_path_factory.mktemp("example")
    uv = Path(sys.executable).parent / "uv"
    command: list[str | Path] = [uv, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--offline"]
    subprocess.run([*command, "--python", sys.executable, "--target", folder, EXAMPLE], check=True)
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    yield folder
    sys.path.remove(str(folder))


def opened(url: str, **told: Any) -> Venue:
    table = {"kind": "toymarket", "rest_url": url, "api_key": KEY, "secret": SECRET, **told}
    return open_venue("toy", VenueSettings.model_validate(table))


class TestToymarket(VenueContract):
    @pytest.fixture
    async def world(self, example: Path) -> AsyncIterator[SmallWorld]:
        small = SmallToymarket()
        async with serving(small) as server:
            venue = opened(server.url)
            yield SmallWorld(venue, "BTC/USDT", server, small.engine, TOLD)
            await venue.close()


def test_the_adapters_own_settings_are_judged_by_the_adapter(example: Path) -> None:
    for wrong in ({"window_ms": 1}, {"window_ms": "long"}, {"unknown": 1}):
        with pytest.raises(VenueProblem, match=r"\[venues.toy\]"):
            opened("http://127.0.0.1:1", options=wrong)
    with pytest.raises(VenueProblem, match="options: this adapter has none"):
        opened("http://127.0.0.1:1", kind="binance", options={"window_ms": 1000})


def test_ours_are_entry_points_like_any_other() -> None:
    assert {"binance", "coinbase", "kraken"} <= offered(GROUP).keys()


def test_an_adapter_that_nobody_offers_is_refused_by_name() -> None:
    with pytest.raises(VenueProblem, match=r"there is no adapter 'mtgox'; there are .*'binance', 'coinbase', 'kraken'"):
        find("mtgox", "toy")


def test_a_name_that_two_distributions_offer_is_nobodys(tmp_path: Path) -> None:
    """Whichever came first would be given the keys."""
    info = tmp_path / "impostor-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: impostor\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tidegate.venues]\nkraken = impostor:ADAPTER\n")
    sys.path.insert(0, str(tmp_path))
    importlib.invalidate_caches()
    try:
        with pytest.raises(VenueProblem, match="'kraken' is offered by impostor and tidegate"):
            find("kraken", "kraken")
    finally:
        sys.path.remove(str(tmp_path))


def test_what_is_no_adapter_is_refused(tmp_path: Path) -> None:
    info = tmp_path / "nothing-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nothing\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tidegate.venues]\nnothing = json:dumps\n")
    sys.path.insert(0, str(tmp_path))
    importlib.invalidate_caches()
    try:
        with pytest.raises(VenueProblem, match="is no tidegate"):
            find("nothing", "toy")
    finally:
        sys.path.remove(str(tmp_path))
