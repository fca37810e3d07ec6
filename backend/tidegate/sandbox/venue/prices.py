"""Symbols and their moving prices, in integers of 1e-8. Deterministic: the same seed walks the same way.

All venues of one seed walk together, as real ones do; a venue's style says how its own prices differ from that walk.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random

E8 = 10**8
LEVELS = 100


@dataclass(frozen=True, slots=True)
class Symbol:
    """A pair and its filters. Prices, quantities and notionals in units of 1e-8. `name` is the exchange's own."""

    name: str
    base: str
    quote: str
    tick: int
    step: int
    min_notional: int
    min_quantity: int
    max_quantity: int = 9_000 * E8
    max_price: int = 1_000_000 * E8


def symbol(
    base: str, quote: str, tick: str, step: str, min_notional: str, max_quantity: int = 9_000, *, least: str = ""
) -> Symbol:
    """`least`: the least quantity, where it is more than one step."""
    lot = e8(step)
    return Symbol(
        base + quote,
        base,
        quote,
        e8(tick),
        lot,
        e8(min_notional),
        min_quantity=e8(least) if least else lot,
        max_quantity=max_quantity * E8,
    )


def by_name(symbols: Iterable[Symbol]) -> Mapping[str, Symbol]:
    return {one.name: one for one in symbols}


def e8(text: str) -> int:
    """Units of 1e-8 of a plain decimal with at most 8 decimals."""
    whole, _, fraction = text.partition(".")
    if len(fraction) > 8 or not (whole + fraction).isascii() or not (whole + fraction).isdigit():
        raise ValueError(f"not a number of at most 8 decimals: {text}")
    return int(whole or "0") * E8 + int(fraction.ljust(8, "0"))


def number(units: int) -> str:
    """Units of 1e-8 with 8 decimals."""
    return f"{units // E8}.{units % E8:08d}"


def short(units: int) -> str:
    """Units of 1e-8 without trailing zeros."""
    return number(units).rstrip("0").rstrip(".")


def signed(units: int) -> str:
    return f"-{number(-units)}" if units < 0 else number(units)


SYMBOLS = by_name(
    (
        symbol("BTC", "USDT", "0.01", "0.00001", "5"),
        symbol("ETH", "USDT", "0.01", "0.0001", "5"),
        symbol("ETH", "BTC", "0.00001", "0.0001", "0.0001"),
        symbol("USDC", "USDT", "0.00001", "0.01", "5", 8_000_000),
        symbol("BTC", "USDC", "0.01", "0.00001", "5"),
        symbol("ETH", "USDC", "0.01", "0.0001", "5"),
    )
)


@dataclass(frozen=True, slots=True)
class Style:
    """How one venue differs from the others. Fees in millionths."""

    name: str = ""
    symbols: Mapping[str, Symbol] = field(default_factory=lambda: SYMBOLS)
    fee_ppm: int = 1000
    fee_in_quote: bool = False  # otherwise in what is received
    half_spread: int = 20_000  # the mid is divided by this
    wobble_ppm: int = 0  # how far its mid may stand from the common walk


@dataclass(frozen=True, slots=True)
class _Walk:
    anchor: int
    noise_ppm: int  # half width of one step
    pull: int  # each step returns 1/pull of the way to the anchor


# The three that walk; the others follow from them, so that no circle of trades earns anything.
_WALKS = {
    "BTCUSDT": _Walk(64_000 * E8, 45, 50_000),
    "ETHUSDT": _Walk(3_100 * E8, 55, 50_000),
    "USDCUSDT": _Walk(E8, 3, 2_000),
}

Ladder = list[list[int]]  # [price, quantity], best first; quantities shrink as they are taken
BINANCE = Style()


class Prices:
    """Mids, and the house's order book around them. A book lives until the next step; what is taken stays taken."""

    def __init__(self, seed: int, thin: int = 1, style: Style = BINANCE) -> None:
        self.seed = seed
        self.style = style
        self.symbols = style.symbols
        self.steps = 0
        self.mids = {name: walk.anchor for name, walk in _WALKS.items()}
        self.thin = thin  # divides every quantity
        self._ladders: dict[str, tuple[Ladder, Ladder]] = {}

    def step(self) -> None:
        """Move every price once."""
        self.steps += 1
        draw = Random(f"{self.seed}:{self.steps}")
        for name, walk in _WALKS.items():
            mid = self.mids[name]
            noise = mid * draw.randint(-walk.noise_ppm, walk.noise_ppm) // 1_000_000
            self.mids[name] = mid + noise + (walk.anchor - mid) // walk.pull
        self._ladders.clear()

    def move(self, name: str, mid: int) -> None:
        """Put a walking price somewhere; it walks on from there. Raises KeyError for one that follows others."""
        if name not in self.mids or mid <= 0:
            raise KeyError(name)
        self.mids[name] = mid
        self.steps += 1
        self._ladders.clear()

    def thin_out(self, divisor: int) -> None:
        self.thin = divisor
        self._ladders.clear()

    def mid(self, name: str) -> int:
        if name in self.mids:
            return self._own(name)
        base, quote = self.symbols[name].base, self.symbols[name].quote
        return self._own(f"{base}USDT") * E8 // self._own(f"{quote}USDT")

    def anchor(self, name: str) -> int:
        """What the price wanders around."""
        if name in _WALKS:
            return _WALKS[name].anchor
        base, quote = self.symbols[name].base, self.symbols[name].quote
        return _WALKS[f"{base}USDT"].anchor * E8 // _WALKS[f"{quote}USDT"].anchor

    def _own(self, name: str) -> int:
        """The walk's price with what this venue differs by; a quiet, slowly moving difference."""
        mid, most = self.mids[name], self.style.wobble_ppm
        if not most or name == "USDCUSDT":
            return mid
        differs = Random(f"{self.seed}:{self.style.name}:{name}:{self.steps // 20}").randint(-most, most)
        return mid + mid * differs // 1_000_000

    def ladders(self, name: str) -> tuple[Ladder, Ladder]:
        """The house's bids and asks. Take from them by lowering quantities."""
        if name not in self._ladders:
            self._ladders[name] = self._build(self.symbols[name])
        return self._ladders[name]

    def _build(self, symbol: Symbol) -> tuple[Ladder, Ladder]:
        draw = Random(f"{self.seed}{self.style.name}:{symbol.name}:{self.steps}")
        mid = self.mid(symbol.name)
        half = mid // self.style.half_spread
        bid = (mid - half) // symbol.tick * symbol.tick
        ask = max(-(-(mid + half) // symbol.tick) * symbol.tick, bid + symbol.tick)
        usd = self._own(f"{symbol.base}USDT")
        gap = max(1, mid // 50_000 // symbol.tick)  # 0.2 basis points in ticks
        return self._side(symbol, draw, bid, -gap, usd), self._side(symbol, draw, ask, gap, usd)

    def _side(self, symbol: Symbol, draw: Random, price: int, gap: int, usd: int) -> Ladder:
        ladder: Ladder = []
        towards = 1 if gap > 0 else -1
        for depth in range(LEVELS):
            # Between 2,000 and 60,000 dollars at the top, six times that at the far end.
            worth = draw.randint(2_000, 60_000) * E8 * (20 + depth) // 20
            quantity = worth * E8 // usd // self.thin // symbol.step * symbol.step
            ladder.append([price, max(quantity, symbol.min_quantity)])
            price += towards * draw.randint(1, 3 * abs(gap)) * symbol.tick
        return ladder
