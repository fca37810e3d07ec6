"""Waiting for the world, with a deadline."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(reached: Callable[[], Awaitable[bool]], what: str, seconds: float = 30.0) -> None:
    """Until `reached` answers true; fails the test after the deadline."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while not await reached():
        assert clock() < deadline, f"waited {seconds:.0f} s for {what}"
        await asyncio.sleep(0.05)
