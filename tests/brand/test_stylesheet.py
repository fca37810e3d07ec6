"""What an operator's stylesheet may do, and each way out of its cage that is closed."""

import pytest

from tidegate.brand.stylesheet import MOST_BYTES, Refused, judged


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/* nothing yet */",
        "[data-part='home'] { border-radius: 0 }",
        "@media (min-width: 900px) { h1 { letter-spacing: 0 } }",
        "header { background: url(/brand/images/sea.webp) }",
        'header { background: url("/brand/sea.png") no-repeat }',
        "@font-face { font-family: 'Inter'; src: url(/brand/faces/Inter-variable.woff2) format('woff2') }",
        "@keyframes rise { from { opacity: 0 } to { opacity: 1 } }",
        "h1 { color: rgb(1 2 3); width: calc(100% - (2px + 3px)) }",
    ],
)
def test_plain_rules_are_taken_and_stand_in_the_last_layer(text: str) -> None:
    served = judged(text)
    assert served.startswith("@layer custom {\n")
    assert served.endswith("}\n")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("@import url(https://evil.example/a.css);", "@import"),
        ("@import '/brand/other.css';", "@import"),
        (r"@\69mport 'x';", "@import"),
        ("@charset 'utf-7';", "@charset"),
        ("@layer custom, app;", "@layer"),
        ("@media screen { @layer app { h1 { color: red } } }", "@layer"),
        ("h1 { background: url(https://evil.example/a.png) }", "no file under"),
        ("h1 { background: url('//evil.example/a.png') }", "no file under"),
        (r"h1 { background: u\72l(https://evil.example/a) }", "no file under"),
        ("h1 { background: url(data:image/png;base64,AAAA) }", "no file under"),
        ("h1 { background: url(javascript:alert(1)) }", "bad URL"),
        ("h1 { background: url(/api/v1/auth/me) }", "no file under"),
        ("h1 { background: url(/brand/../api/v1/auth/me.png) }", "no file under"),
        ("h1 { background: url(/brand/a.png?x=1) }", "no file under"),
        ("h1 { --x: url(https://evil.example/a); background: var(--x) }", "no file under"),
        ("@media screen { a { b { c: url(//evil.example) } } }", "no file under"),
        ("input[value^='a'] { background: image-set('https://evil.example/a' 1x) }", "image-set"),
        ("h1 { background: -webkit-image-set('//evil.example' 1x) }", "image-set"),
        ("h1 { background: src('https://evil.example') }", r"src\(\)"),
        ("h1 { background: url(var(--x)) }", "bad URL"),
        ("h1 { background: url('javascript:alert(1)') }", "no file under"),
        ("@font-face { font-family: Besley; src: url(/brand/faces/x.woff2) }", "face of the page"),
        (
            "@font-face { font-family: 'Atkinson  Hyperlegible Mono'; src: url(/brand/faces/x.woff2) }",
            "face of the page",
        ),
        ("@font-face { font-family: hanken grotesk; src: url(/brand/faces/x.woff2) }", "face of the page"),
        ("@namespace svg url(http://www.w3.org/2000/svg);", "@namespace"),
        ("} h1 { color: red }", "line 1"),
        ("h1 { color: red } }", "line 1"),
        ("h1 { background: url(a b) }", "line 1"),
        ("a" * (MOST_BYTES + 1), "larger"),
    ],
)
def test_a_way_out_is_refused_with_its_line(text: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        judged(text)


def test_a_brace_left_open_does_not_swallow_the_end_of_the_layer() -> None:
    served = judged("h1 { color: red")
    assert served.count("{") == served.count("}")


def test_what_is_served_has_no_comment_and_no_way_back_to_markup() -> None:
    assert "evil" not in judged("/* evil */ h1 { color: red }")
