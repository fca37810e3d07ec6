"""Money that the operator sends to a hot address, or holds in cold storage: proven by the chain, booked once."""

from tidegate.chains.port import Chain, Fate
from tidegate.database import Database, new_id
from tidegate.ledger.lane import Lane
from tidegate.ledger.rules import Outcome, Posting, house, transfers
from tidegate.refusal import Kind, Refusal
from tidegate.treasury import move_store, venue_store
from tidegate.treasury.liquidity import hot_address
from tidegate.treasury.venue_rules import received_key


async def receive(
    db: Database, lane: Lane, chain: Chain, *, txid: str, asset: str, from_cold: bool, fee_units: int = 0
) -> tuple[int, bool]:
    """(what this transaction brought to the hot address, whether it was booked now): from cold storage, else as capital.

    `fee_units`: what the cold wallet paid for it, in the gas asset. Raises NodeUnavailable. Refuses CONFLICT what is not
    deep enough yet, is our own doing, pays the hot address nothing, or is more than cold storage has.
    """
    async with db.reading() as session:
        if await move_store.is_ours(session, chain.network, txid):
            raise Refusal(Kind.CONFLICT, "This transaction is our own: it is booked by itself.")
        if await venue_store.paid_by(session, chain.network, txid) is not None:
            raise Refusal(Kind.CONFLICT, "This is a withdrawal of ours from an exchange: it is booked by itself.")
    sight = await chain.sighting(txid, asset)
    if sight.fate is not Fate.MINED or sight.confirmations < chain.confirmations:
        raise Refusal(
            Kind.CONFLICT, f"It has {max(0, sight.confirmations)} confirmations of {chain.confirmations}; wait for it."
        )
    units = sight.paid.get(hot_address(chain), 0)
    if not units:
        raise Refusal(Kind.CONFLICT, f"It pays our hot address {hot_address(chain)} no {asset}.")
    hot = house("wallet:hot", asset, chain.network)
    source = house("wallet:cold", asset, chain.network) if from_cold else house("capital", asset)
    cold_gas = house("wallet:cold", chain.gas_asset, chain.network)
    rows = transfers(
        (hot, source, units, "operator funds"),
        (house("cost:network", chain.gas_asset), cold_gas, fee_units if from_cold else 0, "chain fee"),
    )
    verdict = await lane.submit(Posting(received_key(chain.network, txid, asset), rows, "fund", new_id()))
    if verdict.outcome not in (Outcome.POSTED, Outcome.DUPLICATE):
        raise Refusal(Kind.CONFLICT, f"The books refuse it: {verdict.outcome}. Is it all from cold storage?")
    return units, verdict.posted
