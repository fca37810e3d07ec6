"""The run set may be shipped under Apache-2.0: every library's licence is one that allows it."""

import importlib.metadata
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ALLOWED = re.compile(
    r"^(MIT|MIT-CMU|MIT-0|BSD|BSD-2-Clause|BSD-3-Clause|0BSD|Apache-2\.0|Apache|Apache Software License|PSF-2\.0|PSF"
    r"|Python Software Foundation License|ISC|ISC License \(ISCL\)|Unlicense|The Unlicense \(Unlicense\)|CC0-1\.0|Zlib)$",
    re.IGNORECASE,
)
JUDGED = {
    "certifi": "MPL-2.0, a data file that is passed on unchanged",
    "pycryptodome": "BSD-2-Clause, parts in the public domain",
    "regex": "Apache-2.0 and the CNRI Python licence, which the OSI approved",
}
"""Libraries whose field does not say it in the words above, with what somebody read."""


def run_set() -> list[str]:
    lock = (ROOT / "requirements" / "run.txt").read_text()
    return re.findall(r"^([A-Za-z0-9_.-]+)==", lock, re.MULTILINE)


def words_of(package: str) -> list[str]:
    metadata = importlib.metadata.metadata(package)
    expression = one(metadata, "License-Expression")
    if expression:
        return re.split(r"\s+(?:OR|AND)\s+|[()]", expression)
    classifiers = [c.split(" :: ")[-1] for c in metadata.get_all("Classifier") or [] if c.startswith("License :: ")]
    named = [c for c in classifiers if c != "OSI Approved"]
    if named:
        return named
    return [one(metadata, "License").split("\n")[0].strip()]


def one(metadata: importlib.metadata.PackageMetadata, field: str) -> str:
    return str((metadata.get_all(field) or [""])[0])


def spelled(word: str) -> str:
    """The usual ways of saying it, brought to one."""
    word = word.strip()
    for pattern, name in (
        (r"^(the )?mit( license)?$", "MIT"),
        (r"^(new |modified )?bsd( license)?$|^bsd license$|^3-clause bsd license$|^bsd-3$", "BSD-3-Clause"),
        (r"^apache( license)?,?( version)? ?2(\.0)?$|^apache software license( 2\.0)?$", "Apache-2.0"),
    ):
        if re.match(pattern, word, re.IGNORECASE):
            return name
    return word


def test_every_library_of_the_run_set_may_be_shipped() -> None:
    wrong = {}
    for package in run_set():
        try:
            words = [spelled(word) for word in words_of(package) if word.strip()]
        except importlib.metadata.PackageNotFoundError:
            continue  # for another platform
        if package not in JUDGED and (not words or not all(ALLOWED.match(word) for word in words)):
            wrong[package] = words
    assert wrong == {}


def test_nothing_in_the_run_set_is_copyleft() -> None:
    for package in run_set():
        try:
            words = " ".join(words_of(package))
        except importlib.metadata.PackageNotFoundError:
            continue
        assert not re.search(r"\b[AL]?GPL", words), f"{package}: {words}"


def test_the_licence_is_the_apache_text() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
