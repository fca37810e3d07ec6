"""What this signer signs. Pure: decided from the decoded bytes, the intents and the journal's memory; first no wins.

Nothing here trusts the asker: inputs, change, contracts, caps and chain ids come from the signer's own keys and
settings, amounts and recipients from the bytes that are about to be signed. Here is what holds for every kind of
request; what a transaction of each family may do stands in bitcoin_rules and evm_rules.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol, TypeVar

from tidegate.signing.messages import MOST_PAYOUTS, Authorisation, Denied, Intent, Payout, Rule

METHODS = {"totp"}
"""Ways to authorise that this signer knows."""

MOST_INPUTS = 200


@dataclass(frozen=True, slots=True)
class Policy:
    """One network's bounds, from the signer's own settings."""

    network: str
    kind: str  # "bitcoin" or "evm"
    max_fee_rate: int  # sat/vB, or gwei per gas
    caps: Mapping[str, int]  # base units by asset; an asset without a cap is never paid
    gas_asset: str
    chain_id: int = 0
    contracts: Mapping[str, str] = field(default_factory=dict)  # EIP-55, by asset
    hourly: Mapping[str, int] = field(default_factory=dict)  # base units by asset, over all networks
    daily: Mapping[str, int] = field(default_factory=dict)
    cold: str = ""  # the one address that moves to cold storage may pay; empty: there is none
    venues: Mapping[tuple[str, str], str] = field(default_factory=dict)  # by exchange and asset, our address there
    max_to_venue: Mapping[str, int] = field(default_factory=dict)  # base units by asset, for one move to an exchange
    max_move_fee: int = 0  # base units of the gas asset, for one move of the house
    max_move_share: Fraction = Fraction(0)  # and of what it moves, where that is the gas asset
    max_top_up: int = 0  # base units of the gas asset, for one top-up of a deposit address


@dataclass(frozen=True, slots=True)
class Input:
    """A coin to be spent. `ours` is proven: the parent transaction is in the PSBT and the script is derived by us."""

    outpoint: str
    units: int
    ours: bool
    sighash_all: bool


@dataclass(frozen=True, slots=True)
class Output:
    """`script` in hex; `change` is proven: the script is derived by us on the internal chain."""

    script: str
    units: int
    change: bool


@dataclass(frozen=True, slots=True)
class Spend:
    """A decoded Bitcoin transaction. `vsize` is what it will have once signed."""

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    vsize: int

    @property
    def fee_units(self) -> int:
        return sum(i.units for i in self.inputs) - sum(o.units for o in self.outputs)

    @property
    def change_place(self) -> int | None:
        """Which output is our change."""
        return next((place for place, output in enumerate(self.outputs) if output.change), None)


@dataclass(frozen=True, slots=True)
class EvmSpend:
    """A decoded EIP-1559 transaction. `contract` is the token's, None for ether; addresses are EIP-55."""

    chain_id: int
    nonce: int
    max_priority_fee_per_gas: int
    max_fee_per_gas: int
    gas: int
    contract: str | None
    recipient: str
    units: int

    @property
    def fee_units(self) -> int:
        return self.gas * self.max_fee_per_gas


@dataclass(frozen=True, slots=True)
class Signed:
    """A transaction that the journal holds. `claims`: what no other transaction can use beside it.

    `price` is what a replacement must beat: the fee in satoshi, or the most per gas and the tip. `bound_units` is the
    most that its payouts allow for the network's fee. `change` is the outpoint of our change, if there is one.
    """

    txid: str
    payouts: tuple[str, ...]
    claims: tuple[str, ...]
    price: tuple[int, ...]
    fee_units: int
    bound_units: int = 0
    vsize: int = 0
    change: str = ""
    parent: str = ""


T = TypeVar("T", covariant=True)


class Known(Protocol[T]):
    """What is known under a name; `get` answers None, or nothing in a list, for what is not."""

    def get(self, name: str, /) -> T: ...
    def __contains__(self, name: str, /) -> bool: ...
    def __len__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Memory:
    """What the journal remembers that matters for a request.

    `digests`: payout → the digest it has for ever. `attempts`: payout or move → the transactions signed for it, but for
    those that a person has declared dead. `children`: txid → the transactions signed to bump it. `owners`: claim → the
    payouts of the newest transaction that makes it. `transactions`: by txid.
    """

    digests: Known[str | None]
    attempts: Known[Sequence[Signed]]
    children: Known[Sequence[Signed]]
    owners: Known[tuple[str, ...] | None]
    transactions: Known[Signed | None]


def nonce_claim(chain_id: int, nonce: int, index: int | None = None) -> str:
    """A nonce of the hot address, or of deposit address `index`. The chain is named by its id: the same nonce on
    another chain excludes nothing."""
    return f"evm/{chain_id}/nonce/{nonce}" if index is None else f"evm/{chain_id}/deposit/{index}/nonce/{nonce}"


def outpoint_claim(network: str, outpoint: str) -> str:
    return f"{network}/{outpoint}"


MOVES = "move/"


def move_key(move_id: str) -> str:
    """The name under which the journal keeps a move of the house; no payout has such a one (`check_payouts`)."""
    return MOVES + move_id


def check_payouts(payouts: Sequence[Payout], policy: Policy, memory: Memory) -> Denied | None:
    """Is each of these intents authorised, for this network, and never asked for differently?"""
    ids = [payout.intent.payout_id for payout in payouts]
    if len(set(ids)) != len(ids) or not 1 <= len(ids) <= MOST_PAYOUTS:
        return Denied(Rule.MALFORMED, "a payout stands twice in one request, or none or too many do")
    if any(one.startswith(MOVES) for one in ids):
        return Denied(Rule.MALFORMED, "a payout with the name of a move")
    for payout in payouts:
        refusal = _check_payout(payout.intent, payout.authorisation, policy, memory)
        if refusal is not None:
            return refusal
    return None


def _check_payout(intent: Intent, authorisation: Authorisation, policy: Policy, memory: Memory) -> Denied | None:
    digest = intent.digest()
    if authorisation.digest != digest or authorisation.user_id != intent.user_id:
        return Denied(Rule.DIGEST_MISMATCH, f"payout {intent.payout_id}: authorised was another intent")
    if authorisation.method not in METHODS:
        return Denied(Rule.DIGEST_MISMATCH, f"payout {intent.payout_id}: unknown kind of authorisation")
    if memory.digests.get(intent.payout_id) not in (None, digest):
        return Denied(Rule.SECOND_DIGEST, f"payout {intent.payout_id} was asked for with another intent before")
    if intent.network != policy.network:
        return Denied(Rule.WRONG_NETWORK, "one request pays on one network")
    if intent.asset != policy.gas_asset and intent.asset not in policy.contracts:
        return Denied(Rule.WRONG_TOKEN, f"no contract for {intent.asset} on {policy.network}")
    if intent.deliver_units <= 0:
        return Denied(Rule.WRONG_AMOUNT, f"payout {intent.payout_id} delivers nothing")
    return None


def check_caps(payouts: Sequence[Payout], policy: Policy) -> Denied | None:
    """Is no payout above the largest one of its asset?"""
    for intent in (payout.intent for payout in payouts):
        cap = policy.caps.get(intent.asset)
        if cap is None:
            return Denied(Rule.ABOVE_CAP, f"no largest payout is set for {intent.asset}")
        if intent.deliver_units > cap:
            return Denied(Rule.ABOVE_CAP, f"payout {intent.payout_id} is above the largest payout of {intent.asset}")
    return None


def check_history(
    payout_ids: Sequence[str],
    claims: Collection[str],
    price: tuple[int, ...],
    replaces: str,
    policy: Policy,
    memory: Memory,
) -> Denied | None:
    """Can no earlier transaction for these payouts ever be mined beside this one?

    Two transactions exclude each other when they share a coin or a nonce. A replacement says which transaction it
    replaces, pays exactly the same payouts as every earlier one, excludes each of them and pays more than each.
    """
    wanted = set(payout_ids)
    if policy.kind == "evm" and any(set(memory.owners.get(claim) or wanted) != wanted for claim in claims):
        return Denied(Rule.NONCE_USED, "the nonce belongs to another payout or move")
    earlier = {signed.txid: signed for one in payout_ids for signed in memory.attempts.get(one)}
    if replaces and replaces not in earlier:
        return Denied(Rule.WRONG_REPLACEMENT, "what it says it replaces was not signed for these payouts")
    for signed in earlier.values():
        if not set(signed.claims) & set(claims):
            return Denied(Rule.SECOND_TRANSACTION, f"transaction {signed.txid} pays them and could be mined too")
        if not replaces:
            return Denied(Rule.SECOND_TRANSACTION, f"transaction {signed.txid} pays them and is not replaced by this")
        if set(signed.payouts) != wanted:
            return Denied(Rule.WRONG_REPLACEMENT, f"transaction {signed.txid} pays other payouts than these")
        if not dearer(price, signed.price, policy):
            return Denied(Rule.REPLACEMENT_TOO_CHEAP, f"transaction {signed.txid} would be kept in place of this")
    return None


def dearer(price: tuple[int, ...], earlier: tuple[int, ...], policy: Policy) -> bool:
    """Would a node take it in place of the earlier one? On EVM chains both fees are 12.5 % up (chains.md 3.2)."""
    if len(price) != len(earlier):
        return False
    if policy.kind == "evm":
        return all(8 * new >= 9 * old for new, old in zip(price, earlier, strict=True))
    return price > earlier


def added(payouts: Sequence[Payout], fee_units: int, earlier: Sequence[Signed], gas_asset: str) -> dict[str, int]:
    """What a signature can cost us by asset, beyond what the earlier ones that it excludes could: at most one is mined."""
    if earlier:
        more = max(0, fee_units - max(signed.fee_units for signed in earlier))
        return {gas_asset: more}
    total = {gas_asset: fee_units}
    for intent in (payout.intent for payout in payouts):
        total[intent.asset] = total.get(intent.asset, 0) + intent.deliver_units
    return total


def moves_of(gas_asset: str) -> str:
    """The name of the total that a network's house moves count in, beside the asset's own."""
    return f"{gas_asset}/moves"


def check_totals(
    more: Mapping[str, int], hour: Mapping[str, int], day: Mapping[str, int], policy: Policy
) -> Denied | None:
    """Do the signatures of the last hour and of the last 24 hours stay within their totals with this one?"""
    windows = ((Rule.OVER_HOURLY, hour, policy.hourly), (Rule.OVER_DAILY, day, policy.daily))
    for rule, spent, limits in windows:
        for asset, units in more.items():
            limit = limits.get(asset)
            if units and limit is not None and spent.get(asset, 0) + units > limit:
                return Denied(rule, f"with this, {asset} would pass the total of {limit} base units")
    return None
