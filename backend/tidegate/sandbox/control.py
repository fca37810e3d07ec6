"""The supervisor's door: what the api's sandbox routes ask it to do. Loopback, and its path holds the secret."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from tidegate.http import Outbound, OutboundError
from tidegate.sandbox.blocks import BlockMaker
from tidegate.sandbox.doors import Answer, Door, Request
from tidegate.sandbox.gate import Gate
from tidegate.sandbox.rpc import RpcGone, RpcRefused
from tidegate.sandbox.supervisor import Supervisor

T = TypeVar("T")

FAULTS = {
    "venue_timeout_after_accept": "The exchange executes the next order, and its answer never comes.",
    "node_answer_dropped": "The node takes the next transaction it is sent, and its answer never comes.",
    "reorg": "The last blocks of a network are replaced by empty ones, once.",
    "worker_killed": "The worker is killed and kept down until this is switched off.",
    "mining_paused": "No new blocks until this is switched off.",
}
_MOST_BLOCKS = 200
_DEEPEST_REORG = 30


class Wrong(Exception):
    """The request cannot be done as it stands."""


class Control:
    """Chaos and mining, by name."""

    def __init__(
        self,
        port: int,
        secret: str,
        *,
        supervisor: Supervisor,
        makers: dict[str, BlockMaker],
        gates: dict[str, Gate],
        venue_urls: Mapping[str, str],
    ) -> None:
        self.door = Door(port, self._answer)
        self._secret = secret
        self._supervisor = supervisor
        self._makers = makers
        self._gates = gates
        self._venues = {name: Outbound(url, timeout=5) for name, url in venue_urls.items()}
        self._routes: dict[tuple[str, str], Callable[[dict[str, Any]], Awaitable[Any]]] = {
            ("GET", "chaos"): self._list,
            ("POST", "chaos"): self._switch,
            ("POST", "mine"): self._mine,
        }

    async def open(self) -> None:
        await self.door.open()

    async def close(self) -> None:
        await self.door.close()
        for venue in self._venues.values():
            await venue.close()

    async def _answer(self, request: Request) -> Answer:
        secret, _, name = request.path.removeprefix("/").partition("/")
        route = self._routes.get((request.method, name))
        if secret != self._secret or route is None:
            return Answer.of({"detail": "There is nothing here."}, 404)
        try:
            return Answer.of(await route(json.loads(request.body) if request.body else {}))
        except Wrong as wrong:
            return Answer.of({"detail": str(wrong)}, 422)
        except (RpcGone, RpcRefused, OutboundError) as failure:
            return Answer.of({"detail": f"The part that this needs did not answer: {failure}"}, 503)

    async def _mine(self, asked: dict[str, Any]) -> dict[str, int]:
        return {"height": await self._maker(asked).mine(_between(asked.get("blocks", 1), 1, _MOST_BLOCKS))}

    async def _list(self, _: dict[str, Any]) -> dict[str, Any]:
        paused = sorted(name for name, maker in self._makers.items() if maker.paused)
        dropping = sorted(name for name, gate in self._gates.items() if gate.drop_next)
        worker = self._supervisor.children.get("worker")
        silent = await self._silent()
        on = {
            "venue_timeout_after_accept": bool(silent),
            "node_answer_dropped": bool(dropping),
            "reorg": False,
            "worker_killed": worker is not None and not worker.may_run.is_set(),
            "mining_paused": bool(paused),
        }
        networks = {"node_answer_dropped": dropping, "mining_paused": paused}
        venues = {"venue_timeout_after_accept": silent}
        items = [
            {
                "fault": name,
                "on": on[name],
                "networks": networks.get(name, []),
                "venues": venues.get(name, []),
                "what": what,
            }
            for name, what in FAULTS.items()
        ]
        return {"items": items, "venues": list(self._venues)}

    async def _switch(self, asked: dict[str, Any]) -> dict[str, Any]:
        fault, on = asked["fault"], asked["on"]
        if fault == "venue_timeout_after_accept":
            await self._set_venue_fault(fault, on, self._named(self._venues, asked, "venue"))
        elif fault == "worker_killed":
            if on:
                await self._supervisor.kill("worker")
            else:
                self._supervisor.revive("worker")
        elif fault == "mining_paused":
            for maker in self._named(self._makers, asked):
                maker.paused = on
        elif fault == "node_answer_dropped":
            for gate in self._named(self._gates, asked):
                gate.drop_next = on
        elif fault == "reorg" and on:
            await self._maker(asked).reorg(_between(asked.get("blocks", 1), 1, _DEEPEST_REORG))
        return await self._list({})

    def _maker(self, asked: dict[str, Any]) -> BlockMaker:
        found = self._makers.get(asked.get("network") or "")
        if found is None:
            raise Wrong(f"Name a network: {' or '.join(self._makers)}.")
        return found

    @staticmethod
    def _named(among: dict[str, T], asked: dict[str, Any], kind: str = "network") -> list[T]:
        """That of the network or exchange which was named, or all."""
        name = asked.get(kind)
        if name is None:
            return list(among.values())
        if name not in among:
            raise Wrong(f"Name {'an exchange' if kind == 'venue' else 'a network'}: {' or '.join(among)}.")
        return [among[name]]

    async def _silent(self) -> list[str]:
        """Exchanges where it is on. Of one that does not answer nothing is known."""
        found = []
        for name, venue in self._venues.items():
            try:
                answer = await venue.call("GET", "/_sandbox/faults")
                items = json.loads(answer.body)["items"]
            except (OutboundError, ValueError, KeyError):
                continue
            if any(item["fault"] == "venue_timeout_after_accept" and item["on"] for item in items):
                found.append(name)
        return found

    @staticmethod
    async def _set_venue_fault(fault: str, on: bool, venues: Sequence[Outbound]) -> None:
        body = json.dumps({"fault": fault, "on": on}).encode()
        headers = {"content-type": "application/json"}
        for venue in venues:
            answer = await venue.call("POST", "/_sandbox/faults", content=body, headers=headers)
            if answer.status != 200:
                raise Wrong(f"The venue refuses: {answer.body[:200].decode(errors='replace')}")


def _between(value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise Wrong(f"blocks: from {least} to {most}.")
    return value
