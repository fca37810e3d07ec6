"""Which drivers there are: entry points of the group `tidegate.chains`, ours among them (docs/chains.md)."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel, ValidationError

from tidegate.chains.families import Family
from tidegate.chains.port import Chain
from tidegate.chains.public import BitcoinKeys, EvmKeys
from tidegate.config import NetworkSettings

GROUP = "tidegate.chains"


class DriverProblem(SystemExit):
    """A network names a driver that is not there, or says of it what it does not bear out. The text is for a person."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a driver is given for one network. `keys` are the public ones of its family, `born` when the seed was made.

    `options` is `[networks.NAME.options]`, judged by the driver's own model; None when it has none.
    """

    network: str
    settings: NetworkSettings
    keys: Any
    born: int
    options: BaseModel | None = None

    @property
    def bitcoin_keys(self) -> BitcoinKeys:
        assert isinstance(self.keys, BitcoinKeys)
        return self.keys

    @property
    def evm_keys(self) -> EvmKeys:
        assert isinstance(self.keys, EvmKeys)
        return self.keys


@dataclass(frozen=True, slots=True)
class Driver:
    """What an entry point names. `open` asks nothing of a node and raises nothing but ValueError for bad settings."""

    family: Family
    open: Callable[[Opening], Chain]
    options: type[BaseModel] | None = None


def installed() -> dict[str, list[EntryPoint]]:
    """Entry points by name, without loading any."""
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, []).append(point)
    return found


def find(kind: str, network: str) -> Driver:
    """Load the driver. Refuses (DriverProblem) a name that nobody offers, and one that two distributions offer."""
    known = installed()
    offers = known.get(kind, [])
    if not offers:
        raise DriverProblem(f"[networks.{network}] kind: there is no driver {kind!r}; there are {sorted(known)}.")
    if len(offers) > 1:
        # Whichever came first would see every address and every payout: a person decides, not the import path.
        names = sorted(point.dist.name if point.dist else "?" for point in offers)
        raise DriverProblem(f"[networks.{network}] kind: {kind!r} is offered by {' and '.join(names)}.")
    driver = offers[0].load()
    if not isinstance(driver, Driver):
        raise DriverProblem(f"[networks.{network}] kind: the entry point {kind!r} is no tidegate.chains.driver.Driver.")
    return driver


def open_network(network: str, settings: NetworkSettings, keys: BitcoinKeys | EvmKeys, born: int) -> Chain:
    """One network's driver, opened. Refuses with DriverProblem."""
    driver = find(settings.kind, network)
    if driver.family != settings.family:
        raise DriverProblem(
            f"[networks.{network}] family: the driver {settings.kind!r} is of family {driver.family!r}."
        )
    try:
        return driver.open(Opening(network, settings, keys, born, _options(driver, settings)))
    except (ValidationError, ValueError) as error:
        raise DriverProblem(f"[networks.{network}] {error}") from error


def _options(driver: Driver, settings: NetworkSettings) -> BaseModel | None:
    if driver.options is not None:
        return driver.options.model_validate(settings.options)
    if settings.options:
        raise ValueError("options: this driver has none")
    return None
