"""Documents say what is so: paths that exist, tests that exist, settings that the code takes."""

import ast
import re
import runpy
import tomllib
from pathlib import Path

import pytest
import typer.core
import typer.main

from tidegate.cli import app
from tidegate.config import Settings
from tidegate.offers import offered
from tidegate.venues.adapter import GROUP

ROOT = Path(__file__).parents[2]
DOCS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
ROWS = (
    "WalletAPI.get_balance",
    "ExchangeAPI.get_exchange_rate",
    "TransactionProcessor.process_transaction",
    "Security.hash_password, verify_password",
    "The withdraw form",
    "Five modules as separate services",
    "PostgreSQL",
    "Bitcoin",
    "Ethereum",
    "Drivers of other distributions",
    "Several EVM networks at once",
    "Nodes that must not be believed",
    "Deposits that survive reorganisations",
    "Deposits that are not plain",
    "Many deposits at once",
    "Destinations, the address book",
    "Internal transfers",
    "States, reasons to wait and promises",
    "Every operation as the OpenAPI says",
    "Routing, best execution",
    "Prices that are honoured, inventory promised once",
    "Hedges to the end, what is carried",
    "The receipt of a conversion, and what it came to",
    "The risk spread",
    "One book of all venues",
    "Books by stream, one middle of all venues",
    "Candles, live markets",
    "The convert screen, the receipt shown",
    "One stream a browser",
    "What the page weighs",
    "The asset's price, shown",
    "The operators' desk",
    "A visitor's first minute",
    "Binance",
    "Coinbase",
    "Kraken",
    "Rebalancing",
    "Venues of other distributions",
    "TLS",
    "Two factors",
    "Access control",
    "Compliance",
    "Customisation",
    "Account settings",
    "The ledger, written by one function in batches",
    "The crash table of exactly-once payouts, row by row",
    "Withdrawals that never pay twice: the fault harness",
    "Leases with fences, in the database and at the signer",
    "Commits that are unknown, a standby, a failover",
    "One clock",
    "One request asked many times, over a bad network",
    "Every process killed in turn under load",
    "Batches, replacements, one payment whatever happens",
    "Guards in the database",
    "Statements, balances of a past moment",
    "Exports",
    "Reconciliation that freezes",
    "Backup, restore, a frozen start",
    "Trial balance",
    "The audit of the books, now and as they were",
    "Speed, as ratios",
    "Sweeps, consolidation, cold storage, refill proposals",
    "The house's own moves at the signer",
    "The event log, webhooks",
    "Mail that guards, links that cancel and freeze",
    "Receipts, tracking links",
)


def requirement_rows() -> dict[str, list[str]]:
    table = (ROOT / "docs" / "README.md").read_text().partition("## Requirement")[2]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")
    ]
    return {row[0]: row[1:] for row in rows[2:]}


def test_every_requirement_has_its_row() -> None:
    assert tuple(requirement_rows()) == ROWS


@pytest.mark.parametrize("row", ROWS)
def test_a_requirement_lives_where_its_row_says_and_its_test_exists(row: str) -> None:
    where, proof = requirement_rows()[row]
    for path in re.findall(r"`((?:backend|frontend|migrations|tests)[^`]*)`", where):
        assert (ROOT / path).exists(), path
    named = re.findall(r"`(tests/[^`]+)`", proof)
    assert named or "not built yet" in proof
    assert_are_tests(named)


def assert_are_tests(named: list[str]) -> None:
    for name in named:
        path, _, test = name.partition("::")
        assert (ROOT / path).is_file(), name
        defined = {
            node.name
            for node in ast.walk(ast.parse((ROOT / path).read_text()))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert not test or test in defined, name


def test_every_attack_that_is_promised_exists() -> None:
    table = (ROOT / "docs" / "README.md").read_text().partition("## What is attacked")[2].partition("\n## ")[0]
    named = re.findall(r"`(tests/[^`]+)`", table)
    assert named
    assert_are_tests(named)


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_inside_the_repository_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", document.read_text()):
        assert (document.parent / target).exists(), target


def test_make_targets_that_documents_name_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCS:
        named = set(
            re.findall(
                r"`?make ([a-z-]+)", "\n".join(re.findall(r"`[^`]*`|```.*?```", document.read_text(), re.DOTALL))
            )
        )
        assert named <= targets, document.name


def test_the_table_of_settings_is_what_the_code_takes() -> None:
    made = runpy.run_path(str(ROOT / "tools" / "settings_table.py"))
    found = (ROOT / "docs" / "operators.md").read_text()
    assert found == made["written"](found), "run: .venv/bin/python tools/settings_table.py"


def test_the_three_networks_of_the_operators_guide_are_a_configuration() -> None:
    text = (ROOT / "docs" / "operators.md").read_text()
    (block,) = re.findall(r"```toml\n(mode = .*?)```", text, re.S)
    settings = Settings.model_validate(tomllib.loads(block))
    assert [one.family for one in settings.networks.values()] == ["bitcoin", "evm", "evm"]
    assert settings.networks_of("USDC") == ["ethereum", "another"]
    assert settings.networks["bitcoin"].checkpoint is not None


def test_the_guide_to_drivers_shows_the_worked_example_as_it_is() -> None:
    example = ROOT / "tests" / "chains"
    files = (
        "example_driver/pyproject.toml",
        "example_driver/toychain/__init__.py",
        "contract/test_example.py",
    )
    whole = "\n".join((example / name).read_text() for name in files)
    blocks = re.findall(r"```(?:python|toml)\n(.*?)```", (ROOT / "docs" / "chains.md").read_text(), re.S)
    settings, shown = [b for b in blocks if b.startswith("[networks")], [b for b in blocks if not b.startswith("[net")]
    assert len(shown) == 5 and all(block in whole for block in shown)
    (told,) = settings
    assert (
        Settings.model_validate({"mode": "sandbox", **tomllib.loads(told)}).networks["toy"].options["look_back"] == 100
    )


def test_the_guide_to_venue_adapters_shows_the_worked_example_as_it_is() -> None:
    example = ROOT / "tests" / "venues"
    files = (
        "example_adapter/pyproject.toml",
        "example_adapter/toymarket/__init__.py",
        "example_adapter/toymarket/parse.py",
        "test_example.py",
    )
    whole = "\n".join((example / name).read_text() for name in files)
    blocks = re.findall(r"```(?:python|toml)\n(.*?)```", (ROOT / "docs" / "venues.md").read_text(), re.S)
    settings, shown = [b for b in blocks if b.startswith("[venues")], [b for b in blocks if not b.startswith("[venues")]
    assert len(shown) == 6
    assert all(block in whole for block in shown)
    (told,) = settings
    assert Settings.model_validate(tomllib.loads(told)).venues["toy"].options["window_ms"] == 1000


def test_the_venues_of_the_operators_guide_are_a_configuration() -> None:
    text = (ROOT / "docs" / "operators.md").read_text()
    (block,) = re.findall(r"```toml\n(\[venues.*?)```", text, re.S)
    venues = Settings.model_validate(tomllib.loads(block)).venues
    assert {name: one.kind for name, one in venues.items()} == {name: name for name in offered(GROUP) if name in venues}
    assert len(venues) == 3


def test_commands_that_the_operators_guide_names_exist() -> None:
    text = (ROOT / "docs" / "operators.md").read_text()
    for words in sorted(set(re.findall(r"`tidegate ((?:[a-z]+(?:-[a-z]+)* ?)+)", text))):
        command = typer.main.get_command(app)
        for word in words.split():
            # What comes after a plain command is its argument.
            if not isinstance(command, typer.core.TyperGroup):
                break
            assert word in command.commands, f"tidegate {words}"
            command = command.commands[word]


def test_the_readme_has_the_two_commands_a_newcomer_types() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "```bash\nmake run\n```" in readme
    assert "```bash\nmake test\n```" in readme
