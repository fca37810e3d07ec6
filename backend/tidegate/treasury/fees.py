"""What a payout costs on chain, asked of the node at most every few seconds."""

import asyncio
import time
from collections.abc import Mapping

from tidegate.chains.port import Chain, FeeRates, NodeUnavailable
from tidegate.config import NetworkSettings
from tidegate.refusal import Kind, Refusal
from tidegate.treasury.rules import NetworkFee, network_fee

_FRESH_SECONDS = 5.0
_USABLE_SECONDS = 900.0


class Fees:
    """Network fees by network, asset and speed. A node that is away is covered by its last rates for 15 minutes."""

    def __init__(self, chains: Mapping[str, Chain], networks: Mapping[str, NetworkSettings]) -> None:
        self._chains = chains
        self._networks = networks
        self._known: dict[str, tuple[float, FeeRates]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def rates(self, network: str) -> FeeRates:
        """The node's rates, at most 5 s old, else the last known ones. Refuses BUSY when there are none."""
        async with self._locks.setdefault(network, asyncio.Lock()):
            known = self._known.get(network)
            age = time.monotonic() - known[0] if known else None
            if known and age is not None and age < _FRESH_SECONDS:
                return known[1]
            try:
                rates = await self._chains[network].fee_rates()
            except NodeUnavailable:
                if known and age is not None and age < _USABLE_SECONDS:
                    return known[1]
                raise Refusal(Kind.BUSY, f"No {network} node can be asked for fees just now.", retry_after=5) from None
            self._known[network] = (time.monotonic(), rates)
            return rates

    async def estimate(self, network: str, asset: str, speed: str) -> NetworkFee:
        """The fee of one payout of `asset` on `network` at `speed` (economy, standard, fast)."""
        settings, chain = self._networks[network], self._chains[network]
        rates = await self.rates(network)
        return network_fee(
            kind=settings.family,
            token=asset != chain.gas_asset,
            rate=rates.of(speed),
            gas_asset=chain.gas_asset,
            rate_cap=settings.max_fee_rate,
        )
