"""The calls that one payout cannot do without, made one after another by a program that remembers nothing.

Health, fee rate, coins or gas, signature, send: with the product's own drivers and its signer's own socket, but without
a database, a ledger, a queue or a second look. What the worker adds to them is what the measure is about.
"""

import uuid
from datetime import UTC, datetime

from bench.windows import Stopwatch
from tests.stack import Stack
from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.evm.client import EvmChain
from tidegate.chains.open import close_chains, open_chains
from tidegate.chains.port import Submitted
from tidegate.chains.public import load_public
from tidegate.config import Settings
from tidegate.signing.client import SignerDoor
from tidegate.signing.messages import Answer, Approved, Authorisation, Intent

UNITS = {"bitcoin": ("BTC", 20_000), "ethereum": ("ETH", 2 * 10**15)}
BOUND = {"bitcoin": 1_000_000, "ethereum": 10**17}


async def bare_payouts(stack: Stack, settings: Settings, network: str, count: int) -> list[float]:
    """Seconds that each of `count` payouts takes. It spends the house's coins behind the back of its books: the last
    thing done to a system."""
    door = SignerDoor(settings.signer.socket)
    chains = open_chains(settings, load_public(settings.signer.public_file))
    try:
        found = []
        for _ in range(count):
            intent, yes = _payout(network, await stack.new_address(network))
            watch = Stopwatch()
            chain = chains[network]
            if isinstance(chain, BitcoinChain):
                answer = await _bitcoin(chain, door, intent, yes)
            else:
                assert isinstance(chain, EvmChain)
                answer = await _evm(chain, door, intent, yes)
            assert isinstance(answer, Approved), answer
            sent = await chain.submit(answer.raw)
            found.append(watch.seconds)
            assert sent.outcome is Submitted.ACCEPTED, sent
            if network == "ethereum":
                await stack.mine(network)
        return found
    finally:
        await close_chains(chains)


def _payout(network: str, address: str) -> tuple[Intent, Authorisation]:
    asset, units = UNITS[network]
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    intent = Intent(
        payout_id=str(uuid.uuid4()),
        user_id=str(uuid.uuid4()),
        network=network,
        asset=asset,
        address=address,
        deliver_units=units,
        debit_asset=asset,
        debit_units=units,
        max_network_fee_units=BOUND[network],
        created_at=now,
    )
    return intent, Authorisation(intent.digest(), "totp", intent.user_id, now)


async def _bitcoin(chain: BitcoinChain, door: SignerDoor, intent: Intent, yes: Authorisation) -> Answer:
    assert (await chain.health()).fit
    rate = (await chain.fee_rates()).fast
    funded = await chain.fund([(intent.address, intent.deliver_units)], rate, ())
    return await door.sign_bitcoin([(intent, yes)], funded.psbt)


async def _evm(chain: EvmChain, door: SignerDoor, intent: Intent, yes: Authorisation) -> Answer:
    assert (await chain.health()).fit
    price = (await chain.gas_fees()).fast
    gas = await chain.gas_for(intent.asset, intent.address, intent.deliver_units)
    nonce = await chain.next_nonce(chain.hot_address)
    return await door.sign_evm(
        intent,
        yes,
        nonce=nonce,
        gas=gas,
        max_fee_per_gas=price.max_fee,
        max_priority_fee_per_gas=price.tip,
        chain_id=chain.chain_id,
    )
