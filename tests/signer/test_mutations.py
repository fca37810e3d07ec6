"""Requests of every kind, changed on their way: whatever is signed, a person authorised it, and once.

TIDEGATE_SIGN_MUTATIONS says how many; few in CI, 100,000 by `make test-full`.
"""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, get_args

import bdkpython as bdk
import pytest

from tests.signer.judge import Judge
from tests.signer.mutate import mutated
from tests.signer.test_moves import together
from tests.signer.test_replacements import approved
from tests.signer.world import (
    ACCOUNT,
    ENTROPY,
    NOW,
    OTHER,
    RECIPIENT,
    THERE,
    Coins,
    ether,
    intent,
    settings,
    sign_bitcoin,
    sign_evm,
    there,
    usdt,
    venue_addresses,
)
from tidegate.chains.evm.build import derive_address
from tidegate.signer.desk import Desk, open_vaults, policies_of
from tidegate.signer.journal import Journal
from tidegate.signer.keys import Seed
from tidegate.signing.frames import BadFrame, parse
from tidegate.signing.messages import (
    Approved,
    AskBytes,
    AskSigned,
    AskStatus,
    Denied,
    Intent,
    Malformed,
    MoveBitcoin,
    MoveEvm,
    SignCancel,
    SignChild,
    SignColdBitcoin,
    SignColdEvm,
    SignConsolidation,
    SignEvm,
    SignRequest,
    SignSweep,
    SignTopUp,
    SignToVenueBitcoin,
    SignToVenueEvm,
    request_of,
    wrap,
)

MUTATIONS = int(os.environ.get("TIDEGATE_SIGN_MUTATIONS", "600"))
A_WORLD_LASTS = 300
COLD = "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry"
VAULT = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
FEES = {"max_fee_per_gas": 40 * 10**9, "max_priority_fee_per_gas": 2 * 10**9}


GAS: dict[str, Any] = {"nonce": 0, "gas": 21_000, "max_fee_per_gas": 20 * 10**9, "chain_id": 31337}
GAS |= {"max_priority_fee_per_gas": 10**9}
TIP = {"max_priority_fee_per_gas": 3 * 10**9}


class Scene:
    """A signer with some payouts signed, and one request of each kind that it would sign next."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.seed = Seed(ENTROPY, 0)
        configured = settings(
            folder,
            cold_addresses={"bitcoin": COLD, "ethereum": VAULT},
            venue_addresses=venue_addresses(),
            max_to_venue={"BTC": "0.002", "USDT": "6"},
        )
        self.journal = Journal(folder / "journal.jsonl")
        self.desk = Desk(
            open_vaults(self.seed, configured), policies_of(configured), self.journal, folder / "frozen", lambda: NOW
        )
        self.coins, self.intents = Coins(self.seed), dict[str, Intent]()
        self.known: dict[tuple[str, int], int] = {}
        self._units = 50_000
        evm = configured.networks["ethereum"]
        external, internal = self.seed.descriptors("regtest")
        del external
        scripts = [internal.derive_address(n, bdk.Network.REGTEST).script_pubkey().to_bytes() for n in range(60)]
        self.judge = Judge(
            intents=self.intents,
            scripts={
                address: bytes(bdk.Address(address, bdk.Network.REGTEST).script_pubkey().to_bytes())
                for address in (RECIPIENT, OTHER)
            },
            change=frozenset(bytes(script) for script in scripts),
            coins=self.known,
            account=self.seed.evm_address(),
            contracts={asset: token.contract for asset, token in evm.tokens.items()},
            chain_id=evm.chain_id,
            cold=(bytes(bdk.Address(COLD, bdk.Network.REGTEST).script_pubkey().to_bytes()), VAULT),
            there=(bytes(bdk.Address(there(), bdk.Network.REGTEST).script_pubkey().to_bytes()), THERE),
            to_there={"BTC": 200_000, "USDT": 6_000_000},
            move_fee={"BTC": 10**6, "ETH": 2 * 10**16},
            top_up=2 * 10**16,
        )
        self.requests = self._requests()

    def _coin(self, units: int) -> bdk.OutPoint:
        place = self.coins.receive(units)
        self.known[str(place.txid), place.vout] = units
        return place

    def _authorise(self, make: Callable[..., Intent], **changes: Any) -> Intent:
        """Each payout has an amount of its own, so that an output names its payout."""
        self._units += 1
        bound = {"max_network_fee_units": 4_000} if make is intent else {}
        found = make(deliver_units=self._units, **bound, **changes)
        self.intents[found.payout_id] = found
        return found

    def sign(self, request: SignRequest) -> Approved:
        answer = approved(self.desk.sign(request))
        self.see(request, answer)
        return answer

    def see(self, request: SignRequest, answer: Approved) -> None:
        if isinstance(request, SignEvm | MoveEvm | SignCancel):
            index = getattr(request, "index", None)
            deposit = derive_address(self.seed.evm_deposit_xpub(), index) if index is not None else ""
            self.judge.evm(answer.raw, deposit=deposit)
        else:
            self.judge.bitcoin(answer.raw, move=isinstance(request, MoveBitcoin))

    def _requests(self) -> list[SignRequest]:
        def pay(*wanted: Intent, only: list[bdk.OutPoint], rate: int = 5) -> str:
            return self.coins.pay([(one.address, one.deliver_units) for one in wanted], only=only, rate=rate)

        single, dear = self._authorise(intent), self._authorise(intent)
        batch = [self._authorise(intent, address=address) for address in (RECIPIENT, OTHER, RECIPIENT, OTHER)]
        bumped, parent = self._authorise(intent), [self._authorise(intent), self._authorise(intent, address=OTHER)]
        bumped_coin, parent_coin = self._coin(300_000), self._coin(600_000)
        first = self.sign(sign_bitcoin(pay(bumped, only=[bumped_coin]), bumped))
        again = pay(bumped, only=[bumped_coin], rate=9)
        paid = self.sign(sign_bitcoin(pay(*parent, only=[parent_coin], rate=2), *parent))
        part = pay(parent[0], only=[parent_coin], rate=9)
        self.coins.learn(paid.raw)
        (change,) = [place for txid, place in self.known if txid == paid.txid]
        outpoint = bdk.OutPoint(txid=bdk.Transaction(paid.raw).compute_txid(), vout=change)
        coin, token, dearer = self._authorise(ether), self._authorise(usdt), self._authorise(usdt)
        evm = self.sign(sign_evm(dearer, nonce=1))
        # Nearly right, and each a theft if one rule did not see it: from a fresh coin, a part of a batch, too dear.
        self.hostile: list[SignRequest] = [
            sign_bitcoin(pay(bumped, only=[self._coin(500_000)], rate=9), bumped, replaces=first.txid),
            sign_bitcoin(part, parent[0], replaces=paid.txid),
            sign_bitcoin(pay(dear, only=[self._coin(450_000)], rate=60), dear),
            SignChild("bitcoin", paid.txid, self.coins.back(outpoint, 7_900)),
            sign_evm(dearer, nonce=4, replaces=evm.txid, **FEES),
            sign_evm(token, nonce=1, replaces=evm.txid, **FEES),
            SignConsolidation("bitcoin", "m9", self.coins.pay([(OTHER, 49_000)], only=[self._coin(50_000)], fee=1_000)),
            SignConsolidation("bitcoin", "m9", pay(single, only=[self._coin(70_000)])),
            SignColdBitcoin("bitcoin", "m9", 49_000, self.coins.pay([(OTHER, 49_000)], only=[self._coin(60_000)])),
            SignToVenueBitcoin("bitcoin", "m9", "kraken", 48_000, pay(single, only=[self._coin(80_000)])),
            SignToVenueEvm("ethereum", "m9", "kraken", "USDT", 6_000_001, **GAS | {"gas": 80_000, "nonce": 9}),
            SignTopUp("ethereum", "m9", 3, 10**15, **GAS | {"nonce": 1}),
            SignCancel("ethereum", evm.txid, **GAS | {"nonce": 5}),
        ]
        return [
            sign_bitcoin(pay(single, only=[self._coin(400_000), self._coin(90_000)]), single),
            sign_bitcoin(pay(*batch, only=[self._coin(900_000)]), *batch),
            sign_bitcoin(again, bumped, replaces=first.txid),
            SignChild("bitcoin", paid.txid, self.coins.back(outpoint, 2_000)),
            sign_evm(coin, nonce=2),
            sign_evm(token, nonce=3),
            sign_evm(dearer, nonce=1, replaces=evm.txid, **FEES),
            *self._moves(evm.txid),
        ]

    def _moves(self, cancelled: str) -> list[SignRequest]:
        small = [self._coin(30_000) for _ in range(3)]
        cold = self.coins.pay([(COLD, 200_000)], only=[self._coin(250_000)], rate=2)
        moved = self.coins.pay([(there(), 190_000)], only=[self._coin(240_000)], rate=2)
        return [
            SignConsolidation("bitcoin", "m1", together(self.coins, small, 500)),
            SignColdBitcoin("bitcoin", "m2", 200_000, cold),
            SignSweep("ethereum", "m3", 7, "USDT", 25_000_000, "hot", **GAS | {"gas": 80_000}),
            SignSweep("ethereum", "m4", 8, "ETH", 10**18, "cold", **GAS),
            SignTopUp("ethereum", "m5", 9, 10**15, **GAS | {"nonce": 6}),
            SignColdEvm("ethereum", "m6", "USDT", 5_000_000, **GAS | {"gas": 80_000, "nonce": 7}),
            SignToVenueBitcoin("bitcoin", "m7", "kraken", 190_000, moved),
            SignToVenueEvm("ethereum", "m8", "kraken", "USDT", 5_500_000, **GAS | {"gas": 80_000, "nonce": 8}),
            SignCancel("ethereum", cancelled, **GAS | {"nonce": 1, "max_fee_per_gas": 46 * 10**9} | TIP),
        ]

    def ask(self, data: bytes, kinds: Counter[str]) -> str:
        """What became of these bytes; AssertionError for a signature that stands on nothing. `kinds`: what they asked."""
        try:
            request = request_of(parse(data))
        except (BadFrame, Malformed):
            return "unreadable"
        if isinstance(request, AskStatus | AskSigned | AskBytes):
            return "status"
        kinds[type(request).__name__] += 1
        answer = self.desk.sign(request)
        if isinstance(answer, Denied):
            return str(answer.rule)
        assert isinstance(answer, Approved)
        self.see(request, answer)
        return "approved"


def test_each_kind_of_request_is_signed_as_it_is(tmp_path: Path) -> None:
    """Otherwise changed ones would be refused for no merit of the rules."""
    scene = Scene(tmp_path / "scene")
    for request in scene.requests:
        scene.sign(request)
    scene.journal.close()


@pytest.mark.timeout(7_200)  # a hundred thousand take a quarter of an hour
def test_no_mutated_request_gets_a_signature_that_no_authorised_payout_covers(
    tmp_path: Path, record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    random, told, kinds, asked = Random(20261128), Counter[str](), Counter[str](), 0
    while asked < MUTATIONS:
        scene = Scene(tmp_path / f"scene{asked}")
        documents = [wrap(request) for request in (*scene.requests, *scene.hostile)]
        strange = [
            RECIPIENT,
            OTHER,
            ACCOUNT,
            COLD,
            VAULT,
            "hot",
            "cold",
            "m1",
            "m3",
            "kraken",
            THERE,
            scene.seed.evm_address(),
            "bitcoin",
            "ethereum",
            "BTC",
            "USDT",
            "ETH",
        ]
        strange += [*scene.intents, *(one.digest() for one in scene.intents.values()), *scene.judge.signed]
        for _ in range(min(A_WORLD_LASTS, MUTATIONS - asked)):
            told[scene.ask(mutated(random, random.choice(documents), documents, strange), kinds)] += 1
            asked += 1
        scene.journal.close()
        for path in (tmp_path / f"scene{asked}").glob("*"):
            path.unlink()
    record_property("mutations", dict(told))
    with capsys.disabled():
        print(f"\n{asked} mutated requests: {dict(told.most_common())}")
        print(f"of them readable: {dict(kinds.most_common())}")
    assert told["approved"] < asked, "nothing was changed"
    assert len(told) > 8, "hardly a rule was tried"
    assert set(kinds) == {one.__name__ for one in get_args(SignRequest)}, "a kind of request was not tried"
