"""The chains of this installation, opened from the settings and the signer's public file."""

from collections.abc import Mapping

from tidegate.chains.driver import find, open_network
from tidegate.chains.port import Chain
from tidegate.chains.public import BitcoinKeys, EvmKeys, PublicKeys
from tidegate.config import Settings


def check_drivers(settings: Settings) -> None:
    """Every network's driver is there. Refuses with driver.DriverProblem."""
    for name, network in settings.networks.items():
        find(network.kind, name)


def open_chains(settings: Settings, public: PublicKeys) -> dict[str, Chain]:
    """One driver per configured network, by network name. Nothing is asked of a node yet.

    Refuses (SystemExit) a network that the signer has no keys for: its deposits could never be spent.
    """
    chains: dict[str, Chain] = {}
    for name, network in settings.networks.items():
        keys: Mapping[str, BitcoinKeys | EvmKeys] = public.bitcoin if network.family == "bitcoin" else public.evm
        if name not in keys:
            raise SystemExit(
                f"The signer's public file has no keys for {name}: restart the signer with this configuration."
            )
        chains[name] = open_network(name, network, keys[name], public.born)
    return chains


async def close_chains(chains: Mapping[str, Chain]) -> None:
    """Let calls under way end and close the connections."""
    for chain in chains.values():
        await chain.close()
