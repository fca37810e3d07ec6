"""What each kind of request asks of the rules: whom it is for, what it replaces, which rules its bytes must meet."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tidegate.signer.bitcoin import BitcoinVault, owed_scripts
from tidegate.signer.bitcoin_rules import check_away, check_bitcoin, check_child, check_consolidation
from tidegate.signer.evm import EvmVault
from tidegate.signer.evm_rules import check_cancel, check_evm, check_move, check_top_up
from tidegate.signer.rules import EvmSpend, Memory, Policy, Spend, check_caps, move_key
from tidegate.signing.messages import (
    Denied,
    MoveBitcoin,
    MoveEvm,
    Payout,
    Rule,
    SignBitcoin,
    SignCancel,
    SignChild,
    SignColdBitcoin,
    SignEvm,
    SignSweep,
    SignTopUp,
    SignToVenueBitcoin,
    SignToVenueEvm,
)


@dataclass(frozen=True, slots=True)
class Case:
    """`judge` says what the rules of this kind think of the decoded bytes; history and totals are everybody's.

    `ids`: the payouts, or the move, that the transaction is made for. `bound`: the most that they allow for the fee.
    `parent`: of a child. `moved`: what a move counts beside its fee in the total of moves; None for what is no move.
    `subject` names the request in the journal's refusals where it has no payouts. `index`: of the deposit address
    whose key signs.
    """

    judge: Callable[[Any], Denied | None]
    payouts: tuple[Payout, ...] = ()
    ids: tuple[str, ...] = ()
    replaces: str = ""
    bound: int = 0
    parent: str = ""
    moved: int | None = None
    subject: str = ""
    index: int | None = None


NO_COLD = Denied(Rule.NO_COLD_ADDRESS, "no cold address is set here")
NO_VENUE = Denied(Rule.NO_VENUE_ADDRESS, "no address of ours at that exchange is set here for that asset")


def _venue_place(request: SignToVenueBitcoin | SignToVenueEvm, asset: str, policy: Policy) -> str | Denied:
    """Our own deposit address at the exchange, by this signer's settings."""
    place = policy.venues.get((request.venue, asset), "")
    if not place:
        return NO_VENUE
    if request.units > policy.max_to_venue.get(asset, 0):
        return Denied(Rule.ABOVE_CAP, "above the largest move to an exchange, or the asset has no such bound")
    return place


def bitcoin_case(
    request: SignBitcoin | SignChild | MoveBitcoin, vault: BitcoinVault, policy: Policy, memory: Memory
) -> Case:
    """Refuses (NotDecodable) an address of another network."""
    if isinstance(request, SignBitcoin):
        intents = [payout.intent for payout in request.payouts]
        bound = sum(intent.max_network_fee_units for intent in intents)
        owed = owed_scripts(vault, [(intent.address, intent.deliver_units) for intent in intents])
        return Case(
            lambda spend: check_caps(request.payouts, policy) or check_bitcoin(spend, owed, bound, policy),
            request.payouts,
            tuple(intent.payout_id for intent in intents),
            request.replaces,
            bound,
        )
    if isinstance(request, SignChild):
        parent = memory.transactions.get(request.parent)
        return Case(
            lambda spend: check_child(spend, parent, policy, memory), parent=request.parent, subject=request.parent
        )

    def judge(spend: Spend) -> Denied | None:
        if isinstance(request, SignColdBitcoin):
            place: str | Denied = policy.cold or NO_COLD
        elif isinstance(request, SignToVenueBitcoin):
            place = _venue_place(request, policy.gas_asset, policy)
        else:
            return check_consolidation(spend, policy)
        return place if isinstance(place, Denied) else check_away(spend, vault.script_of(place), request.units, policy)

    key = move_key(request.move_id)
    return Case(judge, (), (key,), request.replaces, policy.max_move_fee, moved=0, subject=key)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an EVM transaction is to do, before its bytes are made: `recipient` is EIP-55, `contract` None for ether."""

    recipient: str
    contract: str | None
    units: int


def evm_case(
    request: SignEvm | MoveEvm | SignCancel, vault: EvmVault, policy: Policy, memory: Memory
) -> tuple[Case, Wanted]:
    """Refuses (NotPlain) a deposit address that cannot be."""
    if isinstance(request, SignEvm):
        intent, payouts = request.intent, (Payout(request.intent, request.authorisation),)
        case = Case(
            lambda spend: check_caps(payouts, policy) or check_evm(spend, intent, policy, vault.address),
            payouts,
            (intent.payout_id,),
            request.replaces,
            intent.max_network_fee_units,
        )
        return case, Wanted(intent.address, policy.contracts.get(intent.asset), intent.deliver_units)
    if isinstance(request, SignCancel):
        earlier = memory.transactions.get(request.replaces)
        ids, bound = (earlier.payouts, earlier.bound_units) if earlier is not None else ((), 0)
        case = Case(
            lambda spend: check_cancel(spend, earlier, policy, vault.address),
            (),
            ids,
            request.replaces,
            bound,
            moved=0,
            subject=request.replaces,
        )
        return case, Wanted(vault.address, None, 0)
    return _evm_move(request, vault, policy)


def _evm_move(request: MoveEvm, vault: EvmVault, policy: Policy) -> tuple[Case, Wanted]:
    key, bound = move_key(request.move_id), policy.max_move_fee
    if isinstance(request, SignTopUp):
        tank = str(vault.account_of(request.index).address)

        def top_up(spend: EvmSpend) -> Denied | None:
            return check_top_up(spend, units=request.units, place=tank, policy=policy)

        case = Case(top_up, (), (key,), request.replaces, bound, moved=request.units, subject=key)
        return case, Wanted(tank, None, request.units)
    hot = isinstance(request, SignSweep) and request.to == "hot"
    place: str | Denied = vault.address if hot else policy.cold or NO_COLD
    if isinstance(request, SignToVenueEvm):
        place = _venue_place(request, request.asset, policy)

    def move(spend: EvmSpend) -> Denied | None:
        if isinstance(request, SignSweep) and request.to not in ("hot", "cold"):
            return Denied(Rule.WRONG_OUTPUT, "a sweep goes to the hot address or to the cold one")
        if isinstance(place, Denied):
            return place
        return check_move(spend, asset=request.asset, units=request.units, place=place, policy=policy)

    index = request.index if isinstance(request, SignSweep) else None
    if index is not None:
        vault.account_of(index)
    case = Case(move, (), (key,), request.replaces, bound, moved=0, subject=key, index=index)
    # Without a place the bytes are made for nobody's sake and refused by the rule above.
    anywhere = vault.address if isinstance(place, Denied) else place
    return case, Wanted(anywhere, policy.contracts.get(request.asset), request.units)
