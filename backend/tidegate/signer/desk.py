"""One request in, one answer out: decode, ask the rules, sign, journal, answer. In this order and in no other."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from eth_utils.address import to_checksum_address

from tidegate import failpoints, money
from tidegate.config import NetworkSettings, Settings
from tidegate.signer.bitcoin import BitcoinVault, NotDecodable
from tidegate.signer.cases import Case, bitcoin_case, evm_case
from tidegate.signer.evm import EvmVault, NotPlain, decode
from tidegate.signer.journal import Journal
from tidegate.signer.keys import Seed
from tidegate.signer.rules import (
    Policy,
    Signed,
    added,
    check_history,
    check_payouts,
    check_totals,
    move_key,
    moves_of,
    nonce_claim,
    outpoint_claim,
)
from tidegate.signing.messages import (
    Answer,
    Approved,
    Denied,
    Fence,
    MoveBitcoin,
    MoveEvm,
    Payout,
    Rule,
    SignBitcoin,
    SignCancel,
    SignChild,
    SignedBytes,
    SignedLately,
    SignerStatus,
    SignEvm,
    SignRequest,
)


@dataclass(frozen=True)
class Vaults:
    """The keys, by network."""

    bitcoin: Mapping[str, BitcoinVault]
    evm: EvmVault


def open_vaults(seed: Seed, settings: Settings) -> Vaults:
    bitcoin = {name: BitcoinVault(seed, n.chain) for name, n in settings.networks.items() if n.family == "bitcoin"}
    return Vaults(bitcoin, EvmVault(seed))


def policies_of(settings: Settings) -> dict[str, Policy]:
    """Each network's bounds. Refuses (money.MoneyError) a bound that is no amount of its asset."""
    return {name: _policy(name, network, settings) for name, network in settings.networks.items()}


def _units(amounts: Mapping[str, str]) -> dict[str, int]:
    return {code: money.parse_units(text, money.asset(code).decimals) for code, text in amounts.items()}


def _policy(name: str, network: NetworkSettings, settings: Settings) -> Policy:
    signer, gas = settings.signer, network.gas_asset
    hourly, daily = _units(signer.max_moves_hourly).get(gas, 0), _units(signer.max_moves_daily).get(gas, 0)
    cold = signer.cold_addresses.get(name, "")
    return Policy(
        network=name,
        kind=network.family,
        max_fee_rate=network.max_fee_rate,
        caps=_units(signer.max_payout),
        gas_asset=gas,
        chain_id=network.chain_id,
        contracts={asset: str(to_checksum_address(token.contract)) for asset, token in network.tokens.items()},
        hourly={**_units(signer.max_hourly), moves_of(gas): hourly},
        daily={**_units(signer.max_daily), moves_of(gas): daily},
        cold=str(to_checksum_address(cold)) if cold and network.family == "evm" else cold,
        venues=_venues(name, network, signer.venue_addresses),
        max_to_venue=_units(signer.max_to_venue),
        max_move_fee=_units(signer.max_move_fee).get(gas, 0),
        max_move_share=Fraction(signer.max_move_share),
        max_top_up=_units(signer.max_top_up).get(gas, 0),
    )


def _venues(
    name: str, network: NetworkSettings, addresses: Mapping[str, Mapping[str, str]]
) -> dict[tuple[str, str], str]:
    """Those of one network, by exchange and asset."""
    found = {}
    for venue, places in addresses.items():
        for key, place in places.items():
            asset, _, over = key.partition("@")
            if over == name:
                found[venue, asset] = str(to_checksum_address(place)) if network.family == "evm" else place
    return found


# What the signer's own settings do not allow today says nothing of the intent: it must not hold the payout's digest.
_OF_SETTINGS = frozenset(
    {
        Rule.WRONG_NETWORK,
        Rule.WRONG_TOKEN,
        Rule.ABOVE_CAP,
        Rule.OVER_HOURLY,
        Rule.OVER_DAILY,
        Rule.NO_COLD_ADDRESS,
        Rule.NO_VENUE_ADDRESS,
    },
)
# Nor does who asks.
_HOLD_NOTHING = _OF_SETTINGS | {Rule.OLD_FENCE}


class Desk:
    """Answers sign requests. `clock` gives the time for the journal's lines; `freeze_flag` stops everything by existing.

    Raises OSError when the journal cannot be written: the process must then end, since nobody knows what is on disk.
    """

    def __init__(
        self,
        vaults: Vaults,
        policies: Mapping[str, Policy],
        journal: Journal,
        freeze_flag: Path,
        clock: Callable[[], str],
    ) -> None:
        self._vaults = vaults
        self._policies = policies
        self._journal = journal
        self._freeze_flag = freeze_flag
        self._clock = clock

    def status(self) -> SignerStatus:
        return SignerStatus(self._freeze_flag.exists(), tuple(self._policies), self._journal.lines, self._journal.head)

    def signed_lately(self) -> SignedLately:
        return SignedLately(self._journal.lately)

    def signed_bytes(self, txid: str) -> SignedBytes | Denied:
        """What was given for it before, also while frozen: whoever asks has had it, or has lost it."""
        return self._journal.bytes_of(txid) or Denied(Rule.MALFORMED, "no such transaction was signed")

    def sign(self, request: SignRequest, under: Fence | None = None) -> Answer:
        """Approved once the bytes are journalled; Denied with the first rule that says no.

        `under`: the fence of whoever asks; once a later holder of the same set was heard, earlier ones never are again.
        """
        if under is not None and under.number < self._journal.fence(under.set_id):
            told = Denied(Rule.OLD_FENCE, "somebody else has taken this set over")
            return self._deny(_payouts_of(request), _subject_of(request) or under.set_id, told)
        if under is not None:
            self._journal.hear(under)
        answer = self._judge(request)
        # What was said before, or refused before, adds no line that could have told of the fence.
        self._journal.heard(self._clock())
        return answer

    def _judge(self, request: SignRequest) -> Answer:
        payouts, subject = _payouts_of(request), _subject_of(request)
        if self._freeze_flag.exists():
            return Denied(Rule.FROZEN, "signing is frozen", self._signed_before(payouts, subject))
        network = payouts[0].intent.network if payouts else getattr(request, "network", "")
        policy = self._policies.get(network)
        if policy is None or policy.kind != ("evm" if isinstance(request, _OF_EVM) else "bitcoin"):
            denied = Denied(Rule.WRONG_NETWORK, "this signer has no such network")
            return self._deny(payouts, subject or network, denied)
        if isinstance(request, SignBitcoin | SignEvm):
            refusal = check_payouts(payouts, policy, self._journal.memory)
            if refusal is not None:
                return self._deny(payouts, "", refusal)
        try:
            return self._evm(request, policy) if isinstance(request, _OF_EVM) else self._bitcoin(request, policy)
        except (NotDecodable, NotPlain) as error:
            return self._deny(payouts, subject, Denied(Rule.MALFORMED, str(error)))

    def _bitcoin(self, request: SignBitcoin | SignChild | MoveBitcoin, policy: Policy) -> Answer:
        vault = self._vaults.bitcoin[policy.network]
        psbt, txid, spend = vault.decode(request.psbt)
        case = bitcoin_case(request, vault, policy, self._journal.memory)
        claims = tuple(outpoint_claim(policy.network, coin.outpoint) for coin in spend.inputs)
        price = (spend.fee_units,)
        change = f"{txid}:{spend.change_place}" if case.payouts and spend.change_place is not None else ""
        signed = Signed(
            txid, case.ids, claims, price, spend.fee_units, case.bound, spend.vsize, change, parent=case.parent
        )
        return self._decide(
            case,
            policy,
            signed,
            judged=lambda: case.judge(spend),
            sign=lambda: vault.sign(psbt, txid, spend, policy.max_fee_rate),
        )

    def _evm(self, request: SignEvm | MoveEvm | SignCancel, policy: Policy) -> Answer:
        vault = self._vaults.evm
        case, wanted = evm_case(request, vault, policy, self._journal.memory)
        payload = vault.build(request, recipient=wanted.recipient, contract=wanted.contract, units=wanted.units)
        spend = decode(payload)
        claims = (nonce_claim(spend.chain_id, spend.nonce, case.index),)
        price = (spend.max_fee_per_gas, spend.max_priority_fee_per_gas)
        # Until it is signed it has no id; the digest of what is signed names it.
        digest = hashlib.sha256(payload).hexdigest()
        return self._decide(
            case,
            policy,
            Signed(digest, case.ids, claims, price, spend.fee_units, case.bound),
            judged=lambda: case.judge(spend),
            sign=lambda: vault.sign(payload, spend, case.index),
        )

    def _decide(
        self,
        case: Case,
        policy: Policy,
        signed: Signed,
        *,
        judged: Callable[[], Denied | None],
        sign: Callable[[], Approved],
    ) -> Answer:
        """The same request gets the same bytes; else bytes, history and totals, in this order, and then the journal."""
        memory, subject = self._journal.memory, case.subject or signed.txid
        key = _key(policy.network, signed.txid, case)
        known = self._journal.answered(key)
        if known is not None:
            return known
        at, more = self._journal.at(self._clock()), self._added(case, signed, policy)
        refusal = judged()
        if refusal is None and not case.parent:
            refusal = check_history(case.ids, signed.claims, signed.price, case.replaces, policy, memory)
        refusal = refusal or check_totals(more, *self._journal.spent(at), policy)
        if refusal is not None:
            return self._deny(case.payouts, subject, refusal)
        try:
            approved = sign()
        except NotDecodable as error:
            return self._deny(case.payouts, subject, Denied(Rule.MALFORMED, str(error)))
        failpoints.reach("P11.journal:before")
        self._journal.record(case.payouts, key, replace(signed, txid=approved.txid), approved, more, at)
        failpoints.reach("P11.journal:after")
        return approved

    def _added(self, case: Case, signed: Signed, policy: Policy) -> dict[str, int]:
        memory, gas = self._journal.memory, policy.gas_asset
        first = next(iter(case.ids), "")
        earlier = memory.children.get(case.parent) if case.parent else memory.attempts.get(first)
        more = added(case.payouts, signed.fee_units, earlier, gas)
        if case.moved is not None:
            # A replaced move counts in full once more: this total has to bound, not to be exact.
            more[moves_of(gas)] = signed.fee_units + case.moved
        return more

    def _deny(self, payouts: Sequence[Payout], subject: str, denied: Denied) -> Denied:
        """Journal a refusal, and say with it whether anything was signed for this before."""
        told = replace(denied, signed=self._signed_before(payouts, subject))
        self._journal.refuse(payouts, subject, told, self._clock(), holds=denied.rule not in _HOLD_NOTHING)
        return told

    def _signed_before(self, payouts: Sequence[Payout], subject: str) -> bool:
        memory = self._journal.memory
        known = any(payout.intent.payout_id in memory.attempts for payout in payouts)
        return known or subject in memory.transactions or subject in memory.attempts


_OF_EVM = SignEvm | MoveEvm | SignCancel


def _payouts_of(request: SignRequest) -> tuple[Payout, ...]:
    if isinstance(request, SignEvm):
        return (Payout(request.intent, request.authorisation),)
    return request.payouts if isinstance(request, SignBitcoin) else ()


def _subject_of(request: SignRequest) -> str:
    """What a request without payouts is about: its move, or the transaction that it bumps or cancels."""
    if isinstance(request, SignBitcoin | SignEvm):
        return ""
    if isinstance(request, SignChild):
        return request.parent
    return request.replaces if isinstance(request, SignCancel) else move_key(request.move_id)


def _key(network: str, transaction: str, case: Case) -> str:
    """Names one transaction for one set of intents, or one move: the same request again has the same key."""
    told = sorted(payout.intent.digest() for payout in case.payouts) if case.payouts else list(case.ids)
    # The same bytes with another deposit address's key are another transaction.
    keyed = [] if case.index is None else [f"deposit {case.index}"]
    return hashlib.sha256("\n".join([network, transaction, *told, *keyed]).encode()).hexdigest()
