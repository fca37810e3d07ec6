"""What the doctor says of each venue's credentials."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.venues.running import ACCOUNTS, Running
from tests.venues.small.server import Server
from tests.venues.small.world import SmallWorld
from tests.venues.test_contract import binance_world, coinbase_world, kraken_world
from tidegate.config import Settings
from tidegate.venues.open import open_venues
from tidegate.venues.port import Rights
from tidegate.venues.rights import complaints, judged


@pytest.fixture
async def worlds(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, SmallWorld]]:
    monkeypatch.setenv("TIDEGATE_CONFIG", "none.toml")
    async with AsyncExitStack() as stack:
        yield {
            "binance": await stack.enter_async_context(binance_world()),
            "coinbase": await stack.enter_async_context(coinbase_world()),
            "kraken": await stack.enter_async_context(kraken_world()),
        }


async def said(worlds: dict[str, SmallWorld], **told: Any) -> list[str]:
    table = {name: {"kind": name, "api_key": "k", "taker_fee": "0.002", **told} for name in worlds}
    settings = Settings.model_validate({"venues": table})
    for world in worlds.values():
        world.venue.taker_fee = Decimal(told.get("taker_fee", "0.002"))
    return await complaints(settings, {name: world.venue for name, world in worlds.items()})


async def test_a_trade_key_that_can_withdraw_is_warned_about_at_every_venue(worlds: dict[str, SmallWorld]) -> None:
    found = await said(worlds)
    assert [line.partition(":")[0] for line in found] == ["binance", "coinbase", "kraken"]
    assert all("the trade key can withdraw" in line for line in found)


async def test_a_key_that_is_meant_to_withdraw_is_well_and_one_that_cannot_is_told(
    worlds: dict[str, SmallWorld],
) -> None:
    assert await said(worlds, withdrawals=True) == []
    for world in worlds.values():
        small: Any = world.server.venue
        small.may_withdraw = False
    assert await said(worlds) == []
    assert ["may not withdraw" in line for line in await said(worlds, withdrawals=True)] == [True] * 3


async def test_asking_for_the_rights_moves_nothing(worlds: dict[str, SmallWorld]) -> None:
    await said(worlds)
    for world in worlds.values():
        assert (await world.orders(), await world.withdrawals()) == (0, 0)


async def test_a_fee_above_the_one_that_quotes_reckon_with_is_told(worlds: dict[str, SmallWorld]) -> None:
    found = await said(worlds, withdrawals=True, taker_fee="0.001")
    assert found[0] == "binance: the account pays 0.002 as taker and quotes reckon with 0.001: set `taker_fee`."
    assert len(found) == 3


async def test_a_venue_without_a_key_or_with_one_that_is_not_taken_is_told(worlds: dict[str, SmallWorld]) -> None:
    assert ["no key is configured" in line for line in await said(worlds, api_key="")] == [True] * 3
    for world in worlds.values():
        server: Server = world.server
        await server.down()
    assert ["the key was not taken" in line for line in await said(worlds)] == [True] * 3
    for world in worlds.values():
        await world.up()


def test_a_venue_that_tells_nothing_is_not_complained_about() -> None:
    assert judged(Rights(None, None), withdrawals=False, fee=Decimal(0)) == []
    assert judged(Rights(trade=False, withdraw=None), withdrawals=True, fee=Decimal(0)) == ["the key may not trade."]


async def test_the_sandboxes_own_keys_are_well(venue: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_CONFIG", "none.toml")
    (tmp_path / "secret").write_text(ACCOUNTS[0]["secret"] + "\n")
    told = {"rest_url": venue.url, "api_key": ACCOUNTS[0]["api_key"], "secret_file": tmp_path / "secret"}
    told["withdrawals"] = True
    settings = Settings.model_validate({"mode": "sandbox", "venues": {"binance": told}})
    venues = open_venues(settings)
    assert await complaints(settings, venues) == []
    for one in venues.values():
        await one.close()
