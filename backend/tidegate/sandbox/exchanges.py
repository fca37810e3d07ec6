"""The exchanges of `tidegate up`: three sandbox venues in one process, our account at each, and one for foreign clients."""

import json
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tidegate.config import SandboxSettings
from tidegate.sandbox.bank import Nodes, deposit_address
from tidegate.sandbox.home import Home
from tidegate.sandbox.nodes import TOKENS
from tidegate.sandbox.process import write_whole
from tidegate.sandbox.venue.funding import NETWORKS

EXCHANGES = ("binance", "coinbase", "kraken")
FUNDS: Mapping[str, Mapping[str, str]] = {
    "binance": {"BTC": "20", "ETH": "300", "USDT": "1500000", "USDC": "500000", "BNB": "10"},
    "coinbase": {"BTC": "12", "ETH": "200", "USDT": "900000", "USDC": "400000"},
    "kraken": {"BTC": "12", "ETH": "200", "USDT": "900000", "USDC": "300000"},
}
"""What the house has at each from the start. The seed books it as capital."""
_FEES = {"binance": "0.001", "coinbase": "0.00105", "kraken": "0.00102"}
_OPTIONS = {"kraken": {"tier": "pro"}}
_STREAMS = {"kraken": "/v2"}
_READY = {"binance": "/api/v3/ping", "coinbase": "/api/v3/brokerage/time", "kraken": "/0/public/Time"}


def url(home: Home, name: str) -> str:
    return f"http://127.0.0.1:{home.ports[_port(name)]}"


def stream_url(home: Home, name: str) -> str:
    """The root of its WebSocket streams: the same port."""
    return f"ws://127.0.0.1:{home.ports[_port(name)]}{_STREAMS.get(name, '')}"


def readiness(home: Home) -> list[tuple[str, str]]:
    """Origin and path at which each answers 200 once it runs."""
    return [(url(home, name), _READY[name]) for name in EXCHANGES]


def credentials(home: Home, name: str, who: str) -> tuple[str, str]:
    """Key and secret of `venue` (ours) or `guest`, in the exchange's own form, the same at every start."""
    key, secret = home.secrets[f"{who}_key"], home.secrets[f"{who}_secret"]
    if name == "coinbase":
        return f"organizations/sandbox/apiKeys/{key[:32]}", _pem(home, who)
    return key, secret  # what is hexadecimal is base64 too, as Kraken wants its secrets


def _pem(home: Home, who: str) -> str:
    path = home.folder / "venues" / f"coinbase-{who}.pem"
    if not path.is_file():
        path.parent.mkdir(exist_ok=True, mode=0o700)
        made = generate_private_key(SECP256R1())
        write_whole(path, made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode())
    return path.read_text()


def settings_of_exchanges(home: Home) -> dict[str, Any]:
    """`[venues.*]`."""
    found = {}
    for name in EXCHANGES:
        key, secret = credentials(home, name, "venue")
        found[name] = {
            "kind": name,
            "rest_url": url(home, name),
            "stream_url": stream_url(home, name),
            "api_key": key,
            "secret": secret,
            "taker_fee": _FEES[name],
            "withdrawals": True,
            "keep": {code: _keep(code, funds) for code, funds in FUNDS[name].items() if code in NETWORKS},
            **({"options": _OPTIONS[name]} if name in _OPTIONS else {}),
        }
    return found


def _keep(code: str, funds: str) -> dict[str, Any]:
    """About what is there from the start; what strays a tenth from it is proposed to be moved, and a person decides."""
    held = Decimal(funds)
    return {
        "network": NETWORKS[code],
        "least": str(held * Decimal("0.9")),
        "target": funds,
        "most": str(held * Decimal("1.1")),
        "smallest": str(held * Decimal("0.02")),
        "most_a_move": str(held * Decimal("0.5")),
    }


def settings_of_signer() -> dict[str, Any]:
    """Where the signer may send the house's money at exchanges: what goes into `[signer]`."""
    places = {
        name: {
            f"{code}@{NETWORKS[code]}": deposit_address(name, NETWORKS[code])
            for code in FUNDS[name]
            if code in NETWORKS
        }
        for name in EXCHANGES
    }
    return {"venue_addresses": places, "max_to_venue": {"BTC": "10", "ETH": "200", "USDT": "750000", "USDC": "250000"}}


def for_guests(home: Home) -> dict[str, Any]:
    """What a foreign client needs, for ready.json."""
    found = {}
    for name in EXCHANGES:
        key, secret = credentials(home, name, "guest")
        found[name] = {"rest_url": url(home, name), "ws_url": stream_url(home, name), "api_key": key, "secret": secret}
    return found


def arguments(home: Home) -> list[str | Path]:
    """The command line of the process that serves them all. Writes each one's accounts into its folder."""
    default = str(SandboxSettings.model_fields["market_seconds"].default)
    seconds = float(os.environ.get("TIDEGATE_SANDBOX__MARKET_SECONDS", default))
    words: list[str | Path] = ["--interval-ms", str(round(seconds * 1000))]
    for name in EXCHANGES:
        folder = home.folder / "venues" / name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        config = folder / "config.json"
        write_whole(config, _config(home, name))
        port = str(home.ports[_port(name)])
        words += ["--dialect", name, "--port", port, "--data", folder, "--config", config]
    return words


def write_bank(home: Home, *, bitcoin_url: str, evm_url: str) -> Path:
    """Tell the exchanges where their coins lie; the file for `--bank`."""
    nodes = Nodes(bitcoin_url, evm_url, dict(TOKENS), home.signer_public_file)
    path = home.folder / "venues" / "bank.json"
    write_whole(path, nodes.text())
    return path


def _config(home: Home, name: str) -> str:
    accounts = []
    for account, who in (("tidegate", "venue"), ("guest", "guest")):
        key, secret = credentials(home, name, who)
        accounts.append({"name": account, "api_key": key, "secret": secret, "balances": dict(FUNDS[name])})
    return json.dumps({"accounts": accounts}, indent=1)


def _port(name: str) -> str:
    return f"venue_{name}"
