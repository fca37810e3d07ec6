"""What a Bitcoin transaction may do: pay authorised payouts, bump one of ours, or move our coins between our places."""

from collections.abc import Sequence

from tidegate.signer.rules import MOST_INPUTS, Memory, Policy, Signed, Spend, dearer, outpoint_claim
from tidegate.signing.messages import Denied, Rule

MOST_CONSOLIDATED = 100


def check_coins(spend: Spend) -> Denied | None:
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
    refusal = check_coins(spend)
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
    refusal = check_coins(spend)
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
    if any(not dearer((spend.fee_units,), earlier.price, policy) for earlier in memory.children.get(parent.txid)):
        return Denied(Rule.REPLACEMENT_TOO_CHEAP, "an earlier child of this parent pays as much")
    return None


def check_consolidation(spend: Spend, policy: Policy) -> Denied | None:
    """Do coins of ours become one coin at our own change, for a small part of them?"""
    refusal = check_coins(spend)
    if refusal is not None:
        return refusal
    if len(spend.inputs) > MOST_CONSOLIDATED:
        return Denied(Rule.MALFORMED, f"more than {MOST_CONSOLIDATED} coins at once")
    if len(spend.outputs) != 1 or not spend.outputs[0].change:
        return Denied(Rule.WRONG_OUTPUT, "a consolidation pays our own change and nobody else")
    return _check_move_fee(spend, sum(coin.units for coin in spend.inputs), policy)


def check_away(spend: Spend, place: str, units: int, policy: Policy) -> Denied | None:
    """Do coins of ours pay exactly this much to this place (`place` is its script) and the rest to our change?"""
    refusal = check_coins(spend)
    if refusal is not None:
        return refusal
    others = [output for output in spend.outputs if output.script != place]
    if len(others) == len(spend.outputs) or len(others) > 1 or not all(output.change for output in others):
        return Denied(Rule.WRONG_OUTPUT, "an output is neither the place of this move nor our own change")
    if units <= 0 or [output.units for output in spend.outputs if output.script == place] != [units]:
        return Denied(Rule.WRONG_AMOUNT, "the bytes move another amount than was asked for")
    return _check_move_fee(spend, units, policy)


def _check_move_fee(spend: Spend, moved_units: int, policy: Policy) -> Denied | None:
    share = int(policy.max_move_share * moved_units)
    most = min(policy.max_move_fee, policy.max_fee_rate * spend.vsize, share)
    if not 0 <= spend.fee_units <= most:
        return Denied(Rule.FEE_TOO_HIGH, f"the fee of {spend.fee_units} is above what a move may cost")
    return None
