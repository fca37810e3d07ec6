"""What this signer signs. Pure: decided from the decoded bytes, the intents and the journal's memory; first no wins.

Nothing here trusts the asker: inputs, change, contracts, caps and chain ids come from the signer's own keys and
settings, amounts from the bytes that are about to be signed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tidegate.signing.messages import Authorisation, Denied, Intent, Payout, Rule, SignEvm

METHODS = {"totp"}
"""Ways to authorise that this signer knows."""

GAS_FLOOR = 21_000
GWEI = 10**9


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


@dataclass(frozen=True, slots=True)
class Memory:
    """What the journal remembers that matters for a request.

    `digests`: payout → the digest it was first asked for with. `attempts`: payout → for each transaction signed for
    it, what that transaction claims (outpoints, or network and nonce). `owners`: claimed nonce → its payout.
    """

    digests: Mapping[str, str]
    attempts: Mapping[str, Sequence[Collection[str]]]
    owners: Mapping[str, str]


def nonce_claim(network: str, nonce: int) -> str:
    return f"{network}/nonce/{nonce}"


def outpoint_claim(network: str, outpoint: str) -> str:
    return f"{network}/{outpoint}"


def check_payouts(payouts: Sequence[Payout], policy: Policy | None, memory: Memory) -> Denied | None:
    """Are these intents ones that may be paid at all, each authorised and never asked for differently?"""
    if policy is None:
        return Denied(Rule.WRONG_NETWORK, "this signer has no such network")
    ids = [payout.intent.payout_id for payout in payouts]
    if len(set(ids)) != len(ids):
        return Denied(Rule.MALFORMED, "a payout stands twice in one request")
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
    if memory.digests.get(intent.payout_id, digest) != digest:
        return Denied(Rule.SECOND_DIGEST, f"payout {intent.payout_id} was asked for with another intent before")
    if intent.network != policy.network:
        return Denied(Rule.WRONG_NETWORK, "one request pays on one network")
    if intent.asset != policy.gas_asset and intent.asset not in policy.contracts:
        return Denied(Rule.WRONG_TOKEN, f"no contract for {intent.asset} on {policy.network}")
    if intent.deliver_units <= 0:
        return Denied(Rule.WRONG_AMOUNT, f"payout {intent.payout_id} delivers nothing")
    cap = policy.caps.get(intent.asset)
    if cap is None:
        return Denied(Rule.ABOVE_CAP, f"no largest payout is set for {intent.asset}")
    if intent.deliver_units > cap:
        return Denied(Rule.ABOVE_CAP, f"payout {intent.payout_id} is above the largest payout of {intent.asset}")
    return None


def check_bitcoin(spend: Spend, owed: Sequence[tuple[str, int]], bound_units: int, policy: Policy) -> Denied | None:
    """Does this transaction pay exactly `owed` (script, units) and our own change, from our own coins, at a fair fee?

    `bound_units` is the most that the intents together allow for the network's fee.
    """
    for coin in spend.inputs:
        if not coin.ours or not coin.sighash_all:
            return Denied(Rule.FOREIGN_INPUT, f"input {coin.outpoint} is not a plain coin of ours")
    if len({coin.outpoint for coin in spend.inputs}) != len(spend.inputs) or not spend.inputs:
        return Denied(Rule.MALFORMED, "no inputs, or one twice")
    open_payouts = list(owed)
    for output in spend.outputs:
        due = (output.script, output.units)
        if due in open_payouts:
            open_payouts.remove(due)
        elif any(script == output.script for script, _ in open_payouts):
            return Denied(Rule.WRONG_AMOUNT, "an output pays another amount than was authorised")
        elif not output.change:
            return Denied(Rule.WRONG_OUTPUT, "an output is neither an authorised payout nor our own change")
    if open_payouts:
        return Denied(Rule.WRONG_OUTPUT, "an authorised payout is not among the outputs")
    if sum(output.change for output in spend.outputs) > 1:
        return Denied(Rule.WRONG_OUTPUT, "more than one change output")
    if not 0 <= spend.fee_units <= min(bound_units, policy.max_fee_rate * spend.vsize):
        return Denied(Rule.FEE_TOO_HIGH, f"the fee of {spend.fee_units} is above its bound")
    return None


def check_evm(request: SignEvm, policy: Policy, forbidden: Collection[str]) -> Denied | None:
    """Are the gas fields within bounds and is the recipient somebody else's account? `forbidden` are EIP-55."""
    if request.chain_id != policy.chain_id:
        return Denied(Rule.WRONG_NETWORK, f"chain id {request.chain_id} is not {policy.network}'s")
    if request.intent.address in forbidden or request.intent.address in policy.contracts.values():
        return Denied(Rule.WRONG_OUTPUT, "the recipient is no one's account, or our own")
    if request.gas < GAS_FLOOR or request.max_priority_fee_per_gas > request.max_fee_per_gas:
        return Denied(Rule.MALFORMED, "the gas fields contradict each other")
    if request.max_fee_per_gas > policy.max_fee_rate * GWEI:
        return Denied(Rule.FEE_TOO_HIGH, "the fee per gas is above the configured rate")
    if request.gas * request.max_fee_per_gas > request.intent.max_network_fee_units:
        return Denied(Rule.FEE_TOO_HIGH, "the fee may become more than the intent allows")
    return None


def check_history(payout_ids: Sequence[str], claims: Collection[str], memory: Memory) -> Denied | None:
    """Can no earlier transaction for these payouts ever be mined beside this one, and is each nonce its payout's own?

    Two transactions exclude each other when they share a coin or a nonce.
    """
    for claim in claims:
        if memory.owners.get(claim, payout_ids[0]) != payout_ids[0]:
            return Denied(Rule.NONCE_USED, "the nonce belongs to another payout")
    for payout_id in payout_ids:
        for earlier in memory.attempts.get(payout_id, ()):
            if not set(earlier) & set(claims):
                return Denied(
                    Rule.SECOND_TRANSACTION, f"payout {payout_id} has a signed transaction that could be mined too"
                )
    return None
