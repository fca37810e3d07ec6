"""The committed document is one that generators understand."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = json.loads((ROOT / "clients" / "openapi.json").read_text())


def test_every_shape_has_a_name_of_its_own() -> None:
    """Two classes of one name would be told apart by their module's path, in every client."""
    assert [name for name in DOCUMENT["components"]["schemas"] if "__" in name] == []


def test_no_list_is_a_tuple() -> None:
    """The Python generator reads `prefixItems` as alternatives and then fails on the second one."""
    assert "prefixItems" not in json.dumps(DOCUMENT)


def test_the_document_is_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
