"""What import-linter cannot say: each file of a room is judged by its name (docs/decisions/0001)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "backend" / "tidegate"
ROOMS = (
    "transactions",
    "exchange",
    "treasury",
    "wallets",
    "compliance",
    "notices",
    "webhooks",
    "ledger",
    "auth",
    "markets",
    "outbox",
    "brand",
)
PRIVATE = ("store", "tables")
"""Files of a room that nobody outside may import."""


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path


MODULES = dict(modules())


def imports_of(path: Path) -> set[str]:
    """Every module that the file imports anywhere; `from a import b` is a.b where that is a module, else a."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            for alias in node.names:
                longer = f"{module}.{alias.name}"
                found.add(longer if longer in MODULES else module)
    return found


IMPORTS = {name: imports_of(path) for name, path in MODULES.items()}


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ROOMS else None


def kind_of(module: str) -> str:
    """`routes`, `rules`, … or `verb` for every other file of a room."""
    last = module.split(".")[-1]
    return last if last in ("rules", "tables", "store", "schemas", "routes", "pipeline") else "verb"


def offenders(kind: str, allowed: str) -> list[str]:
    """Imports of our own package in files of `kind` that `allowed` (a predicate by words) does not name."""
    wrong = []
    for module, imported in IMPORTS.items():
        room = room_of(module)
        if room is None or kind_of(module) != kind or module == f"tidegate.{room}":
            continue
        own = {f"tidegate.{room}.{word}" for word in allowed.split() if "." not in word}
        shared = {word for word in allowed.split() if "." in word}
        for name in sorted(imported):
            if not name.startswith("tidegate"):
                continue
            if name in own or any(name == word or name.startswith(word + ".") for word in shared):
                continue
            if kind == "rules" and room_of(name) and kind_of(name) == "rules":
                continue
            wrong.append(f"{module} imports {name}")
    return wrong


ANY = "tidegate.money tidegate.refusal"


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        ("rules", ANY),
        ("tables", f"rules {ANY} tidegate.database"),
        ("store", f"tables rules {ANY} tidegate.database tidegate.queue tidegate.wire"),
        ("schemas", f"rules {ANY} tidegate.wire"),
    ],
)
def test_a_file_of_a_room_imports_only_what_its_name_allows(kind: str, allowed: str) -> None:
    assert offenders(kind, allowed) == []


def test_routes_ask_verbs_and_never_the_tables() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, imported in IMPORTS.items()
        if room_of(module) and kind_of(module) == "routes"
        for name in imported
        if kind_of(name) in PRIVATE and room_of(name)
    ]
    assert wrong == []


def test_verbs_know_nothing_of_routes() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, imported in IMPORTS.items()
        if room_of(module) and kind_of(module) != "routes"
        for name in imported
        if room_of(name) and kind_of(name) == "routes"
    ]
    assert wrong == []


def test_a_rooms_store_and_tables_are_private_to_it() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, imported in IMPORTS.items()
        for name in imported
        if room_of(name) and kind_of(name) in PRIVATE and room_of(module) != room_of(name)
    ]
    assert wrong == []


def test_the_signer_imports_only_signing_messages_money_and_config_of_ours() -> None:
    allowed = tuple(f"tidegate.{one}" for one in ("signer", "signing.", "money", "config", "refusal", "failpoints"))
    wrong = [
        f"{module} imports {name}"
        for module, imported in IMPORTS.items()
        if module.startswith("tidegate.signer")
        for name in imported
        if name.startswith("tidegate") and (not name.startswith(allowed) or name == "tidegate.signing.client")
    ]
    assert wrong == []


def test_python_jose_lives_in_one_module_and_its_encryption_nowhere() -> None:
    users = {module for module, imported in IMPORTS.items() if any(name.split(".")[0] == "jose" for name in imported)}
    assert users == {"tidegate.auth.tokens"}
    assert not re.search(r"import.*\bjwe\b|jwe\.", MODULES["tidegate.auth.tokens"].read_text())


def test_httpx_has_one_door() -> None:
    """The sandbox, which is the world around the product and no part of it, may call as it likes."""
    users = {module for module, imported in IMPORTS.items() if any(name.split(".")[0] == "httpx" for name in imported)}
    assert {user for user in users if not user.startswith("tidegate.sandbox")} == {"tidegate.http"}


def test_websockets_has_one_door() -> None:
    users = {module for module, names in IMPORTS.items() if any(name.split(".")[0] == "websockets" for name in names)}
    assert {user for user in users if not user.startswith("tidegate.sandbox")} == {"tidegate.websocket"}


def test_alembic_is_imported_by_no_serving_process() -> None:
    """36 MiB and a quarter of a second that the api and the worker do not have to pay."""
    users = {
        module for module, imported in IMPORTS.items() if any(name.split(".")[0] == "alembic" for name in imported)
    }
    # The command imports it inside `migrate` only.
    assert users <= {"tidegate.cli", "tidegate.migrate"} | {
        user for user in users if user.startswith("tidegate.sandbox")
    }


def test_no_file_is_named_for_nothing() -> None:
    vague = {"services", "managers", "helpers", "utils", "common", "core", "base"}
    assert [name for name in MODULES if vague & set(name.split("."))] == []
