"""The receivers of docs/examples take what the public library signs, and nothing else."""

import asyncio
import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from tests.webhooks.conftest import SOON
from tidegate.http import Outbound

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ...").decode()
BODY = json.dumps({"type": "deposit.changed", "data": {"kind": "deposit", "id": "d1", "version": 2, "sequence": 7}})


def words_of(language: str, folder: Path) -> list[str]:
    if language == "python":
        return [sys.executable, str(EXAMPLES / "receiver.py")]
    node = shutil.which("node")
    assert node is not None
    bundle = folder / "receiver.mjs"
    maker = ROOT / "frontend" / "node_modules" / ".bin" / "rolldown"
    words = [str(maker), str(EXAMPLES / "receiver.ts"), "--file", str(bundle), "--platform", "node"]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return [node, str(bundle)]


def signed(message_id: str, at: datetime, body: str = BODY, secret: str = SECRET) -> Mapping[str, str]:
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body),
    }


@pytest.mark.parametrize("language", ["python", "typescript"])
async def test_a_receiver_takes_each_of_our_messages_once_and_no_other(language: str, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *words_of(language, tmp_path),
        "0",
        env={"PATH": os.environ["PATH"], "WEBHOOK_SECRET": SECRET},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    async with asyncio.timeout(SOON):
        port = (await process.stdout.readline()).split()[-1].decode()
        door = Outbound(f"http://127.0.0.1:{port}")
        now = datetime.now(UTC)
        good = signed("msg_1", now)
        other = signed("msg_2", now, secret="whsec_" + base64.b64encode(b"x" * 32).decode())
        rotated = dict(good) | {"webhook-signature": f"{other['webhook-signature']} {good['webhook-signature']}"}
        cases = [
            (good, BODY, 204),
            (good, BODY, 204),
            (rotated, BODY, 204),
            (good, BODY + " ", 400),
            (other, BODY, 400),
            (dict(good) | {"webhook-id": "msg_3"}, BODY, 400),
            (signed("msg_4", now - timedelta(minutes=10)), BODY, 400),
            (dict(good) | {"webhook-signature": "v1,"}, BODY, 400),
            ({}, BODY, 400),
            (signed("msg_5", now), BODY, 204),
        ]
        for headers, body, status in cases:
            answer = await door.call("POST", "/hooks", content=body.encode(), headers=headers)
            assert answer.status == status, (headers, body)
        await door.close()
        said = [(await process.stdout.readline()).decode().split() for _ in range(2)]
        process.kill()
        rest = await process.stdout.read()
        await process.wait()
    assert said == [["deposit.changed", "d1", "2", "7"]] * 2
    assert rest == b""
