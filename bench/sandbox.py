"""A sandbox of the bench's own, with settings that the measure needs."""

import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.stack import Stack, load, start, stop
from tidegate import config
from tidegate.config import Settings
from tidegate.http import tls


@asynccontextmanager
async def sandbox(network: Mapping[str, str]) -> AsyncIterator[Stack]:
    """A sandbox whose bitcoin network differs from others' by these settings, as an operator's environment would say."""
    names = {f"TIDEGATE_NETWORKS__BITCOIN__{name}": value for name, value in network.items()}
    before = {name: os.environ.get(name) for name in names}
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        os.environ.update(names)
        try:
            process = start(Path(folder))
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
        stack = load(Path(folder))
        try:
            yield stack
        finally:
            await stack.close()
            stop(process)


def settings_of(stack: Stack) -> Settings:
    """What the processes of this system were told."""
    os.environ["TIDEGATE_CONFIG"] = str(stack.data / "tidegate.toml")
    try:
        return config.load()
    finally:
        del os.environ["TIDEGATE_CONFIG"]


class Node:
    """The bitcoin node over one kept connection: what a call costs is the node's time, not a new client's."""

    def __init__(self, stack: Stack, wallet: str) -> None:
        url = urlsplit(stack.ready["bitcoin_rpc_url"])
        self._http = httpx.AsyncClient(
            verify=tls(),
            base_url=f"http://{url.hostname}:{url.port}",
            auth=(url.username or "", url.password or ""),
            timeout=60,
            trust_env=False,
        )
        self._path = f"/wallet/{wallet}"

    async def __call__(self, method: str, *params: Any) -> Any:
        answer = await self._http.post(self._path, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        body = answer.json()
        assert not body.get("error"), f"{method}: {body['error']}"
        return body["result"]

    async def close(self) -> None:
        await self._http.aclose()


@asynccontextmanager
async def node_of(stack: Stack, wallet: str) -> AsyncIterator[Node]:
    """The node as this wallet of its."""
    node = Node(stack, wallet)
    try:
        yield node
    finally:
        await node.close()
