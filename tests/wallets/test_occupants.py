"""Who stands at an address, by the word of real nodes: our own change, contracts, and contracts that take no money."""

import asyncio
import uuid

import pytest

from tests.transactions.chains import MemoryBitcoin
from tests.wallets.people import OUTSIDE
from tests.wallets.world import World, units
from tidegate.chains.bitcoin import build
from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.evm.build import checksummed
from tidegate.chains.port import Occupant
from tidegate.idempotency import Keyed
from tidegate.refusal import Kind, Refusal
from tidegate.signer.bitcoin import BitcoinVault
from tidegate.wallets import beneficiaries, destinations, recognise
from tidegate.wallets.schemas import ValidationOut

WALL = "0x00000000000000000000000000000000000BadC0"
"""Where the tests put a contract that turns everything down."""
BOX = "0x00000000000000000000000000000000000B0c5A"
LENT = "0x00000000000000000000000000000000000dE1E6"


async def judged(world: World, asset: str, address: str) -> ValidationOut:
    stored = await recognise.recognise(
        world.cashier, user_id=await world.user(), asset=asset, network=None, text=address, keyed=Keyed(None, "")
    )
    return ValidationOut.model_validate_json(stored.raw)


async def code(world: World, address: str, bytecode: str) -> None:
    await world.evm.rpc.call("anvil_setCode", address, bytecode)


@pytest.mark.parametrize("index", [0, 1, 57, 900])
async def test_our_own_change_addresses_are_no_destinations_though_nobody_wrote_them_down(
    world: World, index: int
) -> None:
    _, internal = BitcoinVault(world.seed, "regtest").public_descriptors()
    change = build.derive_address(internal, "regtest", index)
    assert (await judged(world, "BTC", change)).reason == "own_address"
    with pytest.raises(Refusal) as refused:
        await beneficiaries.create(
            world.cashier,
            user_id=await world.user(),
            label="Me",
            asset="BTC",
            network="bitcoin",
            address=change,
            keyed=Keyed(uuid.uuid4().hex, "body"),
        )
    assert refused.value.kind is Kind.OWN_ADDRESS
    why = await destinations.last_look(world.chains["bitcoin"], asset="BTC", address=change, units=1)
    assert why == "This is one of our own addresses."


async def test_a_deposit_address_that_nobody_has_yet_is_ours_too(world: World) -> None:
    unissued = world.chains["bitcoin"].deposit_address(400)
    assert (await judged(world, "BTC", unissued)).reason == "own_address"
    assert (await judged(world, "BTC", OUTSIDE["bitcoin"])).valid


async def test_a_contract_is_warned_of_and_a_person_who_borrows_code_is_not(world: World) -> None:
    await code(world, BOX, "0x00")
    await code(world, LENT, "0xef0100" + BOX[2:].lower())
    for asset in ("ETH", "USDT"):
        assert (await judged(world, asset, checksummed(BOX))).warnings == ["contract"]
        assert (await judged(world, asset, checksummed(LENT))).warnings == []
        assert (await judged(world, asset, OUTSIDE["ethereum"])).warnings == []


async def test_ether_to_a_contract_that_turns_it_down_is_seen_before_it_is_sent(world: World) -> None:
    chain = world.chains["ethereum"]
    await code(world, WALL, "0x5f5ffd")  # PUSH0 PUSH0 REVERT
    await code(world, BOX, "0x00")  # STOP
    wall, box = checksummed(WALL), checksummed(BOX)
    assert not await chain.turns_down("ETH", wall, units("ETH", "1")), "the hot account is empty: nothing can be told"
    await world.pay("ETH", chain.hot_address, "2")
    await world.mine("ethereum")
    assert await chain.turns_down("ETH", wall, units("ETH", "1"))
    assert not await chain.turns_down("ETH", wall, units("ETH", "3"))
    assert not await chain.turns_down("ETH", box, units("ETH", "1"))
    assert not await chain.turns_down("ETH", OUTSIDE["ethereum"], units("ETH", "1"))
    assert not await chain.turns_down("USDT", wall, units("USDT", "1")), "a token does not ask its recipient"
    why = await destinations.last_look(chain, asset="ETH", address=wall, units=units("ETH", "1"))
    assert why == "The recipient's contract does not take this payment."


class Mute(MemoryBitcoin):
    """A node that takes its time."""

    async def occupant(self, address: str) -> Occupant:
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_node_that_does_not_answer_keeps_no_question_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destinations, "LOOK_SECONDS", 0.05)
    driver = world.chains["bitcoin"]
    assert isinstance(driver, BitcoinChain)
    mute = Mute(driver)
    assert await destinations.look(mute, OUTSIDE["bitcoin"]) is None
    mute.node.down = True
    assert await destinations.look(MemoryBitcoin(driver), OUTSIDE["bitcoin"]) == Occupant()
