"""One request in, one answer out: decode, ask the rules, sign, journal, answer. In this order and in no other."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eth_utils.address import to_checksum_address

from tidegate import money
from tidegate.config import NetworkSettings, Settings
from tidegate.signer.bitcoin import BitcoinVault, NotDecodable, owed_scripts
from tidegate.signer.evm import EvmVault, NotPlain, decode
from tidegate.signer.journal import Journal
from tidegate.signer.keys import Seed
from tidegate.signer.rules import (
    Policy,
    Signed,
    added,
    check_bitcoin,
    check_caps,
    check_child,
    check_evm,
    check_history,
    check_payouts,
    check_totals,
    nonce_claim,
    outpoint_claim,
)
from tidegate.signing.messages import (
    Answer,
    Denied,
    Payout,
    Rule,
    SignBitcoin,
    SignChild,
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
    signer = settings.signer
    bounds = {name: _units(getattr(signer, name)) for name in ("max_payout", "max_hourly", "max_daily")}
    return {name: _policy(name, network, bounds) for name, network in settings.networks.items()}


def _units(amounts: Mapping[str, str]) -> dict[str, int]:
    return {code: money.parse_units(text, money.asset(code).decimals) for code, text in amounts.items()}


def _policy(name: str, network: NetworkSettings, bounds: Mapping[str, Mapping[str, int]]) -> Policy:
    return Policy(
        network=name,
        kind=network.family,
        max_fee_rate=network.max_fee_rate,
        caps=bounds["max_payout"],
        gas_asset=network.gas_asset,
        chain_id=network.chain_id,
        contracts={asset: str(to_checksum_address(token.contract)) for asset, token in network.tokens.items()},
        hourly=bounds["max_hourly"],
        daily=bounds["max_daily"],
    )


# What the signer's own settings do not allow today says nothing of the intent: it must not hold the payout's digest.
_OF_SETTINGS = frozenset(
    {Rule.WRONG_NETWORK, Rule.WRONG_TOKEN, Rule.ABOVE_CAP, Rule.OVER_HOURLY, Rule.OVER_DAILY},
)


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

    def sign(self, request: SignRequest) -> Answer:
        """Approved once the bytes are journalled; Denied with the first rule that says no."""
        payouts = _payouts_of(request)
        if self._freeze_flag.exists():
            return Denied(Rule.FROZEN, "signing is frozen", self._signed_before(payouts))
        network = payouts[0].intent.network if payouts else getattr(request, "network", "")
        policy = self._policies.get(network)
        if policy is None or policy.kind != ("evm" if isinstance(request, SignEvm) else "bitcoin"):
            return self._deny(payouts, network, Denied(Rule.WRONG_NETWORK, "this signer has no such network"))
        if isinstance(request, SignChild):
            return self._child(request, policy)
        refusal = check_payouts(payouts, policy, self._journal.memory)
        if refusal is not None:
            return self._deny(payouts, "", refusal)
        return self._evm(request, policy) if isinstance(request, SignEvm) else self._bitcoin(request, policy)

    def _bitcoin(self, request: SignBitcoin, policy: Policy) -> Answer:
        payouts, memory = request.payouts, self._journal.memory
        intents = [payout.intent for payout in payouts]
        vault = self._vaults.bitcoin[policy.network]
        try:
            psbt, txid, spend = vault.decode(request.psbt)
            owed = owed_scripts(vault, [(intent.address, intent.deliver_units) for intent in intents])
        except NotDecodable as error:
            return self._deny(payouts, "", Denied(Rule.MALFORMED, str(error)))
        key = _key(policy.network, txid, payouts)
        known = self._journal.answered(key)
        if known is not None:
            return known
        bound = sum(intent.max_network_fee_units for intent in intents)
        claims = tuple(outpoint_claim(policy.network, coin.outpoint) for coin in spend.inputs)
        ids, price = [intent.payout_id for intent in intents], (spend.fee_units,)
        earlier = memory.attempts.get(ids[0], ())
        at, more = self._journal.at(self._clock()), added(payouts, spend.fee_units, earlier, policy.gas_asset)
        refusal = (
            check_caps(payouts, policy)
            or check_bitcoin(spend, owed, bound, policy)
            or check_history(ids, claims, price, request.replaces, policy, memory)
            or check_totals(more, *self._journal.spent(at), policy)
        )
        if refusal is not None:
            return self._deny(payouts, txid, refusal)
        try:
            approved = vault.sign(psbt, txid, spend, policy.max_fee_rate)
        except NotDecodable as error:
            return self._deny(payouts, txid, Denied(Rule.MALFORMED, str(error)))
        change = "" if spend.change_place is None else f"{txid}:{spend.change_place}"
        signed = Signed(txid, tuple(ids), claims, price, spend.fee_units, bound, spend.vsize, change)
        self._journal.record(payouts, key, signed, approved, more, at)
        return approved

    def _child(self, request: SignChild, policy: Policy) -> Answer:
        vault, memory = self._vaults.bitcoin[policy.network], self._journal.memory
        parent = memory.transactions.get(request.parent)
        try:
            psbt, txid, spend = vault.decode(request.psbt)
        except NotDecodable as error:
            return self._deny((), request.parent, Denied(Rule.MALFORMED, str(error)))
        key = _key(policy.network, txid, ())
        known = self._journal.answered(key)
        if known is not None:
            return known
        earlier = memory.children.get(request.parent, ())
        at, more = self._journal.at(self._clock()), added((), spend.fee_units, earlier, policy.gas_asset)
        refusal = check_child(spend, parent, policy, memory) or check_totals(more, *self._journal.spent(at), policy)
        if refusal is not None:
            return self._deny((), request.parent, refusal)
        try:
            approved = vault.sign(psbt, txid, spend, policy.max_fee_rate)
        except NotDecodable as error:
            return self._deny((), request.parent, Denied(Rule.MALFORMED, str(error)))
        claims = tuple(outpoint_claim(policy.network, coin.outpoint) for coin in spend.inputs)
        price = (spend.fee_units,)
        signed = Signed(txid, (), claims, price, spend.fee_units, vsize=spend.vsize, parent=request.parent)
        self._journal.record((), key, signed, approved, more, at)
        return approved

    def _evm(self, request: SignEvm, policy: Policy) -> Answer:
        intent, payouts, memory = request.intent, _payouts_of(request), self._journal.memory
        vault = self._vaults.evm
        try:
            payload = vault.build(request, policy.contracts.get(intent.asset))
            spend = decode(payload)
        except NotPlain as error:
            return self._deny(payouts, "", Denied(Rule.MALFORMED, str(error)))
        digest = hashlib.sha256(payload).hexdigest()
        key = _key(policy.network, digest, payouts)
        known = self._journal.answered(key)
        if known is not None:
            return known
        claims = (nonce_claim(spend.chain_id, spend.nonce),)
        price = (spend.max_fee_per_gas, spend.max_priority_fee_per_gas)
        earlier = memory.attempts.get(intent.payout_id, ())
        at, more = self._journal.at(self._clock()), added(payouts, spend.fee_units, earlier, policy.gas_asset)
        refusal = (
            check_caps(payouts, policy)
            or check_evm(spend, intent, policy, vault.address)
            or check_history([intent.payout_id], claims, price, request.replaces, policy, memory)
            or check_totals(more, *self._journal.spent(at), policy)
        )
        if refusal is not None:
            return self._deny(payouts, digest, refusal)
        approved = vault.sign(payload, spend)
        bound = intent.max_network_fee_units
        signed = Signed(approved.txid, (intent.payout_id,), claims, price, spend.fee_units, bound)
        self._journal.record(payouts, key, signed, approved, more, at)
        return approved

    def _deny(self, payouts: Sequence[Payout], subject: str, denied: Denied) -> Denied:
        """Journal a refusal, and say with it whether anything was signed for these payouts before."""
        before = self._signed_before(payouts) or subject in self._journal.memory.transactions
        told = replace(denied, signed=before)
        self._journal.refuse(payouts, subject, told, self._clock(), holds=denied.rule not in _OF_SETTINGS)
        return told

    def _signed_before(self, payouts: Sequence[Payout]) -> bool:
        attempts = self._journal.memory.attempts
        return any(payout.intent.payout_id in attempts for payout in payouts)


def _payouts_of(request: SignRequest) -> tuple[Payout, ...]:
    if isinstance(request, SignEvm):
        return (Payout(request.intent, request.authorisation),)
    return request.payouts if isinstance(request, SignBitcoin) else ()


def _key(network: str, transaction: str, payouts: Sequence[Payout]) -> str:
    """Names one transaction for one set of intents: the same request again has the same key."""
    digests = sorted(payout.intent.digest() for payout in payouts)
    return hashlib.sha256("\n".join([network, transaction, *digests]).encode()).hexdigest()
