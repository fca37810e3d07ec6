"""What stands between our processes and a node: passes every call on, and can lose an answer or close on purpose.

Two things need it. A lost answer (`node_answer_dropped`): the node has acted, the caller never hears. And a node that
must not be decided from: it answers 503 with the reason, so that nothing is paid or credited by it.
"""

import json

from tidegate.http import NotSent, Outbound, OutboundError
from tidegate.sandbox.doors import Answer, Door, HangUp, Request
from tidegate.sandbox.rpc import NOT_NOW

_SENDING = frozenset({"sendrawtransaction", "eth_sendRawTransaction"})
# Longer than any caller of ours waits: the caller's own patience decides.
_SECONDS = 120.0
_MAX_BYTES = 256 * 1024 * 1024
_PASSED_ON = ("authorization", "content-type")


class Gate:
    """A reverse proxy on 127.0.0.1 in front of one node's JSON-RPC."""

    def __init__(self, port: int, upstream: str) -> None:
        self.door = Door(port, self._answer)
        self.closed_because: str | None = None
        self.drop_next = False
        self._upstream = Outbound(upstream, timeout=_SECONDS, max_bytes=_MAX_BYTES, max_connections=100)

    async def open(self) -> None:
        await self.door.open()

    async def close(self) -> None:
        await self.door.close()
        await self._upstream.close()

    async def _answer(self, request: Request) -> Answer:
        if self.closed_because is not None:
            return _not_now(request.body, self.closed_because)
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        try:
            got = await self._upstream.call(request.method, request.path, content=request.body, headers=headers)
        except NotSent:
            return _not_now(request.body, "The node is down.")
        except OutboundError as lost:
            # Nobody knows whether the node acted: neither shall the caller.
            raise HangUp from lost
        if self.drop_next and _sends(request.body):
            self.drop_next = False
            raise HangUp
        kept = {name: got.headers[name] for name in ("content-type", "www-authenticate") if name in got.headers}
        return Answer(got.status, got.body, kept)


def _not_now(body: bytes, why: str) -> Answer:
    """JSON-RPC's way to say it, with Bitcoin Core's code: nothing was done, ask again."""
    try:
        asked = json.loads(body)
    except ValueError:
        return Answer.text(503, why)
    errors = [
        {"jsonrpc": "2.0", "id": call.get("id"), "error": {"code": NOT_NOW, "message": why}}
        for call in (asked if isinstance(asked, list) else [asked])
        if isinstance(call, dict)
    ]
    return Answer.of(errors if isinstance(asked, list) else errors[0] if errors else {})


def _sends(body: bytes) -> bool:
    """Is one of the calls in this body the sending of a transaction?"""
    try:
        calls = json.loads(body)
    except ValueError:
        return False
    listed = calls if isinstance(calls, list) else [calls]
    return any(isinstance(call, dict) and call.get("method") in _SENDING for call in listed)
