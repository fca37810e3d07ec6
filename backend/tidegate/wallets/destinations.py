"""May money be sent there? The one judgement of a destination that quotes, withdrawals and saved addresses share."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.chains.port import Address, AddressProblem, Chain
from tidegate.config import Settings
from tidegate.database import Database
from tidegate.refusal import Kind, Refusal
from tidegate.wallets import rules, store
from tidegate.wallets.rules import BeneficiaryState
from tidegate.wire import time_text

LOOKALIKE = "lookalike_address"
"""Warning: begins and ends like an address this user saved or paid, and is another."""

_REFUSED = {
    AddressProblem.INVALID: (Kind.INVALID_ADDRESS, "This is not an address, or a character of it is wrong."),
    AddressProblem.WRONG_NETWORK: (Kind.WRONG_NETWORK, "This is an address of another network."),
    AddressProblem.FORBIDDEN: (
        Kind.FORBIDDEN_ADDRESS,
        "What is sent to this address is lost, so we do not send there.",
    ),
}


@dataclass(frozen=True, slots=True)
class Destination:
    """A payable address in its canonical spelling. `warnings` are for the user's eyes and refuse nothing."""

    address: str
    kind: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved destination that may be paid now."""

    id: uuid.UUID
    label: str
    asset: str
    network: str
    address: str


async def check(
    session: AsyncSession,
    *,
    chain: Chain,
    settings: Settings,
    user_id: uuid.UUID,
    network: str,
    asset: str,
    address: str,
    field: str = "address",
) -> Destination:
    """Judge an address to be paid. Reads only.

    Refuses UNKNOWN_NETWORK (the asset does not travel there), INVALID_ADDRESS, WRONG_NETWORK, FORBIDDEN_ADDRESS, and
    OWN_ADDRESS: money for another customer goes by internal transfer.
    """
    judged = _spelled(chain, settings, network=network, asset=asset, address=address, field=field)
    if _pays(chain, judged.text) or await owner(session, network=network, address=judged.text) is not None:
        raise _ours(field)
    warnings = judged.warnings
    known = await store.known_addresses(session, user_id=user_id, network=network)
    if rules.lookalike(judged.text, known) is not None:
        warnings += (LOOKALIKE,)
    return Destination(judged.text, judged.kind, warnings)


async def payable(
    db: Database, *, chain: Chain, settings: Settings, network: str, asset: str, address: str, field: str = "address"
) -> Destination:
    """`check` for a request that has been shown its warnings: the same refusals, and what is asked at once is one query."""
    judged = _spelled(chain, settings, network=network, asset=asset, address=address, field=field)
    if _pays(chain, judged.text) or await db.ask(store.owners, (network, judged.text)) is not None:
        raise _ours(field)
    return Destination(judged.text, judged.kind, judged.warnings)


def _spelled(chain: Chain, settings: Settings, *, network: str, asset: str, address: str, field: str) -> Address:
    """What can be said of an address without asking anybody."""
    allowed = settings.networks_of(asset)
    if network not in allowed:
        raise Refusal(
            Kind.UNKNOWN_NETWORK, f"{asset} does not travel over this network.", field="network", allowed=allowed
        )
    judged = chain.judge(address)
    if isinstance(judged, AddressProblem):
        kind, detail = _REFUSED[judged]
        raise Refusal(kind, detail, field=field)
    return judged


def _pays(chain: Chain, address: str) -> bool:
    """Is it the account that pays?"""
    return address == chain.hot_address


def _ours(field: str) -> Refusal:
    detail = "This is one of our own addresses. To pay somebody here, use an internal transfer: it is free."
    return Refusal(Kind.OWN_ADDRESS, detail, field=field)


async def owner(session: AsyncSession, *, network: str, address: str) -> uuid.UUID | None:
    """Whose deposit address this is (canonical spelling): the recipient of an internal transfer by address."""
    return await store.owner_of(session, network=network, address=address)


async def beneficiary(
    session: AsyncSession,
    *,
    user_id: uuid.UUID,
    beneficiary_id: uuid.UUID,
    asset: str,
    network: str,
    now: datetime,
) -> Saved:
    """A saved destination that may be paid now with that asset over that network.

    Refuses NOT_FOUND (also another user's, also archived), WRONG_NETWORK, QUOTE_KIND_MISMATCH (saved for another
    asset), CONFLICT (not confirmed), BENEFICIARY_COOLING_DOWN with `available_at`, POLICY_BLOCKED (suspended).
    """
    row = await store.beneficiary(session, user_id=user_id, beneficiary_id=beneficiary_id)
    if row is None or row.state == BeneficiaryState.ARCHIVED:
        raise Refusal(Kind.NOT_FOUND, "There is no such saved address.", field="beneficiary_id")
    if row.network != network:
        raise Refusal(Kind.WRONG_NETWORK, "This address is saved for another network.", field="beneficiary_id")
    if row.asset != asset:
        detail = f"This address is saved for {row.asset}."
        raise Refusal(Kind.QUOTE_KIND_MISMATCH, detail, field="beneficiary_id")
    state = rules.beneficiary_state(BeneficiaryState(row.state), row.available_at, now)
    if state is BeneficiaryState.COOLING_DOWN:
        assert row.available_at is not None
        raise Refusal(
            Kind.BENEFICIARY_COOLING_DOWN,
            "This address was added a short while ago and cannot be paid yet.",
            field="beneficiary_id",
            available_at=time_text(row.available_at),
        )
    if state is BeneficiaryState.PENDING_CONFIRMATION:
        raise Refusal(Kind.CONFLICT, "Confirm this address with your second factor first.", field="beneficiary_id")
    if state is not BeneficiaryState.ACTIVE:
        raise Refusal(Kind.POLICY_BLOCKED, "This address is suspended.", field="beneficiary_id")
    return Saved(row.id, row.label, row.asset, row.network, row.address)
