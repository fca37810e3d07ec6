"""May money be sent there? The one judgement of a destination that quotes, withdrawals and saved addresses share."""

import asyncio
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from tidegate.chains.port import Address, AddressProblem, Chain, NodeUnavailable, Occupant
from tidegate.config import Settings
from tidegate.database import Database
from tidegate.refusal import Kind, Refusal
from tidegate.wallets import rules, store
from tidegate.wallets.rules import BeneficiaryState, Known
from tidegate.wire import time_text

LOOKALIKE = "lookalike_address"
"""Warning: begins and ends like an address this user saved, paid or is paid at, and is another."""
CONTRACT = "contract"
"""Warning: a contract, not a person's account; it may not pass the money on."""
OTHER_NETWORK = "used_on_other_network"
"""Warning: this user knows it from another network of the same kind alone."""
LOOK_SECONDS = 3.0
"""How long a question waits for a node; a payment waits for as long as it takes."""

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
    """A payable address in its canonical spelling. `warnings` are for the user's eyes and refuse nothing; `twin` is the
    known address that it looks like."""

    address: str
    kind: str
    warnings: tuple[str, ...] = ()
    twin: Known | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved destination that may be paid now."""

    id: uuid.UUID
    label: str
    asset: str
    network: str
    address: str


async def look(chain: Chain, text: str) -> Occupant | None:
    """Who stands at a text's address, for `check`. None when the node cannot say at once, or it is no address.

    To be asked with no transaction open. What nobody could say here is asked again by `last_look`, before anything is
    reserved: a node that is down stops payments there, not questions here.
    """
    judged = chain.judge(text)
    if isinstance(judged, AddressProblem):
        return None
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return await chain.occupant(judged.text)
    except (NodeUnavailable, TimeoutError):
        return None


async def last_look(chain: Chain, *, asset: str, address: str, units: int) -> str | None:
    """Why this very payment must not be made, by what the chain says now; None when it may. Raises NodeUnavailable."""
    if (await chain.occupant(address)).ours:
        return "This is one of our own addresses."
    if await chain.turns_down(asset, address, units):
        return "The recipient's contract does not take this payment."
    return None


async def check(
    session: AsyncSession,
    *,
    chain: Chain,
    settings: Settings,
    user_id: uuid.UUID,
    network: str,
    asset: str,
    address: str,
    occupant: Occupant | None,
    field: str = "address",
) -> Destination:
    """Judge an address to be paid. Reads only; `occupant` is what `look` found.

    Refuses UNKNOWN_NETWORK (the asset does not travel there), INVALID_ADDRESS, WRONG_NETWORK, FORBIDDEN_ADDRESS, and
    OWN_ADDRESS: money for another customer goes by internal transfer.
    """
    judged = _spelled(chain, settings, network=network, asset=asset, address=address, field=field)
    family = _family(settings, network)
    holder = await store.owner_of(session, network=network, address=judged.text)
    if holder is not None or _pays(chain, judged.text) or (occupant is not None and occupant.ours):
        raise _ours(field, mine=holder == user_id)
    warnings = list(judged.warnings)
    if occupant is not None and occupant.contract:
        warnings.append(CONTRACT)
    known = await store.known_addresses(session, user_id=user_id, networks=family)
    if rules.only_elsewhere(judged.text, network, known):
        warnings.append(OTHER_NETWORK)
    twin = rules.lookalike(judged.text, known)
    if twin is not None:
        warnings.append(LOOKALIKE)
    return Destination(judged.text, judged.kind, tuple(warnings), twin)


async def payable(
    db: Database, *, chain: Chain, settings: Settings, network: str, asset: str, address: str, field: str = "address"
) -> Destination:
    """`check` for a request that has been shown its warnings: the same refusals as far as no node has to be asked, and
    what is asked at once is one query."""
    judged = _spelled(chain, settings, network=network, asset=asset, address=address, field=field)
    if _pays(chain, judged.text):
        raise _ours(field)
    for name in _family(settings, network):
        if await db.ask(store.owners, (name, judged.text)) is not None:
            raise _ours(field)
    return Destination(judged.text, judged.kind, judged.warnings)


async def old_enough(
    session: AsyncSession,
    *,
    settings: Settings,
    user_id: uuid.UUID,
    network: str,
    asset: str,
    address: str,
    now: datetime,
) -> None:
    """A bare address must be as well known as a saved one: without this, typing it would pass the cool-down by.

    Refuses BENEFICIARY_COOLING_DOWN with the earliest `available_at`. `address` is canonical.
    """
    seconds = settings.compliance.new_address_cooldown_seconds
    if not seconds:
        return
    saved_from, paid_since = await store.payable_since(
        session, user_id=user_id, network=network, asset=asset, address=address
    )
    available_at = rules.payable_from(saved_from, paid_since, timedelta(seconds=seconds), now)
    if available_at > now:
        detail = "This address is new. Save and confirm it; it can be paid when its waiting time is over."
        if saved_from is not None:
            detail = "This address was added a short while ago and cannot be paid yet."
        raise Refusal(Kind.BENEFICIARY_COOLING_DOWN, detail, field="address", available_at=time_text(available_at))


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


def _family(settings: Settings, network: str) -> list[str]:
    """Networks on which the same address has the same owner: all EVM ones, or that bitcoin network alone."""
    kind = settings.networks[network].kind
    return [name for name, one in settings.networks.items() if name == network or kind == one.kind == "evm"]


def _pays(chain: Chain, address: str) -> bool:
    """Is it the account that pays?"""
    return address == chain.hot_address


def _ours(field: str, *, mine: bool = False) -> Refusal:
    detail = "This is one of our own addresses. To pay somebody here, use an internal transfer: it is free."
    if mine:
        detail = "This is your own deposit address: the money would leave and come back, less the fee."
    return Refusal(Kind.OWN_ADDRESS, detail, field=field)


@dataclass(frozen=True, slots=True)
class Occupied:
    """A deposit address of ours (canonical spelling) and whose it is."""

    user_id: uuid.UUID
    network: str
    address: str


async def customer_at(
    session: AsyncSession, *, chains: Mapping[str, Chain], settings: Settings, asset: str, address: str, field: str
) -> Occupied | None:
    """The recipient of an internal transfer by address; None where it is no customer's.

    Refuses WRONG_NETWORK for an address over whose networks this asset does not travel, INVALID_ADDRESS and
    FORBIDDEN_ADDRESS.
    """
    problems: set[AddressProblem] = set()
    spelled = False
    for network in settings.networks_of(asset):
        judged = chains[network].judge(address)
        if isinstance(judged, AddressProblem):
            problems.add(judged)
            continue
        spelled = True
        user_id = await store.owner_of(session, network=network, address=judged.text)
        if user_id is not None:
            return Occupied(user_id, network, judged.text)
    if spelled:
        return None
    # That another network has such addresses says more than that this one has not.
    telling = (AddressProblem.WRONG_NETWORK, AddressProblem.FORBIDDEN, AddressProblem.INVALID)
    kind, detail = _REFUSED[next(one for one in telling if one in problems or one is AddressProblem.INVALID)]
    raise Refusal(kind, detail, field=field)


async def deposit_addresses(session: AsyncSession, *, network: str, addresses: Collection[str]) -> set[str]:
    """Those of these addresses that were handed out to customers."""
    if not addresses:
        return set()
    family = rules.family(network, next(iter(addresses)))
    return set(await store.owners_of(session, family=family, addresses=sorted(addresses)))


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
