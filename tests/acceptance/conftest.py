"""Everything here needs the whole system; what judges the books after everything runs after everything."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if item.path.is_relative_to(HERE)]
    for item in ours:
        item.add_marker(pytest.mark.stack)
    last = [item for item in ours if "after_all_of_it" in item.name]
    items[:] = [item for item in items if item not in last] + last
