"""The real process over its real socket: killed, stopped, misused, and asked from a deep folder."""

import asyncio
import json
import os
import signal
import stat
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import bdkpython as bdk
import pytest

from tests.signer.world import Coins, intent, settings, sign_evm, usdt, yes
from tidegate.config import Settings
from tidegate.signer.home import open_seed
from tidegate.signer.keys import Seed
from tidegate.signing.client import SignerDoor
from tidegate.signing.frames import MAX_FRAME, framed, read_frame
from tidegate.signing.messages import Answer, Approved, Denied, Failed, Intent, SignerStatus, wrap


def write_config(configured: Settings, folder: Path) -> Path:
    """The settings as the environment that a child reads them from."""
    path = folder / "tidegate.toml"
    signer, bitcoin, evm = configured.signer, configured.networks["bitcoin"], configured.networks["ethereum"]
    usdt_token = evm.tokens["USDT"]
    path.write_text(
        f"""mode = "sandbox"
[networks.bitcoin]
kind = "bitcoin"
chain = "regtest"
max_fee_rate = {bitcoin.max_fee_rate}
[networks.ethereum]
kind = "evm"
chain_id = {evm.chain_id}
max_fee_rate = {evm.max_fee_rate}
[networks.ethereum.tokens.USDT]
contract = "{usdt_token.contract}"
decimals = 6
[signer]
socket = {json.dumps(str(signer.socket))}
directory = {json.dumps(str(signer.directory))}
passphrase_file = {json.dumps(str(signer.passphrase_file))}
public_file = {json.dumps(str(signer.public_file))}
socket_mode = "{signer.socket_mode}"
max_payout = {{ BTC = "1", ETH = "10", USDT = "10000" }}
"""
    )
    return path


async def alive(door: SignerDoor, process: asyncio.subprocess.Process) -> SignerStatus:
    for _ in range(400):
        status = await door.status()
        if isinstance(status, SignerStatus):
            return status
        assert process.returncode is None, "the signer ended at start"
        await asyncio.sleep(0.05)
    raise AssertionError("the signer did not start")


@asynccontextmanager
async def running(configured: Settings, folder: Path) -> AsyncIterator[tuple[SignerDoor, asyncio.subprocess.Process]]:
    env = {**os.environ, "TIDEGATE_CONFIG": str(write_config(configured, folder))}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tidegate.signer", env=env)
    door = SignerDoor(configured.signer.socket)
    try:
        await alive(door, process)
        yield door, process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ask(door: SignerDoor, wanted: Intent, nonce: int) -> Answer:
    request = sign_evm(wanted, nonce=nonce)
    return await door.sign_evm(
        wanted,
        yes(wanted),
        nonce=nonce,
        gas=request.gas,
        max_fee_per_gas=request.max_fee_per_gas,
        max_priority_fee_per_gas=request.max_priority_fee_per_gas,
        chain_id=request.chain_id,
    )


async def test_it_signs_over_a_socket_that_only_its_owner_may_open(tmp_path: Path) -> None:
    configured = settings(tmp_path)
    async with running(configured, tmp_path) as (door, process):
        status = await door.status()
        assert isinstance(status, SignerStatus)
        assert status.networks == ("bitcoin", "ethereum") and not status.frozen and status.journal_lines == 0
        assert isinstance(await ask(door, usdt(), 0), Approved)
        assert stat.S_IMODE(configured.signer.socket.stat().st_mode) == 0o600
        assert stat.S_IMODE(configured.signer.socket.parent.stat().st_mode) == 0o700
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        assert not configured.signer.socket.exists()
    assert isinstance(await ask(door, usdt(), 1), Failed)


async def test_its_group_may_open_the_socket_when_it_is_told_so(tmp_path: Path) -> None:
    configured = settings(tmp_path, socket_mode="0660")
    async with running(configured, tmp_path):
        assert stat.S_IMODE(configured.signer.socket.stat().st_mode) == 0o660


async def test_a_message_of_another_version_is_denied_by_a_rule_that_proves_nothing(tmp_path: Path) -> None:
    """The worker gives a payout up on a denial that judged it; this one judged nothing."""
    configured = settings(tmp_path)
    async with running(configured, tmp_path):
        reader, writer = await asyncio.open_unix_connection(str(configured.signer.socket))
        writer.write(framed({"version": 1, "kind": "sign_evm", "body": {}}))
        answer = await read_frame(reader)
        writer.close()
    assert answer == wrap(Denied("unreadable", "message: unknown version or kind"))


@pytest.mark.slow
async def test_killed_after_journalling_it_answers_with_identical_bytes(tmp_path: Path) -> None:
    configured, wanted = settings(tmp_path), usdt()
    async with running(configured, tmp_path) as (door, process):
        first = await ask(door, wanted, 9)
        process.kill()
        await process.wait()
        assert isinstance(await ask(door, wanted, 9), Failed), "a dead signer is an answer, not an exception"
    async with running(configured, tmp_path) as (door, _):
        again = await ask(door, wanted, 9)
        other = await ask(door, usdt(), 9)
    assert isinstance(first, Approved) and again == first
    assert isinstance(other, Denied) and other.rule == "nonce_used"


async def test_killed_between_journal_and_answer_it_signs_the_same_once(tmp_path: Path) -> None:
    """The worker never sees the first answer: it is killed with its connection while the line is being written."""
    configured, wanted = settings(tmp_path), usdt()
    journal = configured.signer.directory / "journal.jsonl"
    async with running(configured, tmp_path) as (door, process):
        asking = asyncio.ensure_future(ask(door, wanted, 4))
        while not journal.stat().st_size:
            await asyncio.sleep(0)
        process.kill()
        await process.wait()
        await asking
    async with running(configured, tmp_path) as (door, _):
        again = await ask(door, wanted, 4)
        moved = await ask(door, wanted, 5)
    assert isinstance(again, Approved)
    assert isinstance(moved, Denied) and moved.rule == "second_transaction"
    signed = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [line["raw"] for line in signed if line["kind"] == "signed"] == [again.raw.hex()]


async def test_many_at_once_are_each_answered_and_no_nonce_is_given_twice(tmp_path: Path) -> None:
    async with running(settings(tmp_path), tmp_path) as (door, _):
        answers = await asyncio.gather(*(ask(door, usdt(), n // 2) for n in range(20)))
    assert sum(isinstance(answer, Approved) for answer in answers) == 10
    assert sum(isinstance(answer, Denied) and answer.rule == "nonce_used" for answer in answers) == 10


GARBAGE = [
    b"\xff\xff\xff\xff",
    struct.pack(">I", MAX_FRAME + 1),
    struct.pack(">I", 5) + b"hello",
    struct.pack(">I", 2) + b"{}",
    struct.pack(">I", 40) + b'{"kind":"status","version":1,"body":NaN}',
    b"\0\0",
    struct.pack(">I", 200_000) + b"[" * 200_000,
]


async def test_garbage_on_the_socket_is_turned_away_and_the_next_asker_served(tmp_path: Path) -> None:
    configured = settings(tmp_path)
    async with running(configured, tmp_path) as (door, _):
        for sent in GARBAGE:
            reader, writer = await asyncio.open_unix_connection(str(configured.signer.socket))
            writer.write(sent)
            writer.write_eof()
            assert b"approved" not in await reader.read(), sent
            writer.close()
            assert isinstance(await door.status(), SignerStatus), sent


async def test_a_deep_folder_is_no_obstacle(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    async with running(settings(deep), deep) as (door, _):
        assert isinstance(await ask(door, usdt(), 0), Approved)


async def test_a_second_signer_on_the_same_seed_does_not_start(tmp_path: Path) -> None:
    configured = settings(tmp_path)
    async with running(configured, tmp_path) as (door, _):
        env = {**os.environ, "TIDEGATE_CONFIG": str(tmp_path / "tidegate.toml")}
        second = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tidegate.signer", env=env, stderr=asyncio.subprocess.DEVNULL
        )
        assert await second.wait() != 0
        assert isinstance(await ask(door, usdt(), 0), Approved), "the first one goes on"


MOST_KIB = 250 * 1024


@pytest.mark.slow
async def test_the_signer_stays_within_its_memory(tmp_path: Path) -> None:
    """Unlocking, forty token payouts and a bitcoin batch of a hundred from fifty coins: the highest it ever was."""
    configured = settings(tmp_path)
    async with running(configured, tmp_path) as (door, process):
        coins = Coins(open_seed(configured))
        only = [coins.receive(60_000, index) for index in range(50)]
        strangers = Seed(bytes(range(16)), 0).descriptors("regtest")[0]
        addresses = [str(strangers.derive_address(n, bdk.Network.REGTEST)) for n in range(100)]
        wanted = [intent(address=address, deliver_units=20_000) for address in addresses]
        psbt = coins.pay([(one.address, one.deliver_units) for one in wanted], only=only, rate=2)
        assert isinstance(await door.sign_bitcoin([(one, yes(one)) for one in wanted], psbt), Approved)
        for nonce in range(40):
            assert isinstance(await ask(door, usdt(), nonce), Approved)
        status = Path(f"/proc/{process.pid}/status").read_text()
        (highest,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    print(f"the signer's highest resident memory: {highest} KiB")
    assert highest < MOST_KIB, f"{highest} KiB"
