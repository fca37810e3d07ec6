"""A sheet of paper in the product's faces, and text of any script on it. Drawing only: it knows nothing of money.

reportlab is imported when the first sheet is begun: it takes longer than everything else of a receipt.
"""

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass

FONTS = Path(__file__).parent / "fonts"
SERIF, SANS, BOLD, MONO, MONO_BOLD, WIDE = (
    "Besley-400",
    "HankenGrotesk-400",
    "HankenGrotesk-600",
    "AtkinsonMono-400",
    "AtkinsonMono-650",
    "DejaVuSans",
)
INK, INK2, LINE, DEEP = "#0C262F", "#38525C", "#C8D6D9", "#0E5362"
MISSING = "\u25a1"
"""Stands for a sign that no face here has, so that nothing is left out unseen."""

_A4 = 595.2756, 841.8898
_MARGIN = 56.0

# The faces that every reader of PDFs brings along for these scripts; none is shipped.
_EASTERN = (
    (0x3040, 0x30FF, "HeiseiMin-W3"),
    (0x1100, 0x11FF, "HYSMyeongJo-Medium"),
    (0xAC00, 0xD7AF, "HYSMyeongJo-Medium"),
    (0x3000, 0x303F, "STSong-Light"),
    (0x4E00, 0x9FFF, "STSong-Light"),
    (0xFF00, 0xFFEF, "STSong-Light"),
)


@cache
def _faces() -> dict[str, frozenset[int]]:
    """Register the faces once a process; which characters each has."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.ttfonts import TTFont

    known: dict[str, frozenset[int]] = {}
    for name in (SERIF, SANS, BOLD, MONO, MONO_BOLD, WIDE):
        font = TTFont(name, str(FONTS / f"{name}.ttf"))
        pdfmetrics.registerFont(font)
        known[name] = frozenset(font.face.charToGlyph)
    for name in dict.fromkeys(name for _, _, name in _EASTERN):
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    return known


def runs(text: str, face: str) -> list[tuple[str, str]]:
    """The text in pieces, each with a face that has all of it."""
    known = _faces()
    found: list[tuple[str, str]] = []
    for sign in text:
        name, shown = _face_of(ord(sign), face, known), sign
        if name is None:
            name, shown = WIDE, MISSING
        if found and found[-1][0] == name:
            found[-1] = name, found[-1][1] + shown
        else:
            found.append((name, shown))
    return found


def _face_of(code: int, face: str, known: dict[str, frozenset[int]]) -> str | None:
    for name in (face, WIDE):
        if code in known[name]:
            return name
    return next((name for low, high, name in _EASTERN if low <= code <= high), None)


class Sheet:
    """One page, filled from the top; what does not fit goes on the next. `bytes()` ends it."""

    def __init__(self, *, title: str, author: str) -> None:
        from reportlab.pdfgen.canvas import Canvas

        _faces()
        self._file = BytesIO()
        # The same receipt is the same bytes.
        self._canvas: Canvas = Canvas(self._file, pagesize=_A4, invariant=1)
        self._canvas.setTitle(title)
        self._canvas.setAuthor(author)
        self.width = _A4[0] - 2 * _MARGIN
        self._y = _A4[1] - _MARGIN
        self._foot = ""

    def bytes(self, foot: str) -> bytes:
        """The file; `foot` stands at the bottom of its last page."""
        self._put(foot, SANS, 9, _MARGIN, _MARGIN - 16, INK2)
        self._canvas.showPage()
        self._canvas.save()
        return self._file.getvalue()

    def space(self, points: float) -> None:
        self._y -= points

    def rule(self) -> None:
        self._y -= 6
        self._canvas.setStrokeColor(LINE)
        self._canvas.line(_MARGIN, self._y, _MARGIN + self.width, self._y)
        self._y -= 6

    def text(self, text: str, *, face: str = SANS, size: float = 10.5, colour: str = INK, lead: float = 1.45) -> None:
        """A paragraph, broken where it is too long."""
        for line in self._broken(text, face, size, self.width):
            self._down(size * lead)
            self._put(line, face, size, _MARGIN, self._y, colour)

    def row(self, name: str, value: str, *, face: str = SANS, strong: bool = False) -> None:
        """A name at the left, its value at the right edge; long values take more lines."""
        lines = self._broken(value, BOLD if strong else face, 10.5, self.width - 150)
        for at, line in enumerate(lines):
            self._down(17)
            if at == 0:
                self._put(name, BOLD if strong else SANS, 10.5, _MARGIN, self._y, INK if strong else INK2)
            used = BOLD if strong else face
            left = _MARGIN + self.width - self._wide(line, used, 10.5)
            self._put(line, used, 10.5, left, self._y, INK)

    def mark(self, brand: str) -> None:
        """The gate with high water before it and low water behind it, and the name."""
        from reportlab.lib.colors import HexColor

        self._down(22)
        x, y, canvas = _MARGIN, self._y, self._canvas
        canvas.setFillColor(HexColor("#B4D3D8"))
        canvas.rect(x, y, 9, 12, stroke=0, fill=1)
        canvas.rect(x + 11, y, 9, 5, stroke=0, fill=1)
        canvas.setFillColor(HexColor(INK))
        canvas.rect(x + 9, y, 2, 20, stroke=0, fill=1)
        canvas.rect(x + 3, y + 18, 14, 2, stroke=0, fill=1)
        self._put(brand, SERIF, 17, x + 28, y + 2, INK)

    def _down(self, points: float) -> None:
        if self._y - points < _MARGIN:
            self._canvas.showPage()
            self._y = _A4[1] - _MARGIN
        self._y -= points

    def _put(self, text: str, face: str, size: float, x: float, y: float, colour: str) -> None:
        line = self._canvas.beginText(x, y)
        from reportlab.lib.colors import HexColor

        line.setFillColor(HexColor(colour))
        for name, piece in runs(text, face):
            line.setFont(name, size)
            line.textOut(piece)
        self._canvas.drawText(line)

    def _wide(self, text: str, face: str, size: float) -> float:
        from reportlab.pdfbase.pdfmetrics import stringWidth

        return sum(stringWidth(piece, name, size) for name, piece in runs(text, face))

    def _broken(self, text: str, face: str, size: float, width: float) -> list[str]:
        """In lines that fit, between words where there are any."""
        lines = [""]
        for word in text.split(" "):
            longer = f"{lines[-1]} {word}" if lines[-1] else word
            if self._wide(longer, face, size) <= width:
                lines[-1] = longer
                continue
            if lines[-1]:
                lines.append("")
            for sign in word:
                if self._wide(lines[-1] + sign, face, size) > width:
                    lines.append("")
                lines[-1] += sign
        return lines
