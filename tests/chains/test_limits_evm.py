"""Providers give so much at a time, and say so in words of their own: then less is asked for, and nothing is passed over."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.chains.conftest import House
from tests.chains.test_deposits_evm import till_at_tip
from tidegate.chains.evm.scan import MAX_BLOCKS, Pace
from tidegate.chains.port import NodeUnavailable
from tidegate.chains.rpc import AnswerLost, Busy, Rpc, RpcError

REFUSALS = [
    RpcError(-32602, "query returned more than 10000 results", "eth_getLogs"),
    Busy("the node is too busy: query returned more than 10000 results"),
    AnswerLost("the node did not answer (more than 67108864 bytes)"),
]


class Provider(Rpc):
    """A node that gives at most so many whole blocks in a batch, and no logs unless they are asked of some contracts."""

    def __init__(self, url: str, refusal: Exception, *, most: int = 1_000, logs: bool = True) -> None:
        super().__init__(url)
        self.refusal = refusal
        self.most = most
        self.logs = logs
        self.asked: list[int] = []

    async def batch(self, calls: Sequence[tuple[str, Sequence[Any]]], **how: Any) -> list[Any]:
        whole = [params for method, params in calls if method == "eth_getBlockByNumber" and params[1]]
        if whole:
            self.asked.append(len(whole))
        if len(whole) > self.most:
            if isinstance(self.refusal, RpcError):
                return [self.refusal for _ in calls]
            raise self.refusal
        return await super().batch(calls, **how)

    async def call(self, method: str, *params: Any, **how: Any) -> Any:
        if method == "eth_getLogs" and not self.logs and "address" not in params[0]:
            raise self.refusal
        return await super().call(method, *params, **how)


def behind(house: House, monkeypatch: pytest.MonkeyPatch, provider: Provider) -> None:
    monkeypatch.setattr(house.evm, "_rpc", provider)
    monkeypatch.setattr(house.evm, "_pace", Pace())


@pytest.mark.parametrize("refusal", REFUSALS, ids=["refused", "busy", "lost"])
async def test_a_provider_that_gives_few_blocks_at_a_time_is_asked_for_half_as_many_until_it_does(
    house: House, monkeypatch: pytest.MonkeyPatch, refusal: Exception
) -> None:
    till = await till_at_tip(house, 71 + REFUSALS.index(refusal))
    txid = await house.send_ether(till.watched[0], 10**18)
    await house.evm_node.mine(MAX_BLOCKS + 5)
    url = house.settings.networks["ethereum"].rpc_url.get_secret_value()
    provider = Provider(url, refusal, most=7)
    behind(house, monkeypatch, provider)
    await till.catch_up()
    assert [row.txid for row in till.rows.values()] == [txid]
    assert provider.asked[:4] == [50, 25, 12, 6]
    provider.most = 1_000
    await house.evm_node.mine(3 * MAX_BLOCKS)
    await till.catch_up()
    assert MAX_BLOCKS in provider.asked[4:], "and for more again when it gives more"
    await provider.close()


async def test_a_provider_that_does_not_even_give_one_block_is_not_fit_to_read_from(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = await till_at_tip(house, 74)
    await house.evm_node.mine(3)
    url = house.settings.networks["ethereum"].rpc_url.get_secret_value()
    provider = Provider(url, REFUSALS[2], most=0)
    behind(house, monkeypatch, provider)
    before = till.cursor
    with pytest.raises(NodeUnavailable, match="did not answer"):
        await till.poll()
    assert till.cursor == before
    await provider.close()


@pytest.mark.parametrize("refusal", REFUSALS, ids=["refused", "busy", "lost"])
async def test_a_block_with_more_logs_than_the_provider_gives_is_asked_for_our_tokens(
    house: House, monkeypatch: pytest.MonkeyPatch, refusal: Exception
) -> None:
    till = await till_at_tip(house, 75 + REFUSALS.index(refusal))
    txid = await house.send_token("USDT", till.watched[0], 5_000_000)
    await house.evm_node.mine(1)
    url = house.settings.networks["ethereum"].rpc_url.get_secret_value()
    provider = Provider(url, refusal, logs=False)
    behind(house, monkeypatch, provider)
    await till.poll()
    assert (till.only.txid, till.only.asset, till.only.units) == (txid, "USDT", 5_000_000)
    await provider.close()
