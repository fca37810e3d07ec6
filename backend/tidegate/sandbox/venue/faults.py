"""What can be broken on purpose, and the door to it."""

from dataclasses import dataclass, field

FAULTS = {
    "venue_timeout_after_accept": "an order or a withdrawal is executed, then the connection ends without an answer",
    "venue_late_after_accept": "an order or a withdrawal is executed, and its answer comes late",
    "venue_error_after_accept": "an order or a withdrawal is executed, then the answer is the venue's own failure",
    "venue_error_before_accept": "an order or a withdrawal is not executed, and the answer is that failure all the same",
    "venue_html_after_accept": "an order or a withdrawal is executed, then the answer is a proxy's page",
    "venue_truncated_after_accept": "an order or a withdrawal is executed, and its answer is cut in half",
    "venue_bomb_after_accept": "an order or a withdrawal is executed, and its answer unpacks to a gigabyte",
    "venue_truncated": "every answer is cut in half",
    "venue_bomb": "every answer unpacks to a gigabyte",
    "venue_slow": "every answer comes late",
    "venue_query_lag": "orders and trades are not shown before they are some seconds old",
    "venue_fills_lag": "trades are not shown before they are some seconds old",
    "venue_partial_fill": "a new order gets half of what there was to get",
    "venue_third_asset_fee": "fees are taken in a third asset where the account has it (binance)",
    "venue_down": "every call answers 503, and streams end",
    "venue_html": "every call answers 502 with a proxy's page",
    "venue_rate_limited": "every call is one too many (429, or the venue's own words)",
    "venue_banned": "every call is answered as one after too many warnings (418, or the venue's own words)",
    "venue_clock_ahead": "the venue's clock is ahead by so many seconds",
    "venue_clock_behind": "the venue's clock is behind by so many seconds",
    "venue_maintenance": "no trading and no withdrawals, in the venue's own words",
    "venue_market_paused": "prices stand still",
    "venue_thin_book": "every level holds a thousandth",
    "venue_stream_gap": "a message of the stream is left out",
    "venue_stream_checksum": "a message of the stream has a wrong checksum (kraken)",
    "venue_stream_silent": "the stream says nothing at all, and what it would have said is lost",
    "venue_stream_cut": "the stream's connection ends",
    "venue_stream_truncated": "a message of the stream is cut in half",
    "venue_stream_packed": "a message of the stream comes as gzip",
    "venue_stream_huge": "a message of the stream is 48 MiB long",
}


@dataclass(slots=True)
class Fault:
    """`times`: how many requests it still meets, None for all until it is switched off. `seconds`: how long an answer
    that never comes keeps the connection open, how late or how old something is, or the Retry-After."""

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

    def seconds(self, name: str) -> float:
        """Of a fault that is on; 0 where it is not. Counts nothing."""
        fault = self.on.get(name)
        return fault.seconds if fault is not None else 0.0

    def meets(self, name: str) -> Fault | None:
        """Whether this request is hit; counts it."""
        fault = self.on.get(name)
        if fault is not None and fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                del self.on[name]
        return fault
