"""The node's bad days: silence, overload, refusals, half answers. Each ends as what it proves and no more."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.chains.faulty import Reply, node, refuses, says
from tidegate.chains.bitcoin import BitcoinChain
from tidegate.chains.evm import EvmChain
from tidegate.chains.port import NodeUnavailable, Submitted
from tidegate.chains.public import BitcoinKeys, EvmKeys
from tidegate.chains.rpc import AnswerLost, Rpc, RpcError
from tidegate.config import NetworkSettings

TRANSACTION = bytes.fromhex(
    "0200000001" + "11" * 32 + "00000000" + "00" + "ffffffff" + "01" + "e803000000000000" + "0151" + "00000000"
)


async def ask(answer: Callable[[dict[str, Any]], Reply]) -> Any:
    async with node(answer) as url:
        rpc = Rpc(url, timeout=2)
        try:
            return await rpc.call("getblockcount")
        finally:
            await rpc.close()


async def test_numbers_come_back_exact() -> None:
    big = 123456789012345678901234567890
    assert await ask(says(big)) == big
    exact = await ask(lambda r: (200, b'{"id":%d,"result":0.1}' % r["id"]))
    assert str(exact) == "0.1" and type(exact).__name__ == "Decimal"


async def test_a_refusal_keeps_the_nodes_words() -> None:
    with pytest.raises(RpcError, match="missing") as refused:
        await ask(refuses(-25, "bad-txns-inputs-missingorspent"))
    assert refused.value.code == -25


@pytest.mark.parametrize(
    "reply",
    [
        (503, b"Work queue depth exceeded"),
        (401, b""),
        (429, b"slow down"),
    ],
)
async def test_refused_at_the_door_means_nothing_happened(reply: tuple[int, bytes]) -> None:
    with pytest.raises(NodeUnavailable) as lost:
        await ask(lambda _: reply)
    assert not isinstance(lost.value, AnswerLost)


async def test_warming_up_is_a_wait() -> None:
    with pytest.raises(NodeUnavailable, match="Loading block index"):
        await ask(refuses(-28, "Loading block index…"))


@pytest.mark.parametrize("reply", [None, (200, b"<html>"), (502, b""), (200, b"[]"), (200, b'{"id":-1,"result":1}')])
async def test_an_unusable_answer_means_that_the_node_may_have_acted(reply: Reply) -> None:
    with pytest.raises(AnswerLost):
        await ask(lambda _: reply)


def bitcoin(url: str) -> BitcoinChain:
    settings = NetworkSettings.model_validate({"kind": "bitcoin", "rpc_url": url})
    return BitcoinChain("bitcoin", settings, BitcoinKeys("regtest", "", ""), 0)


def evm(url: str) -> EvmChain:
    settings = NetworkSettings.model_validate({"kind": "evm", "rpc_url": url, "chain_id": 1})
    return EvmChain("ethereum", settings, EvmKeys("0x" + "1" * 40, ""))


async def submitted(
    open_chain: Callable[[str], BitcoinChain | EvmChain], **answers: Any
) -> tuple[Submitted, list[str]]:
    """What `submit` makes of a node that answers these methods; any other method is refused as unknown (-5)."""
    asked: list[str] = []

    def answer(request: dict[str, Any]) -> Reply:
        asked.append(request["method"])
        found = answers.get(request["method"], refuses(-5, "unknown"))
        return None if found is None else found(request)

    async with node(answer) as url:
        chain = open_chain(url)
        try:
            raw = TRANSACTION if isinstance(chain, BitcoinChain) else b"\x02\xc3\x01\x05\x80"
            return (await chain.submit(raw)).outcome, asked
        finally:
            await chain.close()


async def test_bitcoin_bytes_whose_answer_was_lost_are_unknown_never_refused() -> None:
    assert (await submitted(bitcoin, sendrawtransaction=None))[0] is Submitted.UNKNOWN


async def test_bitcoin_already_in_the_chain_is_accepted() -> None:
    answers = {"sendrawtransaction": refuses(-27, "Transaction outputs already in utxo set")}
    assert (await submitted(bitcoin, **answers))[0] is Submitted.ACCEPTED


@pytest.mark.parametrize("code", [-25, -26])
async def test_bitcoin_asks_for_its_own_transaction_before_it_believes_a_refusal(code: int) -> None:
    mined = {
        "confirmations": 3,
        "txid": "",
        "decoded": {"vin": [], "vout": []},
    }
    answers = {"sendrawtransaction": refuses(code, "bad-txns-inputs-missingorspent"), "gettransaction": says(mined)}
    outcome, asked = await submitted(bitcoin, **answers)
    assert outcome is Submitted.ACCEPTED and "gettransaction" in asked


@pytest.mark.parametrize(
    "reason",
    [
        "insufficient fee, rejecting replacement abc; new feerate",
        "mempool min fee not met",
        "min relay fee not met",
        "too-long-mempool-chain",
        "txn-mempool-conflict",
    ],
)
async def test_bitcoin_refusals_that_pass_are_unknown(reason: str) -> None:
    assert (await submitted(bitcoin, sendrawtransaction=refuses(-26, reason)))[0] is Submitted.UNKNOWN


async def test_bitcoin_missing_inputs_are_refused_only_when_they_are_spent_for_good() -> None:
    missing = refuses(-25, "bad-txns-inputs-missingorspent")
    assert (await submitted(bitcoin, sendrawtransaction=missing))[0] is Submitted.UNKNOWN
    parent = {"11" * 32: {"confirmations": 9, "decoded": {"vin": [], "vout": []}}}

    def wallet(request: dict[str, Any]) -> Reply:
        known = parent.get(request["params"][0])
        return (says(known) if known else refuses(-5, "unknown"))(request)

    spent = {"sendrawtransaction": missing, "gettransaction": wallet, "gettxout": says(None)}
    assert (await submitted(bitcoin, **spent))[0] is Submitted.REFUSED
    there = {**spent, "gettxout": says({"value": 1})}
    assert (await submitted(bitcoin, **there))[0] is Submitted.UNKNOWN


async def test_bitcoin_bytes_that_break_a_rule_for_ever_are_refused() -> None:
    answers = {"sendrawtransaction": refuses(-26, "mandatory-script-verify-flag-failed (Invalid Schnorr signature)")}
    assert (await submitted(bitcoin, **answers))[0] is Submitted.REFUSED


async def test_evm_bytes_whose_answer_was_lost_are_unknown() -> None:
    assert (await submitted(evm, eth_sendRawTransaction=None))[0] is Submitted.UNKNOWN


@pytest.mark.parametrize("words", ["already known", "nonce too low", "transaction already imported", "пусто"])
async def test_evm_refusals_are_judged_by_facts(words: str) -> None:
    sent = refuses(-32000, words)
    known = {"eth_sendRawTransaction": sent, "eth_getTransactionByHash": says({"hash": "0x"})}
    assert (await submitted(evm, **known))[0] is Submitted.ACCEPTED
    unseen = {"eth_sendRawTransaction": sent, "eth_getTransactionByHash": says(None)}
    used = {**unseen, "eth_getTransactionCount": says("0x6")}
    assert (await submitted(evm, **used))[0] is Submitted.REFUSED
    free = {**unseen, "eth_getTransactionCount": says("0x5")}
    assert (await submitted(evm, **free))[0] is Submitted.UNKNOWN
    silent = {**unseen, "eth_getTransactionCount": None}
    assert (await submitted(evm, **silent))[0] is Submitted.UNKNOWN


async def test_a_batch_answers_in_order_with_refusals_as_values() -> None:
    def answer(request: dict[str, Any]) -> Reply:
        number = request["params"][0]
        return (refuses(-5, "odd") if number % 2 else says(number))(request)

    async with node(answer) as url:
        rpc = Rpc(url)
        results = await rpc.batch([("echo", (number,)) for number in range(250)])
        await rpc.close()
    assert [r for r in results if not isinstance(r, RpcError)] == list(range(0, 250, 2))
    assert all(isinstance(r, RpcError) for r in results[1::2])
