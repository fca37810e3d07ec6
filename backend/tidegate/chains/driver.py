"""Which drivers there are: entry points of the group `tidegate.chains`, ours among them (docs/chains.md)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from tidegate import offers
from tidegate.chains.families import Family
from tidegate.chains.port import Chain
from tidegate.chains.public import BitcoinKeys, EvmKeys
from tidegate.config import NetworkSettings
from tidegate.offers import NotOffered

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


def find(kind: str, network: str) -> Driver:
    """Load the driver. Refuses (DriverProblem) a name that nobody offers, and one that two distributions offer."""
    try:
        return offers.load(GROUP, kind, Driver, noun="driver")
    except NotOffered as error:
        raise DriverProblem(f"[networks.{network}] kind: {error}") from error


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
