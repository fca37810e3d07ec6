"""The words of the page, by language: ours, an operator's over them, and English where nobody has any.

Two languages are made and not written: `en-XA` (accents, brackets, 40 % longer) and `ar-XB` (English, from right to left).
With the first one sees what is not in the files, with the second what does not mirror.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

ENGLISH = "en"
LONG, MIRRORED = "en-XA", "ar-XB"
MADE = {LONG: "[Ŵóřðš] 40 % longer", MIRRORED: "English, mirrored"}
"""Languages that exist to look at the page with, and their names."""
TAG = re.compile(r"[a-z]{2}(-[A-Z]{2})?\Z")
NAMESPACE = re.compile(r"[a-z][a-z_]{0,30}\Z")
MOST_BYTES = 256 * 1024

_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ks", "ku", "ps", "sd", "ug", "ur", "yi"})
_FIXED = re.compile(r"(\{\{.*?\}\}|\$t\(.*?\)|</?\d+/?>|</?[a-z]+/?>)")
"""What stands for something else inside a text: it is the same in every language."""
_ACCENTED = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "áƀçðéƒĝĥíĵķłɱñóþǫŕšţúṽŵẋýžÁƁÇÐÉƑĜĤÍĴĶĻṀÑÓÞǪŔŠŢÚṼŴẊÝŽ"
)
_VOWELS = "áéíóú "
_PLURAL = re.compile(r"_(zero|one|two|few|many|other)\Z")

Words = dict[str, Any]
"""Texts by key, in groups of any depth."""


class NoWords(ValueError):
    """A file that is no file of words. The text is for a person."""


def direction(tag: str) -> str:
    return "rtl" if tag.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"


def format_tag(tag: str) -> str:
    """By which dates and numbers are written: ours are made from English, and English here is British."""
    return "en-GB" if tag in (ENGLISH, *MADE) else tag


def read(folder: Path) -> dict[str, dict[str, Words]]:
    """Language → namespace → words, of `<folder>/<language>/<namespace>.json`. Raises NoWords."""
    found: dict[str, dict[str, Words]] = {}
    for file in sorted(folder.glob("*/*.json")):
        tag, namespace = file.parent.name, file.stem
        where = f"{tag}/{file.name}"
        if not TAG.match(tag) or not NAMESPACE.match(namespace) or tag in MADE:
            raise NoWords(f"{where}: a language is named as `de` or `pt-BR`, its files as ours")
        if file.stat().st_size > MOST_BYTES:
            raise NoWords(f"{where}: larger than {MOST_BYTES} bytes")
        try:
            words = json.loads(file.read_text())
        except (ValueError, RecursionError) as error:
            raise NoWords(f"{where}: {error}") from None
        if not isinstance(words, dict) or not all(isinstance(text, str) for _, text in leaves(words)):
            raise NoWords(f"{where}: texts in groups, nothing else")
        found.setdefault(tag, {})[namespace] = words
    return found


def leaves(words: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every text with its whole key."""
    for key, value in words.items():
        whole = f"{above}.{key}" if above else key
        if isinstance(value, dict):
            yield from leaves(value, whole)
        else:
            yield whole, value


def merged(under: Words, over: Words) -> Words:
    """Both, deeply; where they disagree `over` counts. A text never takes a group's place, nor a group a text's."""
    found = dict(under)
    for key, value in over.items():
        below = found.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            found[key] = merged(below, value)
        elif below is None or isinstance(below, dict) == isinstance(value, dict):
            found[key] = value
    return found


def spelled(tag: str, english: Words) -> Words:
    """A made language, from English."""
    return _each(english, longer) if tag == LONG else english


def longer(text: str) -> str:
    """`[Ĥóɱé óó]`: every letter accented, 40 % longer, and brackets that show where it ends."""
    if not text:
        return text
    parts = _FIXED.split(text)
    letters = sum(len(part) for part in parts[::2])
    body = "".join(part if at % 2 else part.translate(_ACCENTED) for at, part in enumerate(parts))
    # In words, as a longer language has them: one that never ends would break where nothing else does.
    more = "".join(_VOWELS[at % 6] for at in range(max(1, round(letters * 0.4)))).strip()
    return f"[{body} {more}]"


def _each(words: Words, change: Callable[[str], str]) -> Words:
    return {key: _each(value, change) if isinstance(value, dict) else change(value) for key, value in words.items()}


def differences(english: Words, other: Words) -> list[str]:
    """What a translation lacks, has too much, or lets stand for nothing. Plural forms differ between languages."""
    theirs = dict(leaves(other))
    ours = dict(leaves(english))
    bare = {_PLURAL.sub("", key): key for key in ours}
    found = [f"lacks {key}" for key in ours if key not in theirs and not _PLURAL.search(key)]
    found += [
        f"lacks {key}_other" for key, whole in bare.items() if _PLURAL.search(whole) and f"{key}_other" not in theirs
    ]
    for key, text in theirs.items():
        original = ours.get(key) or ours.get(bare.get(_PLURAL.sub("", key), ""))
        if original is None:
            found.append(f"has {key}, which is no key of ours")
        elif unknown := sorted(set(_FIXED.findall(text)) - set(_FIXED.findall(original))):
            found.append(f"{key}: {', '.join(unknown)} stands for nothing")
    return found
