"""What the image files promise, as far as it can be told without building (`make image` builds and asks the api)."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = (ROOT / "compose.yaml").read_text()


def stages() -> dict[str, str]:
    """Stage name → its instructions."""
    parts = re.split(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, flags=re.MULTILINE)
    return {
        name: f"FROM {base}\n{body}" for base, name, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    }


def test_there_is_a_target_for_each_process() -> None:
    assert {"api", "worker", "signer", "all"} <= set(stages())
    for name in ("api", "worker", "signer"):
        assert stages()[name].startswith("FROM all\n")
        assert f'CMD ["{name}"]' in stages()[name]


def test_nothing_runs_as_root() -> None:
    users = re.findall(r"^USER (\S+)$", stages()["all"], re.MULTILINE)
    assert users == ["tidegate"]
    assert not any("USER root" in body for body in stages().values())


def test_bases_are_arguments_and_name_no_registry() -> None:
    outer = [body.splitlines()[0] for body in stages().values() if "${" in body.splitlines()[0]]
    assert outer == ["FROM ${NODE_BASE}", "FROM ${PYTHON_BASE}", "FROM ${PYTHON_BASE}"]
    for default in re.findall(r"^ARG \w+=(\S+)$", DOCKERFILE, re.MULTILINE):
        assert "/" not in default


def test_everything_that_is_copied_exists_and_passes_the_ignore_file() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
            assert f"!{source.split('/')[0]}" in ignored, source


def test_who_shares_the_signers_door_and_that_only_the_signer_has_its_keys() -> None:
    services = re.split(r"^  (\w+):$", COMPOSE.partition("services:")[2].partition("\nvolumes:")[0], flags=re.MULTILINE)
    by_name = dict(zip(services[1::2], services[2::2], strict=True))
    assert set(by_name) == {"postgres", "roles", "migrate", "audit", "signer", "worker", "api"}
    assert {name for name, body in by_name.items() if "- keys:" in body} == {"signer"}
    assert {name for name, body in by_name.items() if "- door:" in body} == {"signer", "worker", "api", "audit"}
    assert "door:/run/tidegate:ro" in by_name["audit"]  # it reads the public file there
    assert "network_mode: none" in by_name["signer"]
    assert COMPOSE.startswith("# Untried")
