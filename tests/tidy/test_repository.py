"""What may not lie in the repository, whatever room it is in."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT_LIMIT = 2_000_000


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    found = {}
    for path in tracked():
        data = path.read_bytes()
        if b"\0" not in data[:4096] and len(data) < TEXT_LIMIT:
            found[path.relative_to(ROOT).as_posix()] = data.decode("utf-8")
    return found


def test_locks_name_no_registry() -> None:
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    assert {path.name for path in locks} == {"run.txt", "dev.txt", "uv.txt", "generator.txt"}
    for path in locks:
        assert not re.search(r"://|--(extra-)?index|--find-links|--trusted-host", path.read_text()), path.name


def test_every_requirement_is_pinned_with_a_hash() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        for entry in re.split(r"\n(?=\S)", path.read_text()):
            if not entry.startswith("#") and entry.strip():
                assert "==" in entry.splitlines()[0], f"{path.name}: {entry[:60]}"
                assert "--hash=sha256:" in entry, f"{path.name}: {entry[:60]}"


def test_npm_locks_have_integrity_and_no_address() -> None:
    locks = [path for path in tracked() if path.name == "package-lock.json"]
    assert locks
    for path in locks:
        packages = json.loads(path.read_text())["packages"]
        for name, entry in packages.items():
            assert "resolved" not in entry, f"{path.relative_to(ROOT)}: {name}"
            assert name == "" or "integrity" in entry, f"{path.relative_to(ROOT)}: {name}"


def test_no_file_names_a_registry_or_a_path_of_somebodys_machine(texts: dict[str, str]) -> None:
    hosts = r"pypi\.org|files\.pythonhosted\.org|registry\.npmjs\.org|registry\.yarnpkg|deb\.debian\.org|docker\.io|ghcr\.io|quay\.io"
    machine = r"(?<![\w./-])/(?:work|home/[a-z]+|root|Users/[a-z]+)/\w"
    wrong = re.compile(f"{hosts}|{machine}")
    here = Path(__file__).relative_to(ROOT).as_posix()
    found = [
        f"{name}: {match.group()}" for name, text in texts.items() if name != here for match in wrong.finditer(text)
    ]
    assert found == []


def test_nothing_is_left_half_done(texts: dict[str, str]) -> None:
    wrong = re.compile(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError|pytest\.mark\.xfail|@pytest\.mark\.skip\(")
    here = Path(__file__).relative_to(ROOT).as_posix()
    source = {
        name: text for name, text in texts.items() if name.endswith((".py", ".ts", ".tsx", ".sh")) and name != here
    }
    found = [
        f"{name}: {match.group()}"
        for name, text in source.items()
        if not name.startswith(("clients/", "frontend/src/client/"))
        for match in wrong.finditer(text)
    ]
    assert found == []


def test_every_silenced_rule_says_which(texts: dict[str, str]) -> None:
    bare = re.compile(r"# type: ignore(?!\[)|# noqa(?!: ?[A-Z])|biome-ignore(?! lint/\S+: \S)")
    here = Path(__file__).relative_to(ROOT).as_posix()
    found = [
        f"{name}: {match.group()}"
        for name, text in texts.items()
        if name.endswith((".py", ".ts", ".tsx")) and name != here
        if not name.startswith(("clients/", "frontend/src/client/"))
        for match in bare.finditer(text)
    ]
    assert found == []


def test_money_is_never_a_float(texts: dict[str, str]) -> None:
    """A cheap net: names of money beside a float conversion."""
    python = re.compile(r"(amount|price|rate|fee|balance|units)\w*\s*(:\s*float\b|=[^=\n]*\bfloat\()")
    browser = re.compile(r"parseFloat\(|Number\([a-z.]*(amount|price|balance|debit|deliver)")
    allowed = {
        "backend/tidegate/config.py",
    }
    found = []
    for name, text in texts.items():
        if name in allowed or name.startswith(("clients/", "frontend/src/client/", "tests/", "bench/")):
            continue
        if name.endswith(".py"):
            found += [f"{name}: {match.group()}" for match in python.finditer(text)]
        elif name.endswith((".ts", ".tsx")) and ".test." not in name:
            found += [f"{name}: {match.group()}" for match in browser.finditer(text)]
    assert found == []


def test_locale_files_of_one_language_match_the_first() -> None:
    folder = ROOT / "frontend" / "public" / "locales"
    languages = sorted(path for path in folder.rglob("*.json")) if folder.is_dir() else []
    assert languages, "all text is in locale files"

    def keys(value: object, path: str = "") -> set[str]:
        if isinstance(value, dict):
            return {found for key, part in value.items() for found in keys(part, f"{path}.{key}")}
        assert isinstance(value, str), path
        assert value.strip(), f"{path} is empty"
        return {path}

    by_name: dict[str, dict[str, set[str]]] = {}
    for path in languages:
        by_name.setdefault(path.name, {})[path.parent.name] = keys(json.loads(path.read_text()))
    for name, found in by_name.items():
        first = next(iter(found.values()))
        for language, present in found.items():
            assert present == first, f"{language}/{name}"
