"""The gate in front of a node: transparent until it is told to lose an answer."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tidegate.http import Outbound
from tidegate.sandbox.doors import Answer, Door, Request
from tidegate.sandbox.gate import Gate
from tidegate.sandbox.process import free_port
from tidegate.sandbox.rpc import Rpc, RpcGone, RpcRefused


class FakeNode:
    """Answers every call and remembers what it did."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.credentials: list[str] = []
        self.paths: list[str] = []

    async def answer(self, request: Request) -> Answer:
        asked = json.loads(request.body)
        calls = asked if isinstance(asked, list) else [asked]
        self.did += [call["method"] for call in calls]
        self.credentials.append(request.headers.get("authorization", ""))
        self.paths.append(request.path)
        results: list[dict[str, Any]] = [{"id": call["id"], "result": call["method"]} for call in calls]
        if calls[0]["method"] == "wrong":
            return Answer.of({"id": calls[0]["id"], "error": {"code": -8, "message": "no"}}, 500)
        return Answer.of(results if isinstance(asked, list) else results[0])


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
async def gate(node: FakeNode) -> AsyncIterator[Gate]:
    door = Door(free_port(), node.answer)
    await door.open()
    found = Gate(free_port(), f"http://127.0.0.1:{door.port}")
    await found.open()
    yield found
    await found.close()
    await door.close()


@pytest.fixture
async def rpc(gate: Gate) -> AsyncIterator[Rpc]:
    async with Rpc(f"http://who:secret@127.0.0.1:{gate.door.port}") as found:
        yield found


async def test_calls_pass_with_their_path_credentials_and_errors(rpc: Rpc, node: FakeNode) -> None:
    assert await rpc.call("getblockcount", path="/wallet/tidegate") == "getblockcount"
    assert node.paths == ["/wallet/tidegate"]
    assert node.credentials[0].startswith("Basic ")
    with pytest.raises(RpcRefused):
        await rpc.call("wrong")


@pytest.mark.parametrize("method", ["sendrawtransaction", "eth_sendRawTransaction"])
async def test_a_dropped_answer_is_that_of_the_next_sending_and_the_node_has_acted(
    gate: Gate, rpc: Rpc, node: FakeNode, method: str
) -> None:
    gate.drop_next = True
    assert await rpc.call("getblockcount") == "getblockcount"
    with pytest.raises(RpcGone):
        await rpc.call(method, "00")
    assert node.did == ["getblockcount", method]
    assert not gate.drop_next
    assert await rpc.call(method, "00") == method


async def test_a_closed_gate_says_why_and_the_node_hears_nothing(gate: Gate, rpc: Rpc, node: FakeNode) -> None:
    gate.closed_because = "The chain is younger than the books."
    with pytest.raises(RpcGone, match="younger than the books"):
        await rpc.call("eth_blockNumber")
    assert node.did == []


async def test_a_node_that_is_down_is_said_and_not_met_with_silence() -> None:
    down = Gate(free_port(), f"http://127.0.0.1:{free_port()}")
    await down.open()
    try:
        async with Rpc(f"http://127.0.0.1:{down.door.port}") as through:
            with pytest.raises(RpcGone, match="down"):
                await through.call("eth_blockNumber")
    finally:
        await down.close()


async def test_a_closed_gate_answers_a_batch_call_by_call(gate: Gate, node: FakeNode) -> None:
    gate.closed_because = "Not now."
    outside = Outbound(f"http://127.0.0.1:{gate.door.port}")
    try:
        answer = await outside.call("POST", "/", content=json.dumps([{"id": 1, "method": "a"}, {"id": 2}]).encode())
    finally:
        await outside.close()
    assert [(one["id"], one["error"]["code"], one["error"]["message"]) for one in json.loads(answer.body)] == [
        (1, -28, "Not now."),
        (2, -28, "Not now."),
    ]
