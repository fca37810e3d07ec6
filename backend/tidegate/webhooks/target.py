"""Where a webhook may go: which URLs, and which addresses behind their names (security.md number 29). Pure.

A URL is judged by one strict grammar, so that no two readers can read it differently. Its name is resolved once for
each delivery, every address that it has is judged, and the connection goes to one of those and nowhere else.
"""

import ipaddress
import re
from dataclasses import dataclass

LONGEST = 500
HTTPS_PORT = 443

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_URL = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_LABEL}(?:\.{_LABEL})*|\[::1\])(?::(?P<port>[1-9][0-9]{{0,4}}))?"
    r"(?P<path>(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?)\Z",
    re.ASCII,
)
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)\Z", re.ASCII)
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_HOUSE_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "arpa", "onion")
"""Last labels that no public name has."""

# Beside what `ipaddress` calls not global: what carries another address inside, what is said to many, what clouds
# answer on a public address.
_NEVER = tuple(
    ipaddress.ip_network(one)
    for one in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "168.63.129.16/32",  # Azure's metadata and DNS
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",
        "224.0.0.0/3",  # multicast, reserved, broadcast
        "2001::/23",  # Teredo, ORCHID and other assignments of the protocol
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
        "5f00::/16",
    )
)
_UNICAST_6 = ipaddress.ip_network("2000::/3")
"""What the registries hand out: NAT64, mapped, compatible, local and multicast addresses are all outside of it."""


class Forbidden(ValueError):
    """Nothing is ever sent there. The text is for whoever asked."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that was judged: `loopback` is the sandbox's plain http to its own machine, and nothing else."""

    scheme: str
    host: str
    port: int
    path: str
    loopback: bool

    def at(self, address: str) -> str:
        """The origin with the address in the place of the name."""
        shown = f"[{address}]" if ":" in address else address
        return f"{self.scheme}://{shown}:{self.port}"

    @property
    def authority(self) -> str:
        """For the Host header."""
        usual = self.port == (HTTPS_PORT if self.scheme == "https" else 80)
        return self.host if usual else f"{self.host}:{self.port}"


def judge_url(url: str, *, sandboxed: bool) -> Target:
    """Raises Forbidden for all but `https://name/…` on port 443 and, in the sandbox, `http://localhost:port/…`."""
    if len(url) > LONGEST:
        raise Forbidden(f"A URL here has at most {LONGEST} characters.")
    found = _URL.match(url)
    if found is None or _BAD_PERCENT.search(url):
        raise Forbidden("Write https://, a lower-case name, and perhaps a path: no user, no fragment, no other signs.")
    scheme, host, path = found["scheme"], found["host"], found["path"] or "/"
    port = int(found["port"] or (HTTPS_PORT if scheme == "https" else 80))
    if not path.startswith("/"):
        path = "/" + path
    if scheme == "http":
        if not sandboxed:
            raise Forbidden("Webhooks go over https.")
        if host not in _LOOPBACK or port > 65535:
            raise Forbidden("Plain http goes to localhost only, and only in the sandbox.")
        return Target(scheme, host, port, path, loopback=True)
    _judge_name(host)
    if port != HTTPS_PORT:
        raise Forbidden("Webhooks go to port 443.")
    return Target(scheme, host, port, path, loopback=False)


def _judge_name(host: str) -> None:
    last = host.rpartition(".")[2]
    if _NUMBER.match(last) or host.startswith("["):
        raise Forbidden("Give a name, not an address.")
    if "." not in host or last in _HOUSE_NAMES or len(host) > 253:
        raise Forbidden("This name is not one of the public internet.")


def may_reach(target: Target, address: str) -> bool:
    """Whether a connection for `target` may go to this address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if target.loopback:
        return found.is_loopback
    return is_public(found)


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether it is one host of the public internet, and nothing that stands for another address."""
    if address.version == 6 and (address not in _UNICAST_6 or address.scope_id is not None):
        return False
    if any(address in network for network in _NEVER if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
