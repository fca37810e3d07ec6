"""A wallet of the signer's seed with coins out of thin air, and the requests a worker would make of it."""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import bdkpython as bdk

from tidegate.config import NetworkSettings, Settings, SignerSettings, TokenSettings
from tidegate.signer.keys import Seed
from tidegate.signing.messages import Authorisation, Intent, Payout, SignBitcoin, SignEvm

ENTROPY = bytes(16)
"""BIP39's first test vector: abandon … about."""
USDT_CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
RECIPIENT = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
OTHER = "bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6"
ACCOUNT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
THERE = "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB"
"""Our deposit address at an exchange, on EVM networks."""
NOW = "2026-11-24T10:00:00Z"


def there() -> str:
    """Our deposit address at an exchange, on Bitcoin: of keys that this signer does not have."""
    return str(Seed(bytes([1] * 16), 0).descriptors("regtest")[0].derive_address(0, bdk.Network.REGTEST))


def venue_addresses() -> dict[str, dict[str, str]]:
    return {"kraken": {"BTC@bitcoin": there(), "USDT@ethereum": THERE}}


def settings(folder: Path, **signer: Any) -> Settings:
    """Settings of a signer that lives in `folder`."""
    values: dict[str, Any] = {
        "socket": folder / "run" / "signer.sock",
        "directory": folder / "signer",
        "passphrase_file": folder / "passphrase",
        "public_file": folder / "signer-public.json",
        "max_payout": {"BTC": "1", "ETH": "10", "USDT": "10000"},
    }
    return Settings(
        mode="sandbox",
        networks={
            "bitcoin": NetworkSettings(kind="bitcoin", chain="regtest", max_fee_rate=100),
            "ethereum": NetworkSettings(
                kind="evm",
                chain_id=31337,
                max_fee_rate=200,
                tokens={"USDT": TokenSettings(contract=USDT_CONTRACT, decimals=6)},
            ),
        },
        signer=SignerSettings(**{**values, **signer}),
    )


def intent(**changes: Any) -> Intent:
    """A payout of 0.001 BTC, or whatever `changes` make of it, with an id of its own."""
    plain = Intent(
        payout_id=str(uuid.uuid4()),
        user_id=str(uuid.uuid4()),
        network="bitcoin",
        asset="BTC",
        address=RECIPIENT,
        deliver_units=100_000,
        debit_asset="BTC",
        debit_units=101_000,
        max_network_fee_units=20_000,
        created_at=NOW,
    )
    return replace(plain, **changes)


def yes(to: Intent) -> Authorisation:
    return Authorisation(digest=to.digest(), method="totp", user_id=to.user_id, verified_at=NOW)


def usdt(**changes: Any) -> Intent:
    fields = {"network": "ethereum", "asset": "USDT", "address": ACCOUNT, "deliver_units": 25_000_000}
    return intent(**{**fields, "max_network_fee_units": 10**16, **changes})


def ether(**changes: Any) -> Intent:
    return usdt(**{"asset": "ETH", "deliver_units": 10**17, **changes})


def sign_evm(to: Intent, **changes: Any) -> SignEvm:
    plain = SignEvm(to, yes(to), 0, 80_000, 20 * 10**9, 10**9, 31337)
    return replace(plain, **changes)


class Coins:
    """A copy of the hot wallet that can build PSBTs; its coins exist only in hand-made parent transactions."""

    def __init__(self, seed: Seed, chain: str = "regtest") -> None:
        external, internal = seed.descriptors(chain)
        self._network = bdk.Network.REGTEST if chain == "regtest" else bdk.Network.BITCOIN
        self._external = external
        self.wallet = bdk.Wallet(external, internal, self._network, bdk.Persister.new_in_memory())

    def receive(self, units: int, index: int = 0) -> bdk.OutPoint:
        """A coin at deposit address `index`."""
        script = bytes(self._external.derive_address(index, self._network).script_pubkey().to_bytes())
        raw = (2).to_bytes(4, "little") + b"\x01" + secrets.token_bytes(32) + bytes(4) + b"\x00" + b"\xff" * 4
        raw += b"\x01" + units.to_bytes(8, "little") + bytes([len(script)]) + script + bytes(4)
        parent = bdk.Transaction(raw)
        self.wallet.apply_unconfirmed_txs([bdk.UnconfirmedTx(tx=parent, last_seen=1)])
        return bdk.OutPoint(txid=parent.compute_txid(), vout=0)

    def learn(self, raw: bytes, seen: int = 2) -> None:
        """Take note of a transaction of ours, so that its change can be spent."""
        self.wallet.apply_unconfirmed_txs([bdk.UnconfirmedTx(tx=bdk.Transaction(raw), last_seen=seen)])

    def back(self, place: bdk.OutPoint, fee: int) -> str:
        """A PSBT that moves this one coin to a fresh change address."""
        script = self.wallet.reveal_next_address(bdk.KeychainKind.INTERNAL).address.script_pubkey()
        builder = bdk.TxBuilder().add_utxo(place).manually_selected_only().drain_to(script)
        return str(builder.fee_absolute(bdk.Amount.from_sat(fee)).finish(self.wallet).serialize())

    def pay(
        self,
        recipients: Sequence[tuple[str, int]],
        *,
        rate: int = 5,
        only: Sequence[bdk.OutPoint] = (),
        witness_only: bool = False,
        rest_to: str | None = None,
        fee: int | None = None,
    ) -> str:
        """A PSBT in base64 that pays them, from the `only` coins if given; `rest_to` gets what would be change."""
        builder = bdk.TxBuilder().fee_rate(bdk.FeeRate.from_sat_per_vb(rate))
        for address, units in recipients:
            script = bdk.Address(address, self._network).script_pubkey()
            builder = builder.add_recipient(script, bdk.Amount.from_sat(units))
        if fee is not None:
            builder = builder.fee_absolute(bdk.Amount.from_sat(fee))
        for outpoint in only:
            builder = builder.add_utxo(outpoint)
        if only:
            builder = builder.manually_selected_only()
        if rest_to is not None:
            builder = builder.drain_wallet().drain_to(bdk.Address(rest_to, self._network).script_pubkey())
        if witness_only:
            builder = builder.only_witness_utxo()
        return str(builder.finish(self.wallet).serialize())


def sign_bitcoin(psbt: str, *intents: Intent, replaces: str = "") -> SignBitcoin:
    return SignBitcoin(tuple(Payout(to, yes(to)) for to in intents), psbt, replaces)
