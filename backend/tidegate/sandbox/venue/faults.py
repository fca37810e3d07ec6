"""What can be broken on purpose, and the door to it."""

from dataclasses import dataclass, field

FAULTS = {
    "venue_timeout_after_accept": "a new order is executed, then the connection ends without an answer",
    "venue_error_after_accept": "a new order is executed, then the answer is -1007",
    "venue_error_before_accept": "a new order is not executed, and the answer is -1007 all the same",
    "venue_down": "every call answers 503",
    "venue_html": "every call answers 502 with a proxy's page",
    "venue_rate_limited": "every call answers 429 with Retry-After",
    "venue_market_paused": "prices stand still",
    "venue_thin_book": "every level holds a thousandth",
}


@dataclass(slots=True)
class Fault:
    """`times`: how many requests it still meets, None for all until it is switched off. `seconds`: how long an answer
    that never comes keeps the connection open, or the Retry-After."""

    times: int | None = None
    seconds: float = 2.0


@dataclass(slots=True)
class Faults:
    on: dict[str, Fault] = field(default_factory=dict)

    def switch(self, name: str, on: bool, *, times: int | None = None, seconds: float = 2.0) -> None:
        """Raises KeyError for a fault nobody knows."""
        if name not in FAULTS:
            raise KeyError(name)
        if on:
            self.on[name] = Fault(times, seconds)
        else:
            self.on.pop(name, None)

    def active(self, name: str) -> bool:
        return name in self.on

    def meets(self, name: str) -> Fault | None:
        """Whether this request is hit; counts it."""
        fault = self.on.get(name)
        if fault is not None and fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                del self.on[name]
        return fault
