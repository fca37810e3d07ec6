"""Bitcoin in the signer: a PSBT decoded into what the rules judge, and signed once they say yes."""

from collections.abc import Sequence
from typing import Any

import bdkpython as bdk

from tidegate.signer.keys import NETWORKS, Seed
from tidegate.signer.rules import MOST_INPUTS, Input, Output, Spend
from tidegate.signing.messages import MOST_PAYOUTS, Approved

MAX_CHANGE_INDEX = 1_000_000
"""Change beyond what the node's wallet watches would be out of sight."""
_WITNESS_VSIZE = 27
"""A P2WPKH signature and key: at most 108 weight units."""
_EXTERNAL, _INTERNAL = 0, 1
_SIGHASH_ALL = 1


class NotDecodable(Exception):
    """Bytes or an address that this network does not know, or a PSBT that cannot be signed as it is."""


class BitcoinVault:
    """The keys of one Bitcoin network. `decode` proves what is ours; `sign` signs what was decoded, unasked."""

    def __init__(self, seed: Seed, chain: str) -> None:
        self._network = NETWORKS[chain]
        self._descriptors = seed.descriptors(chain)
        self._fingerprint = seed.fingerprint()
        self._account = "84'/0'/0'" if chain == "main" else "84'/1'/0'"
        # Looking ahead is for wallets that scan; this one signs by the derivations in the PSBT.
        self._wallet = bdk.Wallet(*self._descriptors, self._network, bdk.Persister.new_in_memory(), 1)

    def public_descriptors(self) -> tuple[str, str]:
        """External and internal, with checksum, without keys that sign."""
        external, internal = self._descriptors
        return str(external), str(internal)

    def script_of(self, address: str) -> str:
        """The script that pays this address. Refuses (NotDecodable) an address of another network."""
        try:
            return bytes(bdk.Address(address, self._network).script_pubkey().to_bytes()).hex()
        except bdk.AddressParseError as error:
            raise NotDecodable("not an address of this network") from error

    def decode(self, text: str) -> tuple[Any, str, Spend]:
        """The parsed PSBT, the id of its transaction, and what it does. Refuses with NotDecodable."""
        try:
            psbt = bdk.Psbt(text)
            unsigned = psbt.extract_tx_unchecked_fee_rate()
            spent, paid = psbt.input(), psbt.output()
        except (bdk.PsbtParseError, bdk.ExtractTxError) as error:
            raise NotDecodable("not a PSBT") from error
        except TypeError as error:
            # The library's bindings trip over fields that no PSBT for us has: unknown ones, and scripts of taproot.
            raise NotDecodable("a PSBT with fields that this signer does not read") from error
        if len(spent) > MOST_INPUTS or len(paid) > MOST_PAYOUTS + 1:
            raise NotDecodable("a PSBT with more inputs or outputs than any of ours")
        inputs = tuple(self._input(i.previous_output, extra) for i, extra in zip(unsigned.input(), spent, strict=True))
        outputs = tuple(self._output(output, extra) for output, extra in zip(unsigned.output(), paid, strict=True))
        vsize = int(unsigned.vsize()) + _WITNESS_VSIZE * len(inputs)
        return psbt, str(unsigned.compute_txid()), Spend(inputs, outputs, vsize)

    def _input(self, outpoint: Any, extra: Any) -> Input:
        """An input with its amount read from the parent transaction, whose hash the outpoint commits to."""
        name = f"{outpoint.txid}:{outpoint.vout}"
        parent = extra.non_witness_utxo
        if parent is None or str(parent.compute_txid()) != str(outpoint.txid) or outpoint.vout >= len(parent.output()):
            return Input(name, 0, ours=False, sighash_all=False)
        coin = parent.output()[outpoint.vout]
        script, units = bytes(coin.script_pubkey.to_bytes()).hex(), int(coin.value.to_sat())
        ours = any(self._derived(chain, index) == script for chain, index in self._places(extra.bip32_derivation))
        if extra.witness_utxo is not None:
            told = extra.witness_utxo
            ours = ours and bytes(told.script_pubkey.to_bytes()).hex() == script and told.value.to_sat() == units
        extras = (extra.redeem_script, extra.witness_script, extra.tap_internal_key, extra.final_script_witness)
        plain = all(part is None for part in extras) and not extra.partial_sigs
        return Input(name, units, ours and plain, extra.sighash_type in (None, "SIGHASH_ALL"))

    def _output(self, output: Any, extra: Any) -> Output:
        script = bytes(output.script_pubkey.to_bytes()).hex()
        change = any(
            chain == _INTERNAL and index <= MAX_CHANGE_INDEX and self._derived(chain, index) == script
            for chain, index in self._places(extra.bip32_derivation)
        )
        return Output(script, int(output.value.to_sat()), change)

    def _places(self, derivations: dict[str, Any]) -> list[tuple[int, int]]:
        """(chain, index) under our account that the PSBT claims; a claim, to be derived and compared."""
        places = []
        for source in derivations.values():
            account, _, rest = str(source.path).removeprefix("m/").replace("h", "'").rpartition("'/")
            chain, _, index = rest.partition("/")
            known = source.fingerprint == self._fingerprint and account + "'" == self._account
            if known and chain in ("0", "1") and index.isascii() and index.isdigit():
                places.append((int(chain), int(index)))
        return places

    def _derived(self, chain: int, index: int) -> str:
        address = self._descriptors[chain].derive_address(index, self._network)
        return bytes(address.script_pubkey().to_bytes()).hex()

    def sign(self, psbt: Any, txid: str, spend: Spend, max_fee_rate: int) -> Approved:
        """Sign what was decoded and judged. Refuses with NotDecodable when not every input can be signed."""
        options = bdk.SignOptions(
            trust_witness_utxo=False,
            assume_height=None,
            allow_all_sighashes=False,
            try_finalize=True,
            sign_with_tap_internal_key=False,
            allow_grinding=True,
        )
        try:
            self._wallet.sign(psbt, options)
            done = psbt.finalize()
            if not done.could_finalize:
                raise NotDecodable("not every input can be signed")
            signed = done.psbt.extract_tx_with_fee_rate_limit(bdk.FeeRate.from_sat_per_vb(max_fee_rate))
        except (bdk.SignerError, bdk.ExtractTxError) as error:
            # A key or a derivation in the PSBT contradicts its coin. Nothing has left this process.
            raise NotDecodable("the PSBT cannot be signed as it is") from error
        if str(signed.compute_txid()) != txid:
            raise RuntimeError("the signed transaction is not the one that was judged")
        if any(len(i.witness) != 2 or i.witness[0][-1] != _SIGHASH_ALL for i in signed.input()):
            raise RuntimeError("a signature that leaves a part of the transaction open")
        return Approved(bytes(signed.serialize()), txid, spend.fee_units)


def owed_scripts(vault: BitcoinVault, payouts: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """(script, units) of each (address, units). Refuses with NotDecodable."""
    return [(vault.script_of(address), units) for address, units in payouts]
