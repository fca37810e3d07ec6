"""Words of the page: merged by language, English where one is missing, two made languages, key parity."""

import json
import re
from pathlib import Path

import pytest

from tidegate.brand import words

ENGLISH = Path(__file__).parents[2] / "frontend" / "public" / "locales"
SHIPPED = words.read(ENGLISH)


def test_every_shipped_language_has_every_text_and_no_other() -> None:
    english = SHIPPED[words.ENGLISH]
    found = [
        f"{tag}/{namespace}: {line}"
        for tag, namespaces in SHIPPED.items()
        for namespace in english
        for line in words.differences(english[namespace], namespaces.get(namespace, {}))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("theirs", "line"),
    [
        ({"a": "Hallo {{name}}", "n_other": "{{count}}"}, []),
        ({"n_other": "{{count}}"}, ["lacks a"]),
        ({"a": "Hallo {{name}}"}, ["lacks n_other"]),
        ({"a": "Hallo {{nmae}}", "n_other": "x"}, ["a: {{nmae}} stands for nothing"]),
        ({"a": "x", "n_other": "x", "n_few": "x"}, []),
        ({"a": "x", "n_other": "x", "z": "x"}, ["has z, which is no key of ours"]),
    ],
)
def test_a_translation_is_told_what_it_lacks(theirs: words.Words, line: list[str]) -> None:
    assert words.differences({"a": "Hello {{name}}", "n_one": "one", "n_other": "{{count}}"}, theirs) == line


def test_what_lies_over_counts_and_what_is_missing_comes_from_below() -> None:
    under = {"a": "A", "group": {"b": "B", "c": "C"}}
    assert words.merged(under, {"group": {"b": "X"}, "d": "D"}) == {"a": "A", "group": {"b": "X", "c": "C"}, "d": "D"}
    assert words.merged(under, {"group": "no group", "a": {"no": "text"}}) == under, "shapes stay"


def test_the_long_language_keeps_placeholders_marks_its_ends_and_is_40_percent_longer() -> None:
    text = "Send {{money}} to <1>them</1>"
    made = words.longer(text)
    assert made.startswith("[")
    assert made.endswith("]")
    assert "{{money}}" in made
    assert "<1>" in made
    assert re.search("[A-Za-z]{3}", made.replace("{{money}}", "")) is None
    bare = "Everything that you have here"
    assert len(words.longer(bare)) >= 1.4 * len(bare)


@pytest.mark.parametrize(
    ("tag", "way"), [("en", "ltr"), ("ar", "rtl"), ("he-IL", "rtl"), ("ar-XB", "rtl"), ("pt-BR", "ltr")]
)
def test_a_language_has_its_direction(tag: str, way: str) -> None:
    assert words.direction(tag) == way


@pytest.mark.parametrize(
    ("path", "content", "why"),
    [
        ("german/app.json", "{}", "a language is named"),
        ("en-XA/app.json", "{}", "a language is named"),
        ("de/App.json", "{}", "a language is named"),
        ("de/app.json", "[]", "texts in groups"),
        ("de/app.json", '{"a": 1}', "texts in groups"),
        ("de/app.json", "{", "de/app.json"),
        ("de/app.json", '{"a":' * 100_000, "de/app.json"),
        ("de/app.json", json.dumps({"a": "x" * words.MOST_BYTES}), "larger"),
    ],
)
def test_what_is_no_file_of_words_is_named(tmp_path: Path, path: str, content: str, why: str) -> None:
    file = tmp_path / path
    file.parent.mkdir()
    file.write_text(content)
    with pytest.raises(words.NoWords, match=why):
        words.read(tmp_path)
