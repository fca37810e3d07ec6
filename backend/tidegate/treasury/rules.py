"""Attempts: their states and transitions; what a mined attempt books; what a payout costs by weight."""

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from tidegate.ledger.rules import Transfer, customer, house, transfers


class Purpose(StrEnum):
    """What a set of attempts is for. Only a payout pays somebody; the others move our own money."""

    PAYOUT = "payout"
    CONSOLIDATION = "consolidation"
    SWEEP = "sweep"
    TOP_UP = "top_up"
    COLD = "cold"
    TO_VENUE = "to_venue"
    CANCEL = "cancel"


class Booked(StrEnum):
    """What the ledger says of a move."""

    NOTHING = "nothing"
    SENT = "sent"  # it is in transit
    ARRIVED = "arrived"
    RETURNED = "returned"  # it was in transit and is where it was before


class ProposalKind(StrEnum):
    """What a person is asked to do."""

    REFILL = "refill"  # bring money to the hot wallet
    SURPLUS = "surplus"  # take money off it
    TO_VENUE = "to_venue"  # move money from the hot wallet to an exchange
    TO_WALLET = "to_wallet"  # move money from an exchange to the hot wallet


class ProposalState(StrEnum):
    """A proposal is done when the need is gone, whoever met it."""

    OPEN = "open"
    DONE = "done"
    ACCEPTED = "accepted"  # a person wants it moved, as it stands there: the worker makes the move
    DISMISSED = "dismissed"  # a person does not want it; it is made again when the need grows


class Direction(StrEnum):
    TO_WALLET = "to_wallet"  # a withdrawal there
    TO_VENUE = "to_venue"  # a deposit there


class VenueState(StrEnum):
    """The life of a move between an exchange and the hot wallet."""

    INTENDED = "intended"  # to the wallet: written down, and nobody was asked
    ASKED = "asked"  # committed before the exchange hears of it; never asked for again
    UNKNOWN = "unknown"  # asked, and no answer said what became of it: it is looked for
    MOVING = "moving"  # to the exchange: our transaction is being signed, sent and mined
    PENDING = "pending"  # in transit: it left the one side and has not come to the other
    ARRIVED = "arrived"
    REFUSED = "refused"  # the exchange or we ourselves said no; nothing moved
    FAILED = "failed"  # nothing moved, or all of it is back


class Stage(StrEnum):
    """What is to be done next with a set."""

    SIGNING = "signing"  # inputs or nonce are reserved; the signer is asked
    BROADCASTING = "broadcasting"  # the signed bytes are stored; being sent
    CONFIRMING = "confirming"  # sent; watched, sent again, made dearer
    ENDED = "ended"


class Outcome(StrEnum):
    """How a set ended."""

    FINAL = "final"  # one member is mined for good and did what it is for
    REVERTED = "reverted"  # EVM: one member is mined for good and paid nobody: status 0, or it filled the nonce
    DROPPED = "dropped"  # no member was ever signed, or none can be mined any more


class AttemptState(StrEnum):
    """One chain transaction of a set (PRODUCT.md)."""

    BUILT = "built"  # inputs or nonce are reserved, nothing is signed
    SIGNED = "signed"  # the raw bytes are stored; nothing was sent
    BROADCAST = "broadcast"  # a node took the bytes
    SEEN = "seen"  # a node showed it back to us, unconfirmed
    MINED = "mined"  # in a block, not yet final
    FINAL = "final"  # deep enough; settled
    REVERTED = "reverted"  # EVM: in a block with status 0, or filling a nonce; its fee is spent, no payout is made
    REPLACED = "replaced"
    DROPPED = "dropped"  # provably dead: nothing of it can confirm any more
    UNKNOWN = "unknown"  # sent, and no answer proved anything


DEAD = frozenset({AttemptState.REVERTED, AttemptState.REPLACED, AttemptState.DROPPED})
OPEN = frozenset(
    {
        AttemptState.BUILT,
        AttemptState.SIGNED,
        AttemptState.BROADCAST,
        AttemptState.SEEN,
        AttemptState.MINED,
        AttemptState.UNKNOWN,
    }
)
SENT = frozenset({AttemptState.BROADCAST, AttemptState.SEEN, AttemptState.MINED, AttemptState.UNKNOWN})

# Virtual bytes of one input and two outputs, the dearest class of recipient (43 vB) assumed; and of one more input.
BITCOIN_PAYOUT_VBYTES = 154
BITCOIN_INPUT_VBYTES = 68
BITCOIN_OUTPUT_VBYTES = 43
# A plain ether transfer; an ERC-20 transfer to a fresh holder of a USDT-like token (60,148 measured) with room.
ETHER_GAS = 21_000
TOKEN_GAS = 78_000
GWEI = 10**9


@dataclass(frozen=True, slots=True)
class NetworkFee:
    """What one payout costs on chain, in base units of `gas_asset`.

    `charge_units` is what the customer is charged; `max_units` is what the signer may at most spend; the house bears
    what lies between. `rate` is sat/vB or wei per gas.
    """

    gas_asset: str
    charge_units: int
    max_units: int
    rate: int


def network_fee(*, kind: str, token: bool, rate: int, gas_asset: str, rate_cap: int) -> NetworkFee:
    """The fee of one payout at `rate`; `rate_cap` is the configured ceiling in sat/vB or gwei."""
    if kind == "bitcoin":
        charge = rate * BITCOIN_PAYOUT_VBYTES
        # Coin selection may take more inputs than the one that is charged for; the house bears that, within reason.
        most = rate * (BITCOIN_PAYOUT_VBYTES + 20 * BITCOIN_INPUT_VBYTES)
        return NetworkFee(gas_asset, charge, min(most, rate_cap * BITCOIN_PAYOUT_VBYTES * 10), rate)
    gas = TOKEN_GAS if token else ETHER_GAS
    # Twice the rate: a base fee that rises while the payout waits is ours to pay, not a reason to fail.
    return NetworkFee(gas_asset, gas * rate, gas * min(2 * rate, rate_cap * GWEI), rate)


def shortest_wait(block_seconds: float, confirmations: int, speed: str) -> tuple[int, int]:
    """(earliest, latest) seconds from verification to final, by speed."""
    extra = {"fast": 0, "standard": 1, "economy": 4}[speed]
    earliest = int(block_seconds * confirmations)
    latest = int(block_seconds * (confirmations + extra + 1) * 2) + 30
    return max(earliest, 1), latest


KEPT = Fraction(94, 100)
"""How many promises of an arrival are to be kept: 90 to 97 % is wanted, and this lies as far from the one as the other."""
LEAST_HISTORY = 30
"""Arrivals from which on our own history counts more than `shortest_wait`."""
REVIEW_SECONDS = 3600
"""What a person's look is taken to need while there is no history of it."""


class Way(StrEnum):
    """How a payout got to its end: what takes so differently long is not compared."""

    STRAIGHT = "straight"
    REVIEWED = "reviewed"  # a person had to agree


def promise_ms(durations: Sequence[int]) -> int | None:
    """The span that `KEPT` of those to come will keep, if they are like these; None while there are too few.

    Of n durations and one to come each order is as likely, so the k-th smallest is not exceeded with k / (n + 1).
    """
    count = len(durations)
    if count < LEAST_HISTORY:
        return None
    return sorted(durations)[math.ceil(KEPT * (count + 1)) - 1]


@dataclass(frozen=True, slots=True)
class Spent:
    """What a mined attempt took from our wallets: its fee, and coins that came from deposit addresses."""

    network: str
    gas_asset: str
    fee_units: int
    deposit_units: int = 0


def spent_transfers(spent: Spent) -> tuple[Transfer, ...]:
    """Chain fee for every mined attempt, and the move of deposit coins into the hot wallet (PRODUCT.md)."""
    hot = house("wallet:hot", spent.gas_asset, spent.network)
    return transfers(
        (hot, house("wallet:deposit", spent.gas_asset, spent.network), spent.deposit_units, "deposit coin spent"),
        (house("cost:network", spent.gas_asset), hot, spent.fee_units, "chain fee"),
    )


def refitted_transfers(
    network: str, gas_asset: str, more: int, *, payer: str = "wallet:hot", more_deposits: int = 0
) -> tuple[Transfer, ...]:
    """After a reorganisation a transaction cost `more` than was booked for it (less, when negative), taken from `payer`,
    and spent `more_deposits` of coins that customers sent."""
    hot, deposits = house("wallet:hot", gas_asset, network), house("wallet:deposit", gas_asset, network)
    cost, paid_by = house("cost:network", gas_asset), deposits if payer == "wallet:deposit" else hot
    return transfers(
        (cost, paid_by, max(more, 0), "chain fee, mined again"),
        (paid_by, cost, max(-more, 0), "chain fee, mined again"),
        (hot, deposits, max(more_deposits, 0), "deposit coin spent"),
        (deposits, hot, max(-more_deposits, 0), "deposit coin not spent"),
    )


def payout_transfers(user_id: uuid.UUID, network: str, asset: str, units: int) -> tuple[Transfer, ...]:
    """Payout final: what was held for the user has left our hot wallet."""
    return transfers((customer(user_id, "held", asset), house("wallet:hot", asset, network), units, "payout final"))


def fitting(units: Sequence[int], available: int, rate: int) -> list[int]:
    """Which of these Bitcoin payments, oldest first, `available` satoshi cover with their fees at `rate`, by place."""
    left = available - rate * (BITCOIN_PAYOUT_VBYTES - BITCOIN_OUTPUT_VBYTES)
    found = []
    for place, each in enumerate(units):
        cost = each + rate * BITCOIN_OUTPUT_VBYTES
        if cost <= left:
            found.append(place)
            left -= cost
    return found


@dataclass(frozen=True, slots=True)
class Patience:
    """What tells whether a transaction is made dearer by itself."""

    target_seconds: float
    waited_seconds: float
    rate: int
    """What it pays, and what the speed costs today."""
    today: int
    cheapest: int
    """Below this the node takes nothing in."""
    known: bool
    """Whether the node has it."""


def is_stuck(patience: Patience) -> bool:
    """It waits for longer than its speed promised while others pay more, or no node keeps it at its price."""
    evicted = not patience.known and patience.cheapest > patience.rate
    return evicted or (patience.waited_seconds > patience.target_seconds and patience.today > patience.rate)
