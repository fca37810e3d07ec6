"""`tidegate listen` as a developer starts it, on the sandbox that the README opens."""

import asyncio

import pytest
from standardwebhooks import Webhook

from tests.stack import TIDEGATE, Stack
from tests.webhooks.conftest import SOON, Receiver


@pytest.mark.slow
async def test_a_demo_customers_events_come_to_ones_own_machine_by_one_command(stack: Stack) -> None:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    words = ["--forward-to", receiver.url, "--data", str(stack.data), "--email", "jonas@demo.example", "--after", "0"]
    process = await asyncio.create_subprocess_exec(
        str(TIDEGATE), "listen", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        # Who signed in within these thirty seconds has to wait for the next code.
        async with asyncio.timeout(35 + SOON):
            secret = (await process.stdout.readline()).decode().split()[-1]
            heard = (await receiver.until(2))[:2]
    finally:
        process.terminate()
        _, wrong = await process.communicate()
        server.close()
    assert not wrong, wrong.decode()
    read = [Webhook(secret).verify(one.body, one.headers) for one in heard]
    assert [one["data"]["sequence"] for one in read] == [1, 2]
