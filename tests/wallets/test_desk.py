"""The operator's commands for deposits: exit codes for scripts, and nothing cut where nobody watches."""

import json

import pytest

from tests.wallets.world import World, paid
from tidegate import operate


async def held(world: World) -> tuple[str, object]:
    """(id, owner) of a deposit that waits for a person."""
    user = await paid(world, "USDT", "0.5")
    await world.mine("ethereum", 3)
    await world.scan("ethereum")
    return str((await world.deposit(user))["id"]), user


async def test_the_list_has_everybodys_deposits_and_can_be_narrowed(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    deposit_id, _ = await held(world)
    await operate.list_deposits(world.settings, ["below_minimum"], None, 50)
    assert deposit_id in capsys.readouterr().out
    await operate.list_deposits(world.settings, ["credited"], None, 50)
    await operate.list_deposits(world.settings, [], "bitcoin", 50)
    assert deposit_id not in capsys.readouterr().out


async def test_a_deposit_is_shown_whole_and_credited_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    deposit_id, user = await held(world)
    capsys.readouterr()
    assert await operate.show_deposit(world.settings, deposit_id) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["id"], shown["user_id"], shown["booked"]) == (deposit_id, str(user), "suspense")
    assert await operate.credit_deposit(world.settings, deposit_id, "asked by mail") == 0
    assert await operate.credit_deposit(world.settings, deposit_id, "asked by mail") == 1
    capsys.readouterr()
    assert await operate.show_deposit(world.settings, deposit_id) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["state"], shown["explained_by"]) == ("credited", "operator: asked by mail")


@pytest.mark.parametrize("deposit_id", ["nothing", "00000000-0000-0000-0000-000000000000"])
async def test_what_is_no_deposit_ends_with_1(world: World, deposit_id: str) -> None:
    assert await operate.show_deposit(world.settings, deposit_id) == 1
    assert await operate.credit_deposit(world.settings, deposit_id, "a guess") == 1


async def test_a_network_that_is_not_open_ends_with_1(world: World) -> None:
    assert await operate.rescan(world.settings, "nowhere", "00" * 32, None) == 1
