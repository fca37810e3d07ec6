"""From the api's process to the supervisor's door."""

import json
from typing import Any

from tidegate.config import Settings
from tidegate.http import NotSent, Outbound, OutboundError
from tidegate.refusal import Kind, Refusal

_RETRY_SECONDS = 2
_SECONDS = 60.0


async def ask_supervisor(settings: Settings, method: str, name: str, body: dict[str, Any] | None = None) -> Any:
    """Its answer. Refuses BUSY when there is no supervisor (an api that runs alone) or it does not answer."""
    network = (body or {}).get("network")
    if network is not None and network not in settings.networks:
        raise Refusal(Kind.UNKNOWN_NETWORK, "There is no such network here.", field="network")
    if not settings.sandbox.control_url:
        raise Refusal(Kind.BUSY, "Nobody runs this sandbox: start it by `tidegate up`.", retry_after=_RETRY_SECONDS)
    door = Outbound(settings.sandbox.control_url, timeout=_SECONDS)
    try:
        content = None if body is None else json.dumps(body).encode()
        answer = await door.call(method, f"/{name}", content=content, headers={"content-type": "application/json"})
    except OutboundError as error:
        happened = "" if isinstance(error, NotSent) else "; it is not known whether it acted"
        raise Refusal(Kind.BUSY, f"The supervisor does not answer{happened}.", retry_after=_RETRY_SECONDS) from error
    finally:
        await door.close()
    found = json.loads(answer.body)
    if answer.status == 422:
        raise Refusal(Kind.INVALID_REQUEST, found["detail"])
    if answer.status != 200:
        raise Refusal(Kind.BUSY, found["detail"], retry_after=_RETRY_SECONDS)
    return found
