"""`tidegate.toml` of a sandbox: what the api, worker and signer of this data folder are told."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from tidegate.sandbox.exchanges import settings_of_exchanges, settings_of_signer
from tidegate.sandbox.home import Home
from tidegate.sandbox.nodes import CHAIN_ID, FAUCET_WALLET, TOKEN_DECIMALS, TOKENS
from tidegate.sandbox.scenarios import deny_list

BITCOIN = "bitcoin"
ETHEREUM = "ethereum"
BITCOIN_CONFIRMATIONS = 2
EVM_CONFIRMATIONS = 3
_RATE_LIMIT_FACTOR = 1000


def settings_of(
    home: Home, *, database: dict[str, str], bitcoin_rpc_url: str, bitcoin_seconds: float, evm_seconds: float
) -> dict[str, Any]:
    """Every difference between the sandbox and the defaults of config.py; the node URLs are those of the gates."""
    tokens = {asset: {"contract": contract, "decimals": TOKEN_DECIMALS} for asset, contract in TOKENS.items()}
    return {
        "mode": "sandbox",
        "database": database,
        # `localhost` is listened to in both families; passkeys need the name, not the number.
        "api": {"host": "localhost", "port": home.port, "public_url": home.url},
        "auth": {"token_key_file": home.folder / "token.key", "rate_limit_factor": _RATE_LIMIT_FACTOR},
        "networks": {
            BITCOIN: {
                "kind": "bitcoin",
                "name": "Bitcoin (regtest)",
                "rpc_url": bitcoin_rpc_url,
                "chain": "regtest",
                "confirmations": BITCOIN_CONFIRMATIONS,
                "block_seconds": bitcoin_seconds,
                "batch_seconds": {"fast": 0, "standard": 0.3, "economy": 2},
            },
            ETHEREUM: {
                "kind": "evm",
                "name": "Ethereum (local)",
                "rpc_url": f"http://127.0.0.1:{home.ports['evm_gate']}",
                "chain_id": CHAIN_ID,
                "confirmations": EVM_CONFIRMATIONS,
                "block_seconds": evm_seconds,
                "tokens": tokens,
            },
        },
        "venues": settings_of_exchanges(home),
        "signer": {
            "socket": home.signer_socket,
            "directory": home.folder / "signer",
            "passphrase_file": home.signer_passphrase_file,
            "public_file": home.signer_public_file,
            "max_payout": {"BTC": "5", "ETH": "100", "USDT": "100000", "USDC": "100000"},
            "max_hourly": {"BTC": "100", "ETH": "2000", "USDT": "2000000", "USDC": "2000000"},
            "max_daily": {"BTC": "400", "ETH": "8000", "USDT": "8000000", "USDC": "8000000"},
            **settings_of_signer(),
        },
        "mail": {
            "host": "127.0.0.1",
            "port": home.ports["mail"],
            "tls": "none",
            "sender": "Tidegate sandbox <harbour@demo.example>",
        },
        "compliance": {"deny_list_file": home.deny_list_file, "new_address_cooldown_seconds": 0},
        "sandbox": {
            "directory": home.folder,
            "bitcoin_block_seconds": bitcoin_seconds,
            "evm_block_seconds": evm_seconds,
            "control_url": home.control_url,
            "bitcoin_wallet": FAUCET_WALLET,
        },
    }


def write_deny_list(home: Home) -> None:
    home.deny_list_file.write_text(deny_list())


def toml(tables: dict[str, Any]) -> str:
    """TOML of nested dicts of text, numbers, booleans, paths and lists of them."""
    lines: list[str] = []

    def table(name: str, content: dict[str, Any]) -> None:
        plain = {key: value for key, value in content.items() if not isinstance(value, dict)}
        if name and (plain or not content):
            lines.append(f"[{name}]")
        lines.extend(f"{_key(key)} = {_value(value)}" for key, value in plain.items())
        if plain:
            lines.append("")
        for key, value in content.items():
            if isinstance(value, dict):
                table(f"{name}.{_key(key)}" if name else _key(key), value)

    table("", tables)
    return "\n".join(lines)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return str(value)
        case str() | Path():
            # A TOML basic string has JSON's escapes.
            return json.dumps(str(value))
        case list():
            return f"[{', '.join(_value(one) for one in value)}]"
        case dict():
            return f"{{ {', '.join(f'{_key(key)} = {_value(one)}' for key, one in value.items())} }}"
    raise TypeError(f"no TOML for {value!r}")
