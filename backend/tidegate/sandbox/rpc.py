"""The sandbox's own way to talk to its nodes: JSON-RPC, for faucet, block makers and tests."""

import itertools
import json
from decimal import Decimal
from typing import Any

from tidegate.http import Outbound, OutboundError

NOT_NOW = -28  # Bitcoin Core: warming up; our gates: closed or nobody behind them
_MAX_BYTES = 512 * 1024 * 1024  # a snapshot of a long EVM chain


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
        self._ids = itertools.count(1)
        self._http = Outbound(url, headers={"content-type": "application/json"}, timeout=seconds, max_bytes=_MAX_BYTES)

    async def __aenter__(self) -> "Rpc":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.close()

    async def call(self, method: str, *params: Any, path: str = "") -> Any:
        """`path` is bitcoind's `/wallet/<name>`."""
        body = json.dumps({"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}, default=str)
        try:
            answer = await self._http.call("POST", path or "/", content=body.encode())
        except OutboundError as error:
            raise RpcGone(f"{method}: {error}") from error
        try:
            result = json.loads(answer.body, parse_float=Decimal)
        except ValueError:
            words = answer.body[:200].decode(errors="replace")
            raise RpcGone(f"{method}: HTTP {answer.status} {words}") from None
        if problem := result.get("error"):
            if problem["code"] == NOT_NOW:
                raise RpcGone(f"{method}: {problem['message']}")
            raise RpcRefused(method, int(problem["code"]), str(problem["message"]))
        return result["result"]
