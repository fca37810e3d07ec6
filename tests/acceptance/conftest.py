"""What judges the books after everything runs after everything."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    last = [item for item in items if item.path.is_relative_to(HERE) and "after_all_of_it" in item.name]
    items[:] = [item for item in items if item not in last] + last
