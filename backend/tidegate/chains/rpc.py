"""JSON-RPC 2.0 over the one outbound door, for every node we speak to.

Three ends of a call are kept apart: an answer, an `RpcError` (the node says no, in its own words), and no usable
answer: `NodeUnavailable` when nothing was sent, its subclass `AnswerLost` when the node may have acted.
"""

import asyncio
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tidegate.chains.port import NodeUnavailable
from tidegate.http import NoAnswer, NotSent, Outbound

MIB = 1024 * 1024
BATCH = 100
"""Calls in one batch: enough to be one round trip, small enough for any provider."""


class RpcError(Exception):
    """The node answered with an error object."""

    def __init__(self, code: int, message: str, method: str = "") -> None:
        super().__init__(f"{method}: {code} {message}")
        self.code = code
        self.message = message


class AnswerLost(NodeUnavailable):
    """Something was sent and no usable answer came back: the node may have acted."""


# Bitcoin Core's own ways to say "not now": warming up, in initial download, wallet busy with a rescan.
_NOT_NOW = {-28, -10, -9}


class Rpc:
    """One node. At most `at_once` calls are under way: bitcoind's work queue answers 503 to more (chains.md 2.5)."""

    def __init__(self, url: str, *, at_once: int = 6, timeout: float = 10.0) -> None:
        self._http = Outbound(url, headers={"content-type": "application/json"}, timeout=timeout, max_bytes=64 * MIB)
        self._slots = asyncio.Semaphore(at_once)
        self._timeout = timeout
        self._id = 0

    async def call(self, method: str, *params: Any, target: str = "", timeout: float | None = None) -> Any:
        """The result. Integers stay exact and fractions are Decimals. Raises RpcError, NodeUnavailable, AnswerLost."""
        request = self._request(method, params)
        answer = await self._post(request, target, timeout)
        if not isinstance(answer, dict) or answer.get("id") != request["id"]:
            raise AnswerLost(f"{method}: not an answer to the question")
        return _result(answer, method)

    async def batch(
        self, calls: Sequence[tuple[str, Sequence[Any]]], *, target: str = "", timeout: float | None = None
    ) -> list[Any]:
        """Results in the order of the calls; a refused one is its RpcError as a value."""
        results: list[Any] = []
        for start in range(0, len(calls), BATCH):
            results += await self._some(calls[start : start + BATCH], target, timeout)
        return results

    async def _some(self, calls: Sequence[tuple[str, Sequence[Any]]], target: str, timeout: float | None) -> list[Any]:
        requests = [self._request(method, params) for method, params in calls]
        answers = await self._post(requests, target, timeout)
        if not isinstance(answers, list):
            raise AnswerLost("batch: not a list of answers")
        by_id = {answer.get("id"): answer for answer in answers if isinstance(answer, dict)}
        results = []
        for request in requests:
            if request["id"] not in by_id:
                raise AnswerLost(f"{request['method']}: missing in the batch's answer")
            try:
                results.append(_result(by_id[request["id"]], request["method"]))
            except RpcError as error:
                results.append(error)
        return results

    def _request(self, method: str, params: Sequence[Any]) -> dict[str, Any]:
        self._id += 1
        return {"jsonrpc": "2.0", "id": self._id, "method": method, "params": list(params)}

    async def _post(self, document: Any, target: str, timeout: float | None) -> Any:
        content = json.dumps(document).encode()
        async with self._slots:
            try:
                answer = await self._http.call("POST", target or "/", content=content, timeout=timeout or self._timeout)
            except NotSent as error:
                raise NodeUnavailable(f"the node cannot be reached ({error})") from error
            except NoAnswer as error:
                raise AnswerLost(f"the node did not answer ({error})") from error
        if answer.status in (401, 403):
            raise NodeUnavailable(f"the node refuses our credentials (HTTP {answer.status})")
        if answer.status in (429, 503):
            # bitcoind's `Work queue depth exceeded`, a provider's limit: refused at the door, nothing was done.
            raise NodeUnavailable(f"the node is too busy (HTTP {answer.status})")
        try:
            return json.loads(answer.body, parse_float=Decimal)
        except ValueError as error:
            raise AnswerLost(f"the node did not answer in JSON (HTTP {answer.status})") from error

    async def close(self) -> None:
        await self._http.close()


def _result(answer: dict[str, Any], method: str) -> Any:
    error = answer.get("error")
    if error is None:
        if "result" not in answer:
            raise AnswerLost(f"{method}: neither result nor error")
        return answer["result"]
    code, message = error.get("code", 0), str(error.get("message", ""))
    if code in _NOT_NOW:
        raise NodeUnavailable(f"the node is not ready: {message}")
    raise RpcError(code, message, method)
