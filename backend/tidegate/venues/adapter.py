"""Which adapters there are: entry points of the group `tidegate.venues`, ours among them (docs/venues.md)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from tidegate import offers, websocket
from tidegate.config import VenueSettings
from tidegate.offers import NotOffered
from tidegate.venues.port import Venue

GROUP = "tidegate.venues"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class VenueProblem(SystemExit):
    """A venue names an adapter that is not there, or what the adapter cannot use. The text is for a person."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What an adapter is given for one venue. Credentials are read already; "" where the venue has none.

    `rest_url` is https, or http on loopback, without a path; `stream_url` wss, or ws on loopback, "" where books are only
    asked for. `networks` holds the adapter's own names with those of the
    settings over them. `pairs` are all that `markets` may list, as "BTC-USDT"; none: no limit. `options` is `[venues.NAME.options]`, judged by the adapter's own model; None when it has none.
    """

    name: str
    rest_url: str
    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    taker_fee: Decimal
    networks: Mapping[str, str]
    pairs: Sequence[str] = ()
    options: BaseModel | None = None
    stream_url: str = ""


@dataclass(frozen=True, slots=True)
class Adapter:
    """What an entry point names. `open` sends nothing and raises nothing but ValueError for what it cannot use.

    `taker_fee` is the venue's usual one, for settings that say none; `networks` its own names of networks by ours;
    `streams` where each of its REST addresses has its stream.
    """

    open: Callable[[Opening], Venue]
    rest_url: str
    taker_fee: Decimal
    networks: Mapping[str, str] = field(default_factory=dict)
    options: type[BaseModel] | None = None
    streams: Mapping[str, str] = field(default_factory=dict)


def find(kind: str, name: str) -> Adapter:
    """Load the adapter. Refuses (VenueProblem) a name that nobody offers, and one that two distributions offer."""
    try:
        return offers.load(GROUP, kind, Adapter, noun="adapter")
    except NotOffered as error:
        raise VenueProblem(f"[venues.{name}] kind: {error}") from error


def open_venue(name: str, settings: VenueSettings) -> Venue:
    """One venue's client. Nothing is sent yet. Refuses with VenueProblem."""
    adapter = find(settings.kind, name)
    try:
        rest_url = _root(settings.rest_url or adapter.rest_url)
        opening = Opening(
            name=name,
            rest_url=rest_url,
            api_key=settings.read_api_key(),
            secret=settings.read_secret(),
            taker_fee=Decimal(settings.taker_fee) if settings.taker_fee else adapter.taker_fee,
            networks={**adapter.networks, **settings.networks},
            pairs=settings.pairs,
            options=_options(adapter, settings),
            stream_url=_stream(adapter, settings, rest_url),
        )
        return adapter.open(opening)
    except (ValidationError, ValueError, OSError) as error:
        raise VenueProblem(f"[venues.{name}] {error}") from error


def _root(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError("rest_url: https only, http on loopback")
    if parts.path.strip("/") or parts.query or parts.username:
        # Kraken and Coinbase sign the path; what stands in front of it would have to be signed too.
        raise ValueError("rest_url: the root alone, without path, query or login")
    return url.rstrip("/")


def _stream(adapter: Adapter, settings: VenueSettings, rest_url: str) -> str:
    """Beside the REST address: a sandbox's books are not those of the real venue."""
    told = settings.stream_url or adapter.streams.get(rest_url, "")
    if not settings.stream or not told:
        return ""
    try:
        return websocket.address(told)
    except ValueError as error:
        raise ValueError(f"stream_url: {error}") from error


def _options(adapter: Adapter, settings: VenueSettings) -> BaseModel | None:
    if adapter.options is not None:
        return adapter.options.model_validate(settings.options)
    if settings.options:
        raise ValueError("options: this adapter has none")
    return None
