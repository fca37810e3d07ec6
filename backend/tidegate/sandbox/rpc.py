"""The sandbox's own way to talk to its nodes: JSON-RPC over httpx, for faucet, block makers and tests."""

import itertools
import json
from decimal import Decimal
from typing import Any

import httpx


class RpcRefused(Exception):
    """The node understood and said no."""

    def __init__(self, method: str, code: int, message: str) -> None:
        super().__init__(f"{method}: {message} ({code})")
        self.code = code
        self.message = message


class RpcGone(Exception):
    """No answer: down, starting, or too slow. What was asked may or may not have happened."""


class Rpc:
    """One node. Numbers with a point come back as Decimal, never as float."""

    def __init__(self, url: str, *, seconds: float = 30) -> None:
        self.url = url
        self._ids = itertools.count(1)
        # Only httpx's own timeout: cancelling a call from outside leaks its pool slot (libraries.md finding 1).
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(seconds), trust_env=False)

    async def __aenter__(self) -> "Rpc":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    async def call(self, method: str, *params: Any, path: str = "") -> Any:
        """`path` is bitcoind's `/wallet/<name>`."""
        body = json.dumps({"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}, default=str)
        try:
            response = await self._client.post(
                self.url.rstrip("/") + path, content=body, headers={"content-type": "application/json"}
            )
        except httpx.HTTPError as error:
            raise RpcGone(f"{method}: {str(error) or type(error).__name__}") from error
        try:
            answer = json.loads(response.content, parse_float=Decimal)
        except ValueError:
            raise RpcGone(f"{method}: HTTP {response.status_code} {response.text[:80]}") from None
        if problem := answer.get("error"):
            raise RpcRefused(method, int(problem["code"]), str(problem["message"]))
        return answer["result"]
