"""Fetch a program from Debian through apt alone, without installing anything on the host.

`python -m tidegate.sandbox.debian bitcoind` prints the folder of its launchers. What it leans on:

- the archive that apt on this machine is already set up to use; no host is named here;
- apt's own signature check against the installed Debian keyring; unsigned archives are refused;
- a private apt root (own lists, cache, empty dpkg status): the host's package state is neither read nor changed;
- a package may be built against a newer libc than the host's: its whole dependency closure is unpacked beside it,
  and a launcher starts it through its own dynamic loader.
"""

import fcntl
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_REJECTED = re.compile(r"^[EW]:.*(not signed|NO_PUBKEY|GPG error|Failed to fetch)", re.MULTILINE)
_LEFT_OUT = ("./usr/share/doc/", "./usr/share/man/", "./usr/share/locale/", "./etc/", "./var/")


class NotFetched(Exception):
    """The program cannot be had this way; the text says why."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to fetch: the first package that a suite has at `minimum_major` or newer; launchers for `binaries`."""

    name: str
    packages: tuple[str, ...]
    binaries: tuple[str, ...]
    suites: tuple[str, ...] = ("trixie", "trixie-backports", "sid")
    minimum_major: int = 0


BITCOIND = Program(
    name="bitcoind",
    # Debian has no Bitcoin Core package; Knots on regtest is inert in its own rules (chains.md 2.7): sandbox only.
    packages=("bitcoind", "bitcoin-knots"),
    binaries=("bitcoind", "bitcoin-cli"),
    minimum_major=28,
)

PROGRAMS = {program.name: program for program in (BITCOIND,)}


def folder_of(program: Program) -> Path:
    """Where launchers of a fetched program are, whether or not it has been fetched."""
    return platformdirs.user_cache_path("tidegate") / program.name / "bin"


def fetch(program: Program) -> Path:
    """Fetch once; the folder of the launchers. A second call answers at once, a parallel one waits for the first."""
    cache = folder_of(program).parent
    launchers = cache / "bin"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not all(_works(launchers / binary) for binary in program.binaries[:1]):
            _fetch(program, cache)
            if not _works(launchers / program.binaries[0]):
                raise NotFetched(f"The fetched {program.name} does not start.")
    return launchers


def _works(launcher: Path) -> bool:
    if not os.access(launcher, os.X_OK):
        return False
    try:
        return subprocess.run([launcher, "-version"], capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _fetch(program: Program, cache: Path) -> None:
    for tool in ("apt-get", "apt-cache", "dpkg", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise NotFetched(f"This needs a Debian system: {tool} is not here.")
    if not _KEYRING.is_file():
        raise NotFetched("There is no Debian keyring (package debian-archive-keyring).")
    with tempfile.TemporaryDirectory(prefix="apt-", dir=cache) as place:
        archive = _Archive(Path(place))
        archive.download(program)
        _unpack(sorted((Path(place) / "archives").glob("*.deb")), cache / "root")
    _write_launchers(cache / "root", cache / "bin", program.binaries)


class _Archive:
    """A private apt root on the machine's own Debian archive."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sources = root / "sources.list"
        self.architecture = _printed("dpkg", "--print-architecture")
        self.address = self._address()
        for folder in ("lists/partial", "archives/partial", "parts", "state"):
            (root / folder).mkdir(parents=True)
        for empty in ("state/status", "preferences", "sources.list"):
            (root / empty).touch()
        settings = {
            "Dir::State": f"{root}/state",
            "Dir::State::status": f"{root}/state/status",
            "Dir::State::lists": f"{root}/lists",
            "Dir::Cache": str(root),
            "Dir::Cache::archives": f"{root}/archives",
            "Dir::Etc::sourcelist": str(self.sources),
            "Dir::Etc::sourceparts": f"{root}/parts",
            "Dir::Etc::preferences": f"{root}/preferences",
            "Dir::Etc::preferencesparts": f"{root}/parts",
            "APT::Architecture": self.architecture,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "",
            "APT::Get::AllowUnauthenticated": "false",
            "Acquire::AllowInsecureRepositories": "false",
            "Acquire::AllowDowngradeToInsecureRepositories": "false",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
        }
        lines = [f'{key} "{value}";' for key, value in settings.items()]
        lines.append(f'APT::Architectures {{ "{self.architecture}"; }};')
        (root / "apt.conf").write_text("\n".join(lines) + "\n")

    @staticmethod
    def _address() -> str:
        """The archive apt uses for Debian's `main`, neither security nor updates."""
        wanted = "$(REPO_URI)|$(ORIGIN)|$(COMPONENT)|$(CREATED_BY)"
        listed = subprocess.run(
            ["apt-get", "indextargets", "--format", wanted], capture_output=True, text=True, check=False
        )
        for line in listed.stdout.splitlines():
            address, origin, component, kind = line.split("|")
            if kind == "Packages" and component == "main" and origin in ("Debian", "") and "security" not in address:
                return address
        raise NotFetched(f"apt on this machine lists no Debian archive. {listed.stderr.strip()}".strip())

    def _apt(self, tool: str, *words: str) -> subprocess.CompletedProcess[str]:
        # `-c` adds to the host's apt.conf, so its proxy settings keep working.
        command = [tool, "-c", str(self.root / "apt.conf"), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})

    def download(self, program: Program) -> None:
        """The package and all it depends on, from the first suite that has it."""
        tried = []
        for suite in program.suites:
            before = self.sources.read_text()
            line = f"deb [arch={self.architecture} signed-by={_KEYRING}] {self.address} {suite} main\n"
            self.sources.write_text(before + line)
            update = self._apt("apt-get", "update")
            if update.returncode != 0 or _REJECTED.search(update.stdout + update.stderr):
                self.sources.write_text(before)
                tried.append(f"{suite}: {_last_line(update.stderr)}")
                continue
            for package in program.packages:
                version = self._version(package, suite)
                if version is None or _major(version) < program.minimum_major:
                    continue
                words = ("-y", "-q", "--download-only", "-t", suite, "install", f"{package}={version}")
                got = self._apt("apt-get", *words)
                if got.returncode == 0:
                    return
                tried.append(f"{package} {version} ({suite}): {_last_line(got.stderr)}")
        raise NotFetched(f"No {program.name} in {', '.join(program.suites)}. {'; '.join(tried)}")

    def _version(self, package: str, suite: str) -> str | None:
        for line in self._apt("apt-cache", "madison", package).stdout.splitlines():
            _, version, source = (part.strip() for part in line.split("|"))
            if f" {suite}/" in source:
                return version
        return None


def _printed(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]


def _major(version: str) -> int:
    found = re.match(r"(?:\d+:)?(\d+)", version)
    return int(found[1]) if found else 0


def _unpack(packages: Sequence[Path], root: Path) -> None:
    making = root.with_name("root.new")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir()
    for package in packages:
        with (
            subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as unpacked,
            tarfile.open(fileobj=unpacked.stdout, mode="r|") as files,
        ):
            # Links in packages are absolute; the archive is signed, so the plain filter is enough. An attribute, because
            # Debian's Python 3.11.2 has no argument for it yet (and needs none).
            files.extraction_filter = lambda member, _: member
            for member in files:
                if not member.name.startswith(_LEFT_OUT) and not member.isdev():
                    files.extract(member, making, set_attrs=True)
        if unpacked.returncode != 0:
            raise NotFetched(f"{package.name} cannot be unpacked.")
    shutil.rmtree(root, ignore_errors=True)
    making.rename(root)


def _write_launchers(root: Path, launchers: Path, binaries: Sequence[str]) -> None:
    loader = next((path for path in sorted(root.rglob("ld-linux*.so.*"))), None)
    if loader is None:
        raise NotFetched("The unpacked packages hold no dynamic loader.")
    libraries = loader.resolve().parent
    launchers.mkdir(exist_ok=True)
    for binary in binaries:
        words = (libraries / loader.name, "--library-path", libraries, root / "usr/bin" / binary)
        launcher = launchers / binary
        launcher.write_text(f'#!/bin/sh\nexec {" ".join(shlex.quote(str(word)) for word in words)} "$@"\n')
        launcher.chmod(0o755)


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{fetch(PROGRAMS[sys.argv[1]] if len(sys.argv) == 2 else BITCOIND)}\n")
    except NotFetched as refusal:
        sys.exit(str(refusal))
