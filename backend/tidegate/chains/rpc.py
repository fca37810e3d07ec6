"""JSON-RPC 2.0 over the one outbound door, for every node we speak to.

Three ends of a call are kept apart: an answer, an `RpcError` (the node says no, in its own words), and no usable
answer: `NodeUnavailable` when nothing was sent, its subclass `AnswerLost` when the node may have acted.
"""

import asyncio
import json
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from decimal import Decimal
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from pydantic import SecretStr

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


class Busy(NodeUnavailable):
    """The node refused at its door for want of room: nothing was done, and in a moment there may be room."""


# Bitcoin Core's own ways to say "not now": warming up, in initial download, not connected.
_NOT_NOW = {-28, -10, -9}
# Providers' ways to say "too many requests" with a status of 200.
_TOO_MANY = {-32005, -32029}
# JSON-RPC's own codes: the request was not understood or not permitted, so they say nothing of what it was about.
_NOT_UNDERSTOOD = {-32700, -32600, -32601}
_INTERNAL = -32603
_TRIES = 4


P = ParamSpec("P")
T = TypeVar("T")


def understood(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """For plain reads: a refusal, and an answer of another shape than it should have, is a node that cannot be asked."""

    @wraps(method)
    async def asked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except RpcError as error:
            raise NodeUnavailable(str(error)) from error
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            said = f"{type(error).__name__}: {str(error)[:100]}"
            raise NodeUnavailable(f"the node's answer is not understood ({said})") from error

    return asked


def headers_from(named: Mapping[str, SecretStr], file: Path | None) -> dict[str, str]:
    """The headers that a node wants. Refuses (ValueError) a file that is not there or not `Name: value` a line."""
    found = {name: value.get_secret_value() for name, value in named.items()}
    if file is None:
        return found
    try:
        lines = file.read_text().splitlines()
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from error
    for line in filter(str.strip, lines):
        name, colon, value = line.partition(":")
        if not (colon and name.strip() and value.strip()):
            raise ValueError(f"{file} must hold one `Name: value` a line")
        found[name.strip()] = value.strip()
    return found


class Rpc:
    """One node. At most `at_once` calls are under way: bitcoind's work queue answers 503 to more (chains.md 2.5)."""

    def __init__(
        self, url: str, *, headers: Mapping[str, str] | None = None, at_once: int = 6, timeout: float = 10.0
    ) -> None:
        own = {"content-type": "application/json", **(headers or {})}
        self._http = Outbound(url, headers=own, timeout=timeout, max_bytes=64 * MIB)
        self._slots = asyncio.Semaphore(at_once)
        self._timeout = timeout
        self._id = 0

    async def call(
        self, method: str, *params: Any, target: str = "", timeout: float | None = None, once: bool = False
    ) -> Any:
        """The result. Integers stay exact and fractions are Decimals. Raises RpcError, NodeUnavailable, AnswerLost.

        A node without room is asked again, unless `once`: what makes or sends something is for the caller to repeat.
        """
        request = self._request(method, params)
        answer = await (self._post if once else self._ask)(request, target, timeout)
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
        answers = await self._ask(requests, target, timeout)
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

    async def _ask(self, document: Any, target: str, timeout: float | None) -> Any:
        """With jitter, so that those whom the node turned away together do not come back together."""
        for again in range(1, _TRIES):
            try:
                return await self._post(document, target, timeout)
            except Busy:
                await asyncio.sleep(random.uniform(0.05, 0.2) * 2**again)  # noqa: S311  spreads load, hides nothing
        return await self._post(document, target, timeout)

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
            raise Busy(f"the node is too busy (HTTP {answer.status})")
        try:
            return json.loads(answer.body, parse_float=Decimal, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise AnswerLost(f"the node did not answer in JSON (HTTP {answer.status})") from error

    async def close(self) -> None:
        await self._http.close()


def _no_number(text: str) -> Any:
    """NaN and Infinity are no JSON, though Python takes them."""
    raise ValueError(text)


def _result(answer: dict[str, Any], method: str) -> Any:
    error = answer.get("error")
    if error is None:
        if "result" not in answer:
            raise AnswerLost(f"{method}: neither result nor error")
        return answer["result"]
    if not isinstance(error, dict) or type(error.get("code")) is not int:
        raise AnswerLost(f"{method}: an error that says nothing: {str(error)[:200]}")
    code, message = error["code"], str(error.get("message", ""))[:500]
    if code in _NOT_NOW:
        raise NodeUnavailable(f"the node is not ready: {message}")
    if code in _TOO_MANY:
        raise Busy(f"the node is too busy: {message}")
    if code in _NOT_UNDERSTOOD:
        raise NodeUnavailable(f"the node does not serve {method}: {code} {message}")
    if code == _INTERNAL:
        # It broke while it worked on this, and does not know how far it got either.
        raise AnswerLost(f"{method}: the node failed: {message}")
    raise RpcError(code, message, method)
