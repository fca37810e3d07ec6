"""What an EVM transaction may do: make one authorised payout, or move our own coins between our own places."""

from tidegate.signer.rules import EvmSpend, Policy, Signed
from tidegate.signing.messages import Denied, Intent, Rule

GAS_FLOOR = 21_000
GAS_CEILING = 500_000
"""Many times what a token transfer takes: a recipient's code must not burn our coins as fee."""
GWEI = 10**9


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
    refusal = _check_gas(spend, policy)
    if refusal is not None:
        return refusal
    if spend.fee_units > intent.max_network_fee_units:
        return Denied(Rule.FEE_TOO_HIGH, "the fee may become more than the intent allows")
    return None


def _check_gas(spend: EvmSpend, policy: Policy) -> Denied | None:
    if spend.gas < GAS_FLOOR or spend.max_priority_fee_per_gas > spend.max_fee_per_gas:
        return Denied(Rule.MALFORMED, "the gas fields contradict each other")
    if spend.max_fee_per_gas > policy.max_fee_rate * GWEI or spend.gas > GAS_CEILING:
        return Denied(Rule.FEE_TOO_HIGH, "the fee per gas or the gas is above the configured bound")
    return None


def check_move(
    spend: EvmSpend, *, asset: str, units: int, place: str, policy: Policy, shared: bool = True
) -> Denied | None:
    """Do the bytes move this much of the asset to this place of ours, on this chain, for no more than a move may cost?

    `shared`: of ether, the fee is also at most a share of what is moved.
    """
    if spend.chain_id != policy.chain_id:
        return Denied(Rule.WRONG_NETWORK, f"chain id {spend.chain_id} is not {policy.network}'s")
    if (asset != policy.gas_asset and asset not in policy.contracts) or spend.contract != policy.contracts.get(asset):
        return Denied(Rule.WRONG_TOKEN, f"the bytes do not move {asset}")
    if spend.recipient != place or int(spend.recipient, 16) == 0:
        return Denied(Rule.WRONG_OUTPUT, "the recipient is not the place of this move")
    if units <= 0 or spend.units != units:
        return Denied(Rule.WRONG_AMOUNT, "the bytes move another amount than was asked for, or nothing")
    refusal = _check_gas(spend, policy)
    if refusal is not None:
        return refusal
    part = policy.max_move_share * units if shared and asset == policy.gas_asset else policy.max_move_fee
    if spend.fee_units > min(policy.max_move_fee, part):
        return Denied(Rule.FEE_TOO_HIGH, "the fee may become more than a move may cost")
    return None


def check_top_up(spend: EvmSpend, *, units: int, place: str, policy: Policy) -> Denied | None:
    """Do the bytes send a deposit address of ours (`place`) no more ether than a top-up may have?

    Its fee is no share of it: a little gas may be all that a token's sweep lacks.
    """
    if units > policy.max_top_up:
        return Denied(Rule.ABOVE_CAP, "above the largest top-up")
    if spend.gas != GAS_FLOOR:
        return Denied(Rule.MALFORMED, "a top-up is a plain transfer")
    return check_move(spend, asset=policy.gas_asset, units=units, place=place, policy=policy, shared=False)


def check_cancel(spend: EvmSpend, earlier: Signed | None, policy: Policy, ours: str) -> Denied | None:
    """Does the hot address send itself nothing, in place of that transaction and within its bound?"""
    if earlier is None:
        return Denied(Rule.WRONG_REPLACEMENT, "what it says it replaces was never signed")
    if spend.chain_id != policy.chain_id:
        return Denied(Rule.WRONG_NETWORK, f"chain id {spend.chain_id} is not {policy.network}'s")
    if spend.contract is not None or spend.recipient != ours or spend.units or spend.gas != GAS_FLOOR:
        return Denied(Rule.WRONG_OUTPUT, "a cancellation sends nothing to ourselves")
    refusal = _check_gas(spend, policy)
    if refusal is None and spend.fee_units > earlier.bound_units:
        return Denied(Rule.FEE_TOO_HIGH, "the fee may become more than that transaction's bound")
    return refusal
