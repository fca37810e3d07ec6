"""What `tidegate up` writes for its children, and what it remembers."""

import os
import socket
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tidegate.compliance.rules import read_list
from tidegate.config import load
from tidegate.sandbox import exchanges
from tidegate.sandbox.home import Home
from tidegate.sandbox.process import StartFailed, free_port, port_is_free
from tidegate.sandbox.scenarios import SCREENED_BITCOIN, SCREENED_EVM, deny_list
from tidegate.sandbox.settings import settings_of, toml
from tidegate.sandbox.venue.prices import e8
from tidegate.sandbox.venue.world import Config


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    found = Home(tmp_path / "data", free_port())
    found.take()
    yield found
    found.release()


def written(home: Home) -> str:
    return toml(
        settings_of(
            home,
            database={"api_url": "postgresql://api:p%22w@127.0.0.1:5432/tidegate", "role_prefix": "tidegate_"},
            bitcoin_rpc_url="http://tidegate:secret@127.0.0.1:18443",
            bitcoin_seconds=5,
            evm_seconds=2,
        )
    )


def test_the_children_can_read_it_with_the_sandboxs_policy(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in [key for key in os.environ if key.startswith("TIDEGATE_")]:
        monkeypatch.delenv(key)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    home.settings_file.write_text(written(home))
    monkeypatch.setenv("TIDEGATE_CONFIG", str(home.settings_file))
    settings = load()
    assert settings.sandboxed
    assert settings.database_url() == "postgresql+asyncpg://api:p%22w@127.0.0.1:5432/tidegate"
    assert {name: network.confirmations for name, network in settings.networks.items()} == {"bitcoin": 2, "ethereum": 3}
    assert settings.networks["bitcoin"].block_seconds == 5
    assert settings.networks["ethereum"].block_seconds == 2
    assert settings.networks_of("USDT") == ["ethereum"]
    assert settings.compliance.new_address_cooldown_seconds == 0
    assert settings.compliance.per_withdrawal_usd == "10000"
    assert settings.auth.rate_limit_factor == 1000
    assert settings.api.public_url == f"http://localhost:{home.port}"


def test_any_text_survives_the_file() -> None:
    nasty: dict[str, Any] = {"a": {"b": 'quote " backslash \\ tab \t ü', "n": 5, "x": 0.5, "t": True}}
    nasty["a"]["USDT@ethereum"] = {"a key": "c", "d.e": {"f g": "h"}}
    assert tomllib.loads(toml(nasty)) == nasty


def test_secrets_are_readable_by_the_owner_alone(home: Home) -> None:
    for path in home.folder.iterdir():
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0, path.name


def test_ports_and_secrets_are_the_same_at_the_next_start(home: Home) -> None:
    again = Home(home.folder, home.port)
    home.release()
    again.take()
    assert again.ports == home.ports
    assert again.secrets == home.secrets


def test_a_port_that_somebody_took_meanwhile_is_replaced(home: Home) -> None:
    home.release()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", home.ports["venue_binance"]))
        taken.listen()
        again = Home(home.folder, home.port)
        again.take()
    assert again.ports["venue_binance"] != home.ports["venue_binance"]
    assert {name: port for name, port in again.ports.items() if name != "venue_binance"} == {
        name: port for name, port in home.ports.items() if name != "venue_binance"
    }


def test_a_data_folder_belongs_to_one_supervisor(home: Home) -> None:
    with pytest.raises(StartFailed, match="in use by another"):
        Home(home.folder, free_port()).take()


def test_a_taken_port_is_said_before_anything_starts(tmp_path: Path) -> None:
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert not port_is_free(port)
        with pytest.raises(StartFailed, match="--port"):
            Home(tmp_path, port).take()


def test_a_stale_ready_file_is_gone_at_start(home: Home) -> None:
    home.ready_file.write_text("{}")
    home.release()
    Home(home.folder, home.port).take()
    assert not home.ready_file.exists()


def test_a_long_data_path_leaves_the_signers_socket_reachable(tmp_path: Path) -> None:
    found = Home(tmp_path / ("deep" * 30), free_port())
    found.take()
    assert len(os.fsencode(found.signer_socket)) <= 107
    assert found.signer_socket.parent.stat().st_mode & 0o077 == 0


def test_the_deny_list_has_the_screened_recipients_and_nobody_else() -> None:
    entries = read_list(deny_list().encode()).entries
    assert set(entries) == {("bitcoin", SCREENED_BITCOIN), ("ethereum", SCREENED_EVM)}


def test_each_exchange_gets_its_own_port_keys_and_accounts(home: Home) -> None:
    words = [str(word) for word in exchanges.arguments(home)]
    assert [words[n + 1] for n, word in enumerate(words) if word == "--dialect"] == ["binance", "coinbase", "kraken"]
    assert len({words[n + 1] for n, word in enumerate(words) if word == "--port"}) == 3
    told = tomllib.loads(written(home))["venues"]
    for name in exchanges.EXCHANGES:
        config = Config.read(home.folder / "venues" / name / "config.json")
        ours, guest = (config.accounts[exchanges.credentials(home, name, who)[0]] for who in ("venue", "guest"))
        assert (told[name]["api_key"], told[name]["secret"]) == (ours.api_key, ours.secret)
        assert ours.secret != guest.secret
        assert {code: e8(text) for code, text in exchanges.FUNDS[name].items()} == ours.balances
    signer = tomllib.loads(written(home))["signer"]
    assert set(signer["venue_addresses"]) == set(told)
    assert all(asset in signer["max_to_venue"] for venue in told.values() for asset in venue["keep"])
    assert exchanges.for_guests(home)["coinbase"]["secret"].startswith("-----BEGIN")
