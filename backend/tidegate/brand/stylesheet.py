"""An operator's `custom.css`, judged before it is served: it may change how a page looks, and reach nothing else.

What is served is written from what was parsed, inside `@layer custom`, so that no brace ends the layer early. Where a
person decides about money or keys the page takes it out altogether (docs/customise.md).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import tinycss2
from tinycss2 import ast

MOST_BYTES = 64 * 1024
AT_RULES = frozenset({"media", "supports", "container", "font-face", "keyframes"})
"""What a stylesheet may contain beside plain rules. `@import` and `@layer` are not among them."""
OUR_FACES = frozenset({"besley", "besley fallback", "hanken grotesk", "hanken fallback", "atkinson hyperlegible mono"})
"""Nobody may give another file to one of these names: it would draw other figures and letters everywhere."""

_FETCHING = frozenset({"image", "image-set", "-webkit-image-set", "cross-fade", "-webkit-cross-fade", "src", "element"})
"""Functions that can name a file in a string: `url()` is enough."""
_OWN_FILE = re.compile(r"/brand/[A-Za-z0-9][A-Za-z0-9_-]*(?:/[A-Za-z0-9][A-Za-z0-9_-]*)?\.[a-z0-9]{2,5}\Z")


class Refused(ValueError):
    """A stylesheet that is not served. The text is for a person."""


def judged(text: str) -> str:
    """The stylesheet as it is served. Raises Refused, with the line."""
    if len(text.encode()) > MOST_BYTES:
        raise Refused(f"it is larger than {MOST_BYTES} bytes")
    rules = tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)
    for rule in rules:
        _judge(rule)
    return f"@layer custom {{\n{''.join(rule.serialize() + chr(10) for rule in rules)}}}\n"


def _judge(rule: Any) -> None:
    if isinstance(rule, ast.AtRule):
        _judge_at(rule.lower_at_keyword, rule)
        if rule.lower_at_keyword == "font-face":
            _judge_face(rule)
    for node in _every(_parts(rule)):
        if isinstance(node, ast.ParseError):
            raise Refused(f"line {node.source_line}: {node.message}")
        if isinstance(node, ast.AtKeywordToken):
            _judge_at(node.lower_value, node)
        if isinstance(node, ast.URLToken):
            _judge_url(node.value, node)
        if isinstance(node, ast.FunctionBlock):
            _judge_function(node)
    if isinstance(rule, ast.ParseError):
        raise Refused(f"line {rule.source_line}: {rule.message}")


def _parts(node: Any) -> Sequence[Any]:
    """What a node is made of, one step down."""
    found: list[Any] = []
    for name in ("prelude", "content", "arguments"):
        found += getattr(node, name, None) or []
    return found


def _every(nodes: Sequence[Any]) -> Iterator[Any]:
    for node in nodes:
        yield node
        yield from _every(_parts(node))


def _judge_at(name: str, node: Any) -> None:
    if name not in AT_RULES:
        raise Refused(f"line {node.source_line}: @{name} is not taken")


def _judge_function(node: ast.FunctionBlock) -> None:
    if node.lower_name in _FETCHING:
        raise Refused(f"line {node.source_line}: {node.lower_name}() is not taken; url() is")
    if node.lower_name == "url":  # with a quoted address
        for argument in node.arguments:
            if isinstance(argument, ast.StringToken):
                _judge_url(argument.value, node)
            elif not isinstance(argument, ast.WhitespaceToken):
                raise Refused(f"line {node.source_line}: url() takes one address")


def _judge_url(address: str, node: Any) -> None:
    if not _OWN_FILE.match(address):
        raise Refused(f"line {node.source_line}: url({address[:80]}) is no file under /brand/")


def _judge_face(rule: ast.AtRule) -> None:
    for declaration in tinycss2.parse_blocks_contents(rule.content or [], skip_comments=True, skip_whitespace=True):
        if isinstance(declaration, ast.Declaration) and declaration.lower_name == "font-family":
            family = " ".join(
                node.value for node in declaration.value if isinstance(node, ast.StringToken | ast.IdentToken)
            )
            if " ".join(family.split()).lower() in OUR_FACES:
                raise Refused(f"line {rule.source_line}: {family} is a face of the page itself")
