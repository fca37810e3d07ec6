"""The same withdrawal through the generated TypeScript client: types checked by tsc, then run under node."""

import asyncio
import json
import os
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from tests.stack import Stack

ROOT = Path(__file__).parents[2]
NODE_PROGRAMS = ROOT / "frontend" / "node_modules" / ".bin"


def test_the_walk_agrees_with_the_types_of_the_typescript_client() -> None:
    words = [str(NODE_PROGRAMS / "tsc"), "--noEmit", "-p", str(Path(__file__).parent / "tsconfig.json")]
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


@pytest.mark.stack
async def test_25_usdt_are_paid_with_bitcoin_through_the_typescript_client(stack: Stack, tmp_path: Path) -> None:
    customer = await stack.customer(BTC="0.01")
    address = await stack.new_address("ethereum")
    bundle = tmp_path / "walk.mjs"
    words = [
        str(NODE_PROGRAMS / "rolldown"),
        str(Path(__file__).parent / "walk.ts"),
        "--file",
        str(bundle),
        "--platform",
        "node",
    ]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr

    node = shutil.which("node")
    assert node is not None
    process = await asyncio.create_subprocess_exec(
        node,
        str(bundle),
        env={
            "PATH": os.environ["PATH"],
            "TIDEGATE_URL": stack.url,
            "EMAIL": customer.email,
            "PASSWORD": customer.password,
            "CODE": await customer.code(),
            "NEXT_CODE": await customer.code(),
            "ADDRESS": address,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, wrong = await process.communicate()
    assert process.returncode == 0, wrong.decode()
    done = json.loads(said)
    assert done["state"] == "completed"
    assert await stack.usdt_transfers(address) == [25_000_000]
    assert await customer.available("BTC") == Decimal("0.01") - Decimal(done["debit"])
