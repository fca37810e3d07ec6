"""`tidegate up` as outsiders see it: what it promises when ready, what it survives, what it leaves behind."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
import time
import tomllib
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest

from tests import stack as system
from tests.customer import until
from tests.stack import Stack
from tidegate.sandbox.scenarios import REORGED_EVM, SCREENED_EVM

SOMEBODY = "0x00000000000000000000000000000000000A11cE"


@pytest.fixture
async def api(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with stack.http() as client:
        yield client


async def listed(api: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    answer = await api.get(f"/sandbox/{path}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def chaos(stack: Stack, fault: str, on: bool, **more: Any) -> dict[str, dict[str, Any]]:
    answer = await stack.sandbox("chaos", {"fault": fault, "on": on, **more})
    return {item["fault"]: item for item in answer["items"]}


# ---- ready


async def test_ready_json_has_what_outsiders_rely_on(stack: Stack, api: httpx.AsyncClient) -> None:
    ready = stack.ready
    assert {"url", "pid", "database_url", "bitcoin_rpc_url", "bitcoin_wallet", "evm_rpc_url"} <= set(ready)
    assert {"usdt_contract", "smtp_url", "demo", "venues"} <= set(ready)
    assert (stack.data / "ready.json").stat().st_mode & 0o077 == 0
    roles = [set(person["roles"]) for person in ready["demo"]]
    assert sum("customer" in found for found in roles) >= 3
    assert any("approver" in found for found in roles)
    assert any("administrator" in found for found in roles)
    assert (await api.get("/health/ready")).json()["ready"] is True
    assert Decimal((await stack.bitcoin("getbalances", wallet=True))["mine"]["trusted"]) > 100
    assert await stack.evm("eth_chainId") == "0x7a69"
    assert len(await stack.evm("eth_accounts")) > 1


async def test_every_demo_customer_has_funds_and_a_finished_history(stack: Stack) -> None:
    customers = [person for person in stack.demo if "customer" in person.roles]
    person = customers[-1]
    customer = await stack.sign_in(person)
    for asset in ("BTC", "ETH", "USDT"):
        assert await customer.available(asset) > 0
    done = {(item["kind"], item["state"]) for item in (await customer.get("/transactions"))["items"]}
    assert {("deposit", "credited"), ("conversion", "completed"), ("withdrawal", "completed")} <= done


async def test_what_started_can_be_read_on_the_page(stack: Stack, api: httpx.AsyncClient) -> None:
    found = (await api.get("/sandbox/start")).json()
    assert found["ready"] is True
    assert {part["name"]: part["state"] for part in found["parts"]} == dict.fromkeys(
        ("postgres", "bitcoind", "anvil", "venue", "migrate", "signer", "api", "worker", "seed"), "ready"
    )


async def test_the_page_shows_the_code_that_the_authenticator_shows(stack: Stack, api: httpx.AsyncClient) -> None:
    shown = {item["email"]: item for item in await listed(api, "authenticator")}
    for person in stack.demo:
        item = shown[person.email]
        assert pyotp.TOTP(person.totp_secret).verify(item["code"], valid_window=1)
        assert 1 <= item["seconds_left"] <= 30


async def test_own_processes_stay_within_736_mib_after_all_that_was_asked_of_them(stack: Stack) -> None:
    """600 just after a start: the bench looks at that. Receipts as PDF and their faces have been made meanwhile."""
    parts = ("api", "worker", "signer", "venue")
    pids = [stack.ready["pid"], *(pid for part in parts for pid in stack.processes(part))]
    assert len(pids) == 5
    assert sum(_resident(pid) for pid in pids) < 736 * 1024


def _resident(pid: int) -> int:
    """Kibibytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1])


# ---- coins and blocks


async def test_the_faucet_sends_real_coins_and_mines_nothing(stack: Stack) -> None:
    await chaos(stack, "mining_paused", True)
    try:
        address = await stack.new_address("bitcoin")
        height = await stack.bitcoin("getblockcount")
        txid = await stack.faucet("BTC", "bitcoin", address, "0.00012345")
        assert txid in await stack.bitcoin("getrawmempool")
        assert await stack.bitcoin("getblockcount") == height
        assert await stack.mine("bitcoin", 2) == height + 2
        assert await stack.bitcoin_received(address) == Decimal("0.00012345")
        for asset, amount in (("USDT", "1.5"), ("ETH", "0.000000000000000001")):
            before = (await stack.usdt(SOMEBODY), await stack.ether(SOMEBODY))
            block = int(await stack.evm("eth_blockNumber"), 16)
            await stack.faucet(asset, "ethereum", SOMEBODY, amount)
            assert int(await stack.evm("eth_blockNumber"), 16) == block
            assert await stack.mine("ethereum", 1) == block + 1
            after = (await stack.usdt(SOMEBODY), await stack.ether(SOMEBODY))
            gained = (after[0] - before[0], after[1] - before[1])
            assert gained == ((1_500_000, 0) if asset == "USDT" else (0, 1))
    finally:
        await chaos(stack, "mining_paused", False)


async def test_many_faucet_calls_at_once_all_arrive(stack: Stack) -> None:
    address = await stack.new_address("ethereum")
    txids = await asyncio.gather(*(stack.faucet("USDT", "ethereum", address, "1") for _ in range(10)))
    assert len(set(txids)) == 10
    await stack.mine("ethereum", 1)
    assert await stack.usdt(address) == 10_000_000


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"asset": "DOGE"}, "unknown_asset"),
        ({"network": "mars"}, "unknown_network"),
        ({"network": "ethereum"}, "wrong_network"),
        ({"address": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}, "invalid_address"),
        ({"address": "0x12"}, "invalid_address"),
        ({"amount": "0"}, "invalid_amount"),
        ({"amount": "1e3"}, "invalid_amount"),
        ({"amount": "0.000000001"}, "too_many_decimals"),
        ({"amount": "101"}, "invalid_amount"),
        ({"amount": 1}, "invalid_amount"),
    ],
)
async def test_the_faucet_refuses_what_no_node_would_take(
    api: httpx.AsyncClient, change: dict[str, Any], code: str
) -> None:
    body = {"asset": "BTC", "network": "bitcoin", "address": "bcrt1qzyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3lgth6c"}
    answer = await api.post("/sandbox/faucet", json=body | {"amount": "0.1"} | change)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == code


async def test_mining_refuses_an_unknown_network_and_an_absurd_number(api: httpx.AsyncClient) -> None:
    unknown = await api.post("/sandbox/mine", json={"network": "mars", "blocks": 1})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_network")
    for blocks in (0, 201, "many"):
        answer = await api.post("/sandbox/mine", json={"network": "bitcoin", "blocks": blocks})
        assert answer.status_code == 422


async def test_blocks_keep_coming_by_themselves(stack: Stack) -> None:
    height = int(await stack.evm("eth_blockNumber"), 16)

    async def grown() -> bool | None:
        return int(await stack.evm("eth_blockNumber"), 16) > height or None

    await until(grown, "another block", within=20)


async def test_neither_a_foreign_page_nor_a_foreign_name_gets_in(stack: Stack, api: httpx.AsyncClient) -> None:
    foreign = await api.post(
        "/sandbox/mine",
        json={"network": "bitcoin"},
        headers={"origin": "http://evil.example", "sec-fetch-site": "cross-site"},
    )
    assert foreign.status_code == 403
    rebound = await api.get("/sandbox/authenticator", headers={"host": "evil.example:80"})
    assert rebound.status_code in (400, 403, 404, 421)


# ---- chaos


async def test_every_fault_is_listed_and_off(api: httpx.AsyncClient) -> None:
    faults = {item["fault"]: item["on"] for item in await listed(api, "chaos")}
    assert faults == dict.fromkeys(
        ("venue_timeout_after_accept", "node_answer_dropped", "reorg", "worker_killed", "mining_paused"), False
    )


async def test_a_killed_worker_stays_down_until_it_is_let_up_and_the_payout_then_goes_out_once(stack: Stack) -> None:
    customer = await stack.customer(ETH="1")
    address = await stack.new_address("ethereum")
    assert (await chaos(stack, "worker_killed", True))["worker_killed"]["on"]
    try:
        quote = await customer.quote(
            kind="withdrawal", from_asset="ETH", to_asset="ETH", network="ethereum", side="exact_out", amount="0.1"
        )
        withdrawal = await customer.withdraw(quote, address)
        await customer.verify(withdrawal)
        assert stack.processes("worker") == []
        assert (await customer.withdrawal(withdrawal["id"]))["state"] == "pending_screening"
    finally:
        assert not (await chaos(stack, "worker_killed", False))["worker_killed"]["on"]
    await customer.completed(withdrawal["id"])
    assert await stack.ether(address) == 10**17


async def test_a_lost_answer_of_the_node_pays_once(stack: Stack) -> None:
    customer = await stack.customer(ETH="1")
    address = await stack.new_address("ethereum")
    assert (await chaos(stack, "node_answer_dropped", True, network="ethereum"))["node_answer_dropped"]["on"]
    await customer.pay(address, from_asset="ETH", to_asset="ETH", network="ethereum", side="exact_out", amount="0.1")
    assert await stack.ether(address) == 10**17
    faults = await chaos(stack, "node_answer_dropped", False)
    assert not faults["node_answer_dropped"]["on"]


async def test_a_payment_to_the_reorged_recipient_arrives_once(stack: Stack) -> None:
    customer = await stack.customer(ETH="1")
    before = await stack.ether(REORGED_EVM)
    done = await customer.pay(
        REORGED_EVM, from_asset="ETH", to_asset="ETH", network="ethereum", side="exact_out", amount="0.1"
    )
    assert done["state"] == "completed"
    assert await stack.ether(REORGED_EVM) == before + 10**17


async def test_a_payment_to_the_screened_recipient_is_refused_and_the_money_is_back(stack: Stack) -> None:
    customer = await stack.customer(ETH="1")
    quote = await customer.quote(
        kind="withdrawal", from_asset="ETH", to_asset="ETH", network="ethereum", side="exact_out", amount="0.1"
    )
    withdrawal = await customer.withdraw(quote, SCREENED_EVM)
    await customer.verify(withdrawal)

    async def rejected() -> bool | None:
        return (await customer.withdrawal(withdrawal["id"]))["state"] == "rejected" or None

    await until(rejected, "the withdrawal is rejected")
    assert await customer.available("ETH") == 1


# ---- death and resurrection


@pytest.mark.slow
@pytest.mark.parametrize("part", ["bitcoind", "anvil", "venue", "signer", "api", "worker"])
async def test_a_killed_part_comes_back_by_itself(stack: Stack, api: httpx.AsyncClient, part: str) -> None:
    (before,) = stack.processes(part)
    os.kill(before, signal.SIGKILL)

    async def back() -> bool | None:
        now = stack.processes(part)
        if not now or now == [before]:
            return None
        with contextlib.suppress(httpx.HTTPError):
            found = (await api.get("/health/ready")).json()
            return all(dependency["up"] for dependency in found["dependencies"]) or None
        return None

    await until(back, f"{part} is back", within=60)


@pytest.fixture
def data() -> Any:
    place = Path(tempfile.mkdtemp(prefix="tidegate-up-"))
    place.chmod(0o755)
    yield place / "data"
    shutil.rmtree(place, ignore_errors=True)


@pytest.mark.slow
def test_it_stops_whole_resumes_the_same_and_even_killed_leaves_nothing_running(data: Path) -> None:
    process = system.start(data)
    first = system.load(data).ready
    children = system._descendants(first["pid"])
    assert len(children) >= 7
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert _wait(lambda: not _alive(children)), _alive(children)
    assert not (data / "ready.json").exists()

    process = system.start(data, port=int(first["url"].rsplit(":", 1)[1]))
    second = system.load(data).ready
    assert {key: value for key, value in second.items() if key != "pid"} == {
        key: value for key, value in first.items() if key != "pid"
    }
    settings = tomllib.loads((data / "tidegate.toml").read_text())
    assert settings["mode"] == "sandbox"
    assert (data / "tidegate.toml").stat().st_mode & 0o077 == 0
    children = system._descendants(second["pid"])
    os.kill(second["pid"], signal.SIGKILL)
    process.wait(10)
    assert _wait(lambda: not _alive(children)), _alive(children)


def _alive(pids: list[int]) -> list[str]:
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            found.append(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "))
    return [words for words in found if words]


def _wait(reached: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
