"""Builds that are broken on purpose, so that it is proven that the harness finds what it is there to find.

Each is called in a process of its own before that process serves (nursery.py), and nowhere else.
"""

from typing import Any

from tidegate import failpoints
from tidegate.signing.messages import Approved
from tidegate.transactions import store, together
from tidegate.treasury import reserve, spend


def sends_before_it_commits() -> None:
    """A worker that has a payment signed and sent while the commit that reserves its coins or nonce is still open."""
    spenders: list[spend.Spender] = []
    real, real_batch, real_one = reserve.reserve, reserve.add_batch, reserve._add

    async def remembering(spender: spend.Spender, *given: Any, **named: Any) -> Any:
        spenders[:] = [spender]
        return await real(spender, *given, **named)

    async def batch(session: Any, *given: Any, **named: Any) -> Any:
        return await _sent(spenders[0], session, await real_batch(session, *given, **named))

    async def one(session: Any, *given: Any, **named: Any) -> Any:
        return await _sent(spenders[0], session, await real_one(session, *given, **named))

    reserve.reserve, reserve.add_batch, reserve._add = remembering, batch, one


async def _sent(spender: spend.Spender, session: Any, whole: Any) -> Any:
    rows = await store.by_ids(session, [one.payout_id for one in whole.payouts])
    answer = await spend.ask_signer(spender, whole, whole.members[-1], together.authorised(rows))
    if isinstance(answer, Approved):
        await spender.chains[whole.set.network].submit(answer.raw)
        failpoints.reach("P13.send:after")
    return whole


def forgets_what_it_signed() -> None:
    """A signer without a memory: it signs a second transaction for a payout as gladly as the first."""
    from tidegate.signer import desk
    from tidegate.signer.journal import Journal

    def nothing(*_: Any, **__: Any) -> None:
        return None

    Journal.answered = nothing  # type: ignore[method-assign]  # that is what is broken
    Journal.record = nothing  # type: ignore[method-assign]
    desk.check_history = nothing  # type: ignore[attr-defined]
