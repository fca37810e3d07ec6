"""One request in, one answer out: decode, ask the rules, sign, journal, answer. In this order and in no other."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eth_utils.address import to_checksum_address

from tidegate import money
from tidegate.config import NetworkSettings, Settings
from tidegate.signer.bitcoin import BitcoinVault, NotDecodable, owed_scripts
from tidegate.signer.evm import ZERO, EvmVault, unsigned_digest
from tidegate.signer.journal import Journal
from tidegate.signer.keys import Seed
from tidegate.signer.rules import (
    Policy,
    check_bitcoin,
    check_evm,
    check_history,
    check_payouts,
    nonce_claim,
    outpoint_claim,
)
from tidegate.signing.messages import (
    Answer,
    Approved,
    Denied,
    Payout,
    Rule,
    SignBitcoin,
    SignerStatus,
    SignEvm,
)


@dataclass(frozen=True)
class Vaults:
    """The keys, by network."""

    bitcoin: Mapping[str, BitcoinVault]
    evm: EvmVault


def open_vaults(seed: Seed, settings: Settings) -> Vaults:
    bitcoin = {name: BitcoinVault(seed, n.chain) for name, n in settings.networks.items() if n.kind == "bitcoin"}
    return Vaults(bitcoin, EvmVault(seed))


def policies_of(settings: Settings) -> dict[str, Policy]:
    """Each network's bounds. Refuses (money.MoneyError) a cap that is no amount of its asset."""
    caps = {
        code: money.parse_units(text, money.asset(code).decimals) for code, text in settings.signer.max_payout.items()
    }
    return {name: _policy(name, network, caps) for name, network in settings.networks.items()}


def _policy(name: str, network: NetworkSettings, caps: Mapping[str, int]) -> Policy:
    return Policy(
        network=name,
        kind=network.kind,
        max_fee_rate=network.max_fee_rate,
        caps=caps,
        gas_asset="BTC" if network.kind == "bitcoin" else "ETH",
        chain_id=network.chain_id,
        contracts={asset: str(to_checksum_address(token.contract)) for asset, token in network.tokens.items()},
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

    def sign(self, request: SignBitcoin | SignEvm) -> Answer:
        """Approved once the bytes are journalled; Denied with the first rule that says no."""
        if self._freeze_flag.exists():
            return Denied(Rule.FROZEN, "signing is frozen")
        if isinstance(request, SignEvm):
            return self._evm(request)
        return self._bitcoin(request)

    def _deny(self, payouts: Sequence[Payout], denied: Denied) -> Denied:
        self._journal.refuse(payouts, denied, self._clock())
        return denied

    def _bitcoin(self, request: SignBitcoin) -> Answer:
        payouts = request.payouts
        policy = self._of_kind(payouts[0].intent.network, "bitcoin")
        refusal = check_payouts(payouts, policy, self._journal.memory)
        if refusal is not None or policy is None:
            return self._deny(payouts, refusal or Denied(Rule.WRONG_NETWORK, "no such network"))
        vault = self._vaults.bitcoin[policy.network]
        try:
            psbt, txid, spend = vault.decode(request.psbt)
            owed = owed_scripts(vault, [(p.intent.address, p.intent.deliver_units) for p in payouts])
        except NotDecodable as error:
            return self._deny(payouts, Denied(Rule.MALFORMED, str(error)))
        key = _key(policy.network, txid, payouts)
        known = self._journal.answered(key)
        if known is not None:
            return known
        claims = [outpoint_claim(policy.network, coin.outpoint) for coin in spend.inputs]
        bound = sum(payout.intent.max_network_fee_units for payout in payouts)
        refusal = check_bitcoin(spend, owed, bound, policy) or check_history(
            [payout.intent.payout_id for payout in payouts], claims, self._journal.memory
        )
        if refusal is not None:
            return self._deny(payouts, refusal)
        return self._give(payouts, key, claims, vault.sign(psbt, txid, spend, policy.max_fee_rate))

    def _evm(self, request: SignEvm) -> Answer:
        payouts = (Payout(request.intent, request.authorisation),)
        policy = self._of_kind(request.intent.network, "evm")
        refusal = check_payouts(payouts, policy, self._journal.memory)
        if refusal is not None or policy is None:
            return self._deny(payouts, refusal or Denied(Rule.WRONG_NETWORK, "no such network"))
        vault = self._vaults.evm
        transaction = vault.build(request, policy)
        if transaction is None:
            return self._deny(payouts, Denied(Rule.MALFORMED, "not an account's address by EIP-55"))
        key = _key(policy.network, unsigned_digest(transaction), payouts)
        known = self._journal.answered(key)
        if known is not None:
            return known
        claims = [nonce_claim(policy.network, request.nonce)]
        refusal = check_evm(request, policy, (ZERO, vault.address)) or check_history(
            [request.intent.payout_id], claims, self._journal.memory
        )
        if refusal is not None:
            return self._deny(payouts, refusal)
        return self._give(payouts, key, claims, vault.sign(transaction))

    def _of_kind(self, network: str, kind: str) -> Policy | None:
        policy = self._policies.get(network)
        return policy if policy is not None and policy.kind == kind else None

    def _give(self, payouts: Sequence[Payout], key: str, claims: Sequence[str], approved: Approved) -> Approved:
        self._journal.record(payouts, key, claims, approved, self._clock())
        return approved


def _key(network: str, transaction: str, payouts: Sequence[Payout]) -> str:
    """Names one transaction for one set of intents: the same request again has the same key."""
    digests = sorted(payout.intent.digest() for payout in payouts)
    return hashlib.sha256("\n".join([network, transaction, *digests]).encode()).hexdigest()
