"""What this signer signs. Pure: decided from the decoded bytes, the intents and the journal's memory; first no wins.

Nothing here trusts the asker: inputs, change, contracts, caps and chain ids come from the signer's own keys and
settings, amounts and recipients from the bytes that are about to be signed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tidegate.signing.messages import MOST_PAYOUTS, Authorisation, Denied, Intent, Payout, Rule

METHODS = {"totp"}
"""Ways to authorise that this signer knows."""

GAS_FLOOR = 21_000
GAS_CEILING = 500_000
"""Many times what a token transfer takes: a recipient's code must not burn our coins as fee."""
GWEI = 10**9
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


@dataclass(frozen=True, slots=True)
class Memory:
    """What the journal remembers that matters for a request.

    `digests`: payout → the digest it has for ever. `attempts`: payout → the transactions signed for it. `children`:
    txid → the transactions signed to bump it. `owners`: claim → the payouts of the newest transaction that makes it.
    `transactions`: by txid.
    """

    digests: Mapping[str, str]
    attempts: Mapping[str, Sequence[Signed]]
    children: Mapping[str, Sequence[Signed]]
    owners: Mapping[str, tuple[str, ...]]
    transactions: Mapping[str, Signed]


def nonce_claim(chain_id: int, nonce: int) -> str:
    """The chain is named by its id: the same nonce on another chain excludes nothing."""
    return f"evm/{chain_id}/nonce/{nonce}"


def outpoint_claim(network: str, outpoint: str) -> str:
    return f"{network}/{outpoint}"


def check_payouts(payouts: Sequence[Payout], policy: Policy, memory: Memory) -> Denied | None:
    """Is each of these intents authorised, for this network, and never asked for differently?"""
    ids = [payout.intent.payout_id for payout in payouts]
    if len(set(ids)) != len(ids) or not 1 <= len(ids) <= MOST_PAYOUTS:
        return Denied(Rule.MALFORMED, "a payout stands twice in one request, or none or too many do")
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


def _check_coins(spend: Spend) -> Denied | None:
    for coin in spend.inputs:
        if not coin.ours or not coin.sighash_all:
            return Denied(Rule.FOREIGN_INPUT, f"input {coin.outpoint} is not a plain coin of ours")
    if len({coin.outpoint for coin in spend.inputs}) != len(spend.inputs) or not spend.inputs:
        return Denied(Rule.MALFORMED, "no inputs, or one twice")
    if len(spend.inputs) > MOST_INPUTS:
        return Denied(Rule.MALFORMED, f"more than {MOST_INPUTS} inputs")
    return None


def check_bitcoin(spend: Spend, owed: Sequence[tuple[str, int]], bound_units: int, policy: Policy) -> Denied | None:
    """Does this transaction pay exactly `owed` (script, units) and our own change, from our own coins, at a fair fee?

    `bound_units` is the most that the intents together allow for the network's fee.
    """
    refusal = _check_coins(spend)
    if refusal is not None:
        return refusal
    open_payouts = list(owed)
    change = 0
    for output in spend.outputs:
        due = (output.script, output.units)
        if due in open_payouts:
            open_payouts.remove(due)
        elif any(script == output.script for script, _ in open_payouts):
            return Denied(Rule.WRONG_AMOUNT, "an output pays another amount than was authorised")
        elif not output.change:
            return Denied(Rule.WRONG_OUTPUT, "an output is neither an authorised payout nor our own change")
        else:
            change += 1
    if open_payouts:
        return Denied(Rule.WRONG_OUTPUT, "an authorised payout is not among the outputs")
    if change > 1:
        return Denied(Rule.WRONG_OUTPUT, "more than one change output")
    if not 0 <= spend.fee_units <= min(bound_units, policy.max_fee_rate * spend.vsize):
        return Denied(Rule.FEE_TOO_HIGH, f"the fee of {spend.fee_units} is above its bound")
    return None


def check_child(spend: Spend, parent: Signed | None, policy: Policy, memory: Memory) -> Denied | None:
    """Does this transaction spend our own change of that payment back to our own change, within the payment's bound?"""
    if parent is None or parent.parent or not parent.change:
        return Denied(Rule.WRONG_PARENT, "the parent is no payment of ours that leaves change")
    refusal = _check_coins(spend)
    if refusal is not None:
        return refusal
    if [coin.outpoint for coin in spend.inputs] != [parent.change]:
        return Denied(Rule.WRONG_PARENT, "a child spends its parent's change and nothing else")
    if memory.owners.get(outpoint_claim(policy.network, parent.change)):
        return Denied(Rule.WRONG_PARENT, "the parent's change pays another payout: replace that transaction instead")
    if len(spend.outputs) != 1 or not spend.outputs[0].change:
        return Denied(Rule.WRONG_OUTPUT, "a child pays our own change and nobody else")
    both = parent.fee_units + spend.fee_units
    if spend.fee_units < 0 or both > min(parent.bound_units, policy.max_fee_rate * (parent.vsize + spend.vsize)):
        return Denied(Rule.FEE_TOO_HIGH, f"parent and child together cost {both}, above their bound")
    if any(not _dearer((spend.fee_units,), earlier.price, policy) for earlier in memory.children.get(parent.txid, ())):
        return Denied(Rule.REPLACEMENT_TOO_CHEAP, "an earlier child of this parent pays as much")
    return None


def check_evm(spend: EvmSpend, intent: Intent, policy: Policy, ours: str) -> Denied | None:
    """Do the bytes pay the intent, on this chain, to somebody else's account, within the bounds of its fee?"""
    if spend.chain_id != policy.chain_id:
        return Denied(Rule.WRONG_NETWORK, f"chain id {spend.chain_id} is not {policy.network}'s")
    if spend.contract != policy.contracts.get(intent.asset):
        return Denied(Rule.WRONG_TOKEN, f"the bytes do not move {intent.asset}")
    if spend.recipient != intent.address or int(spend.recipient, 16) == 0:
        return Denied(Rule.WRONG_OUTPUT, "the recipient is not the authorised one, or nobody")
    if spend.recipient == ours or spend.recipient in policy.contracts.values():
        return Denied(Rule.WRONG_OUTPUT, "the recipient is our own account or a token's contract")
    if spend.units != intent.deliver_units:
        return Denied(Rule.WRONG_AMOUNT, "the bytes move another amount than was authorised")
    if spend.gas < GAS_FLOOR or spend.max_priority_fee_per_gas > spend.max_fee_per_gas:
        return Denied(Rule.MALFORMED, "the gas fields contradict each other")
    if spend.max_fee_per_gas > policy.max_fee_rate * GWEI or spend.gas > GAS_CEILING:
        return Denied(Rule.FEE_TOO_HIGH, "the fee per gas or the gas is above the configured bound")
    if spend.fee_units > intent.max_network_fee_units:
        return Denied(Rule.FEE_TOO_HIGH, "the fee may become more than the intent allows")
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
    if policy.kind == "evm" and any(set(memory.owners.get(claim, wanted)) != wanted for claim in claims):
        return Denied(Rule.NONCE_USED, "the nonce belongs to another payout")
    earlier = {signed.txid: signed for one in payout_ids for signed in memory.attempts.get(one, ())}
    if replaces and replaces not in earlier:
        return Denied(Rule.WRONG_REPLACEMENT, "what it says it replaces was not signed for these payouts")
    for signed in earlier.values():
        if not set(signed.claims) & set(claims):
            return Denied(Rule.SECOND_TRANSACTION, f"transaction {signed.txid} pays them and could be mined too")
        if not replaces:
            return Denied(Rule.SECOND_TRANSACTION, f"transaction {signed.txid} pays them and is not replaced by this")
        if set(signed.payouts) != wanted:
            return Denied(Rule.WRONG_REPLACEMENT, f"transaction {signed.txid} pays other payouts than these")
        if not _dearer(price, signed.price, policy):
            return Denied(Rule.REPLACEMENT_TOO_CHEAP, f"transaction {signed.txid} would be kept in place of this")
    return None


def _dearer(price: tuple[int, ...], earlier: tuple[int, ...], policy: Policy) -> bool:
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
