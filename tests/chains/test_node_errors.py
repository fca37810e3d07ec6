"""Every way a node says no, or says nothing: what it proves, and what is made of it (chains.md 2.5, 2.6, 3.2, 6)."""

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from tests.chains.conftest import House
from tests.chains.faulty import Answering, Reply, knows, node, refuses, says
from tests.chains.test_rpc import TRANSACTION
from tidegate.chains import rpc
from tidegate.chains.bitcoin import BitcoinChain
from tidegate.chains.evm import EvmChain, WouldRevert
from tidegate.chains.port import NodeUnavailable, Submitted
from tidegate.chains.public import BitcoinKeys, EvmKeys
from tidegate.chains.rpc import AnswerLost, Rpc, RpcError, headers_from
from tidegate.config import NetworkSettings

Chain = BitcoinChain | EvmChain
EVM_TRANSACTION = b"\x02\xc3\x01\x05\x80"


def bitcoin(url: str, **settings: Any) -> BitcoinChain:
    told = NetworkSettings.model_validate({"kind": "bitcoin", "rpc_url": url, **settings})
    return BitcoinChain("bitcoin", told, BitcoinKeys(told.chain, "", ""), 0)


def evm(url: str, **settings: Any) -> EvmChain:
    told = NetworkSettings.model_validate({"kind": "evm", "rpc_url": url, "chain_id": 1, **settings})
    return EvmChain("ethereum", told, EvmKeys("0x" + "1" * 40, ""))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.chains.rpc.random.uniform", lambda low, high: 0.0)


def body(text: bytes, status: int = 200) -> Callable[[dict[str, Any]], Reply]:
    return lambda request: (status, text.replace(b"ID", str(request["id"]).encode()))


def raw(head: str, content: bytes) -> bytes:
    return f"HTTP/1.1 {head}\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content


ZIPPED = gzip.compress(b" " * 10_000_000)

# What the node does, how often it is then asked, and whether it may have acted.
AWAY: dict[str, tuple[Answering | Reply, int, bool]] = {
    "503, work queue full, plain text": (body(b"Work queue depth exceeded", 503), 4, False),
    "429, a provider's limit": (body(b"slow down", 429), 4, False),
    "401, wrong password": (body(b"", 401), 1, False),
    "403, method not on the whitelist": (body(b"", 403), 1, False),
    "-28, warming up": (refuses(-28, "Loading block index…"), 1, False),
    "-32005, a provider's limit with status 200": (refuses(-32005, "limit exceeded"), 1, False),
    "-32601, not served": (refuses(-32601, "Method not found"), 1, False),
    "-32600, not understood": (refuses(-32600, "invalid request"), 1, False),
    "-32603, it broke": (refuses(-32603, "internal error"), 1, True),
    "hangs up": (None, 1, True),
    "502 from something in between": (body(b"<html>bad gateway", 502), 1, True),
    "302 to elsewhere": (raw("302 Found\r\nlocation: http://127.0.0.1:1/", b""), 1, True),
    "truncated JSON": (body(b'{"jsonrpc":"2.0","id":ID,"resu'), 1, True),
    "JSON as deep as a well": (body(b"[" * 200_000), 1, True),
    "NaN": (body(b'{"id":ID,"result":NaN}'), 1, True),
    "an integer of 5,000 digits": (body(b'{"id":ID,"result":' + b"9" * 5_000 + b"}"), 1, True),
    "somebody else's answer": (body(b'{"id":-1,"result":{}}'), 1, True),
    "neither result nor error": (body(b'{"id":ID}'), 1, True),
    "an error in one word": (body(b'{"id":ID,"error":"no"}'), 1, True),
    "an error without a code": (body(b'{"id":ID,"error":{"message":"no"}}'), 1, True),
    "a gzip bomb": (raw("200 OK\r\ncontent-encoding: gzip", ZIPPED), 1, True),
}


@pytest.mark.parametrize("how", AWAY)
async def test_a_read_ends_as_a_node_that_cannot_be_asked(how: str) -> None:
    reply, times, may_have_acted = AWAY[how]
    asked: list[str] = []

    def answer(request: dict[str, Any]) -> Reply:
        asked.append(request["method"])
        return reply(request) if callable(reply) else reply

    async with node(answer) as url:
        one = Rpc(url, timeout=2)
        with pytest.raises(NodeUnavailable) as away:
            await one.call("getblockcount")
        await one.close()
    assert isinstance(away.value, AnswerLost) is may_have_acted
    assert len(asked) == times


async def test_an_answer_above_the_cap_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "MIB", 1024)
    async with node(says("x" * 70_000)) as url:
        one = Rpc(url, timeout=2)
        with pytest.raises(AnswerLost, match="too large"):
            await one.call("getblockcount")
        await one.close()


async def test_a_full_work_queue_is_asked_again_and_a_moment_later_answers() -> None:
    replies = [body(b"Work queue depth exceeded", 503)] * 3 + [says(7)]
    async with node(lambda request: replies.pop(0)(request)) as url:
        one = Rpc(url, timeout=2)
        assert await one.call("getblockcount") == 7
        await one.close()


async def test_a_hundred_calls_at_once_never_meet_more_than_six_at_the_node() -> None:
    under_way = most = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.decode().lower().split("content-length:")[1].split("\r\n")[0])
            request = json.loads(await reader.readexactly(length))
            under_way += 1
            most = max(most, under_way)
            for _ in range(5):
                await asyncio.sleep(0)
            under_way -= 1
            content = json.dumps({"id": request["id"], "result": 1}).encode()
            writer.write(f"HTTP/1.1 200 X\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content)

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with await asyncio.start_server(guarded, "127.0.0.1", 0) as server:
        one = Rpc(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await asyncio.gather(*(one.call("getblockcount") for _ in range(100)))
        await one.close()
    assert 1 < most <= 6


# A refusal of sendrawtransaction, the node knowing nothing else of the bytes, and what that proves.
SENT: dict[str, tuple[Answering | Reply, Submitted | None]] = {
    "-1, misuse": (refuses(-1, "usage"), Submitted.UNKNOWN),
    "-4, wallet error": (refuses(-4, "wallet error"), Submitted.UNKNOWN),
    "-5, not found": (refuses(-5, "not found"), Submitted.UNKNOWN),
    "-8, invalid parameter": (refuses(-8, "Invalid parameter"), Submitted.UNKNOWN),
    "-18, no wallet": (refuses(-18, "Requested wallet does not exist"), Submitted.UNKNOWN),
    "-22, no transaction": (refuses(-22, "TX decode failed"), Submitted.REFUSED),
    "-25, inputs missing, who knows why": (refuses(-25, "bad-txns-inputs-missingorspent"), Submitted.UNKNOWN),
    "-26, breaks consensus": (refuses(-26, "mandatory-script-verify-flag-failed"), Submitted.REFUSED),
    "-26, too cheap just now": (refuses(-26, "mempool min fee not met"), Submitted.UNKNOWN),
    "-27, in a block": (refuses(-27, "Transaction outputs already in utxo set"), Submitted.ACCEPTED),
    "-28, warming up": (refuses(-28, "Loading block index…"), None),
    "-32601": (refuses(-32601, "Method not found"), None),
    "-32603": (refuses(-32603, "internal error"), Submitted.UNKNOWN),
    "503": (body(b"Work queue depth exceeded", 503), None),
    "401": (body(b"", 401), None),
    "hangs up": (None, Submitted.UNKNOWN),
    "truncated": (body(b'{"id":ID,"res'), Submitted.UNKNOWN),
    "an error in one word": (body(b'{"id":ID,"error":"no"}'), Submitted.UNKNOWN),
    "502": (body(b"<html>", 502), Submitted.UNKNOWN),
}


@pytest.mark.parametrize("how", SENT)
async def test_sending_is_tried_once_and_ends_as_what_is_proven(how: str) -> None:
    """None: NodeUnavailable, which says that nothing was sent."""
    reply, expected = SENT[how]
    evm_says = expected if expected is not Submitted.REFUSED else Submitted.UNKNOWN  # no text of a refusal steers there
    if "-27" in how:
        evm_says = Submitted.UNKNOWN
    nothing = {"eth_getTransactionByHash": says(None), "eth_getTransactionCount": says("0x0")}
    for make, send, content, wanted in (
        (bitcoin, "sendrawtransaction", TRANSACTION, expected),
        (evm, "eth_sendRawTransaction", EVM_TRANSACTION, evm_says),
    ):
        asked: list[str] = []
        told = knows(**nothing, **{send: reply})

        def answer(request: dict[str, Any], asked: list[str] = asked, told: Answering = told) -> Reply:
            asked.append(request["method"])
            return told(request)

        async with node(answer) as url:
            chain: Chain = make(url)
            try:
                outcome = (await chain.submit(content)).outcome
            except NodeUnavailable:
                outcome = None
            finally:
                await chain.close()
        assert (outcome, asked.count(send)) == (wanted, 1)


@pytest.mark.parametrize(("code", "reverts"), [(3, True), (-32000, True), (-32003, True), (-32602, False), (-5, False)])
async def test_only_a_failed_dry_run_is_a_payment_that_would_revert(code: int, reverts: bool) -> None:
    async with node(knows(eth_getCode=says("0x60"), eth_estimateGas=refuses(code, "execution reverted"))) as url:
        chain = evm(url)
        with pytest.raises(WouldRevert if reverts else NodeUnavailable):
            await chain.gas_for("ETH", "0x" + "2" * 40, 1)
        await chain.close()


async def test_more_gas_than_the_network_allows_a_payout_is_a_payment_that_would_revert() -> None:
    async with node(knows(eth_getCode=says("0x60"), eth_estimateGas=says(hex(300_000)))) as url:
        roomy, tight = evm(url), evm(url, max_gas=299_999)
        assert await roomy.gas_for("ETH", "0x" + "2" * 40, 1) == 360_000
        with pytest.raises(WouldRevert, match="300000 gas"):
            await tight.gas_for("ETH", "0x" + "2" * 40, 1)
        await roomy.close()
        await tight.close()


@pytest.mark.parametrize("nonsense", [None, [], {}, "x", 7, {"blocks": None}, {"number": "7"}, [None]])
async def test_an_answer_of_another_shape_is_a_node_that_cannot_be_asked(nonsense: Any) -> None:
    async with node(says(nonsense)) as url:
        for chain in (bitcoin(url), evm(url)):
            for question in (
                chain.tip(),
                chain.fee_rates(),
                chain.sighting("11" * 32, chain.gas_asset),
                chain.balances(["0x" + "1" * 40]),
                chain.arrivals(None, [], []),
            ):
                with pytest.raises(NodeUnavailable):
                    await question
            assert not (await chain.health()).fit
            await chain.close()


async def test_the_headers_of_a_provider_come_from_settings_and_from_a_file(tmp_path: Any) -> None:
    path = tmp_path / "headers"
    path.write_text("X-Api-Key: from the file\n\nX-Team: ours\n")
    found = headers_from({"Authorization": SecretStr("Bearer abc")}, path)
    assert found == {"Authorization": "Bearer abc", "X-Api-Key": "from the file", "X-Team": "ours"}
    heard: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        chain = evm(url, rpc_headers_file=path, rpc_headers={"Authorization": "Bearer abc"})
        with pytest.raises(NodeUnavailable):
            await chain.tip()
        await chain.close()
    assert "authorization: bearer abc" in heard[0].lower() and "x-api-key: from the file" in heard[0].lower()
    path.write_text("no colon here\n")
    with pytest.raises(ValueError, match="Name: value"):
        headers_from({}, path)
    with pytest.raises(ValueError, match="cannot be read"):
        headers_from({}, tmp_path / "absent")


async def test_a_real_node_with_the_wrong_password_is_told_as_such(house: House) -> None:
    chain = bitcoin(house.bitcoin_node.url.replace(house.bitcoin_node.password, "wrong"))
    with pytest.raises(NodeUnavailable, match="credentials"):
        await chain.tip()
    assert "credentials" in (await chain.health()).reason
    await chain.close()


async def test_a_real_node_that_forgot_its_wallet_is_made_to_load_it(house: House) -> None:
    wallet = house.settings.networks["bitcoin"].wallet
    await house.bitcoin_node.rpc.call("unloadwallet", wallet)
    assert await house.bitcoin.balances([]) is not None
    assert wallet in await house.bitcoin_node.rpc.call("listwallets")


async def test_a_real_refusal_keeps_its_code(house: House) -> None:
    one = Rpc(house.bitcoin_node.url)
    for method, params, code in (
        ("getblockhash", (10**9,), -8),
        ("getblockheader", ("11" * 32,), -5),
        ("sendrawtransaction", ("00",), -22),
        ("walletcreatefundedpsbt", (), -1),
    ):
        with pytest.raises(RpcError) as refused:
            await one.call(method, *params)
        assert refused.value.code in (code, -18 if method.startswith("wallet") else code)
    with pytest.raises(NodeUnavailable, match="does not serve"):
        await one.call("nosuchmethod")
    await one.close()
