"""The chains of this installation, opened from the settings and the signer's public file."""

from collections.abc import Mapping

from tidegate.chains.bitcoin.client import BitcoinChain
from tidegate.chains.evm.client import EvmChain
from tidegate.chains.port import Chain
from tidegate.chains.public import PublicKeys
from tidegate.config import Settings


def open_chains(settings: Settings, public: PublicKeys) -> dict[str, Chain]:
    """One driver per configured network, by network name. Nothing is asked of a node yet.

    Refuses (SystemExit) a network that the signer has no keys for: its deposits could never be spent.
    """
    chains: dict[str, Chain] = {}
    for name, network in settings.networks.items():
        keys = public.bitcoin if network.kind == "bitcoin" else public.evm
        if name not in keys:
            raise SystemExit(
                f"The signer's public file has no keys for {name}: restart the signer with this configuration."
            )
        if network.kind == "bitcoin":
            chains[name] = BitcoinChain(name, network, public.bitcoin[name], public.born)
        else:
            chains[name] = EvmChain(name, network, public.evm[name])
    return chains


async def close_chains(chains: Mapping[str, Chain]) -> None:
    """Let calls under way end and close the connections."""
    for chain in chains.values():
        await chain.close()
