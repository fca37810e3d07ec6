"""When a difference between books and world is one that stops payouts. Pure.

A look is a moment in a moving world: what is under way is counted by its terms, and still a block may come between two
questions. Such a difference has gone, or is another one, at the next look. What freezes is the part that was there at
every look of two runs that follow each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tidegate.compliance.rules import EVERYTHING, Cause
from tidegate.money import Asset, UnknownAsset, asset, format_units, parse_units


def steady(differences: Sequence[int]) -> int:
    """The part that was there at every look: nothing once one look was exact, or the sign changed."""
    if not differences or min(differences) * max(differences) <= 0:
        return 0
    return min(differences, key=abs)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a person let go on with, although it was there: it freezes nothing again, any other difference does."""

    lines: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By (place, asset), the units by which world and books may differ since then."""
    names: frozenset[str] = frozenset()
    """Orphans by their names, findings by their sentences."""

    @classmethod
    def of(cls, kept: Sequence[Mapping[str, Any]]) -> "Accepted":
        """From what releases kept, oldest first: of one line the newest counts."""
        lines = {
            (one["place"], one["asset"]): _units(one["asset"], one["units"]) for each in kept for one in each["lines"]
        }
        return cls(lines, frozenset(name for each in kept for name in each["names"]))


NOTHING = Accepted()


def acceptance(now: Mapping[str, Any], code: str) -> dict[str, Any]:
    """What a forced release of this asset (`*`: of anything) keeps of the newest report."""
    lines = [
        {"place": place, "asset": of, "units": line["steady"]}
        for (place, of), line in _lines(now).items()
        if code in (of, EVERYTHING)
    ]
    return {
        "lines": lines,
        "names": [one["name"] for one in now["orphans"]] + [one["detail"] for one in now["findings"]],
    }


@dataclass(frozen=True, slots=True)
class Wish:
    """Something to freeze, and the sentence for operators that says which term."""

    cause: Cause
    asset: str
    place: str
    reason: str


def wishes(
    before: Mapping[str, Any] | None,
    now: Mapping[str, Any],
    *,
    tolerances: Mapping[str, int],
    assets_of: Mapping[str, Sequence[str]],
    accepted: Accepted = NOTHING,
) -> list[Wish]:
    """What this run's report means together with the one before. `assets_of`: what each network carries.

    What left our wallets unknown is certain at its first look, and stops every asset of its chain.
    """
    found = []
    for orphan in now["orphans"]:
        if orphan["name"] in accepted.names:
            continue
        reason = f"{orphan['network']}: {orphan['what']} ({orphan['name']})"
        found += [Wish(Cause.ORPHAN, code, orphan["network"], reason) for code in assets_of[orphan["network"]]]
    known = _lines(before)
    for (place, code), line in _lines(now).items():
        off = accepted.lines.get((place, code), 0)
        both = (known.get((place, code)), line)
        units = steady([_units(code, one["steady"]) - off for one in both if one is not None])
        if (place, code) in known and abs(units) > tolerances.get(code, 0):
            found.append(Wish(Cause.DIFFERENCE, code, place, sentence(line, units)))
    told = {(one["check"], _named(one["detail"])) for one in (before or {}).get("findings", ())}
    for one in now["findings"]:
        check, code = one["check"], _named(one["detail"])
        if (check, code) in told and one["detail"] not in accepted.names:
            found.append(Wish(Cause.DIFFERENCE, code, "ledger", f"ledger, {check}: {one['detail']}"))
    return list({(one.cause, one.asset, one.place): one for one in reversed(found)}.values())[::-1]


def still(
    now: Mapping[str, Any], code: str, *, tolerances: Mapping[str, int], assets_of: Mapping[str, Sequence[str]]
) -> list[str]:
    """Sentences: what of this asset (`*`: of anything) still differs in this report, or could not be asked."""
    lines = [
        sentence(line, units)
        for (_, of), line in _lines(now).items()
        if code in (of, EVERYTHING) and abs(units := _units(of, line["steady"])) > tolerances.get(of, 0)
    ]
    named = [(one, _named(one["detail"])) for one in now["findings"]]
    lines += [f"{one['check']}: {one['detail']}" for one, of in named if EVERYTHING in (of, code) or of == code]
    mine = [one for one in now["orphans"] if code in (EVERYTHING, *assets_of[one["network"]])]
    lines += [f"{one['network']}: {one['what']} ({one['name']})" for one in mine]
    return lines + [f"not known: {one}" for one in now["unchecked"]]


def sentence(line: Mapping[str, Any], units: int) -> str:
    """`bitcoin, BTC: 0.5 less than the books say. world 1 = ledger 1.5 + sent_not_settled 0 …`"""
    code, place = line["asset"], line["place"]
    amount = format_units(abs(units), asset(code).decimals)
    terms = "".join(f" + {name} {amount}" for name, amount in line["terms"].items() if amount.strip("-0."))
    side = "more" if units > 0 else "less"
    return f"{place}, {code}: {amount} {side} than the books say. world {line['world']}, ledger {line['ledger']}{terms}"


def tolerances_of(amounts: Mapping[str, str]) -> dict[str, int]:
    """The configured amounts in base units."""
    return {code: parse_units(text, asset(code).decimals) for code, text in amounts.items()}


def _lines(report: Mapping[str, Any] | None) -> dict[tuple[str, str], Mapping[str, Any]]:
    lines = (report or {}).get("lines", ())
    return {(line["place"], line["asset"]): line for line in lines if "steady" in line}


def _named(detail: str) -> str:
    """The asset that a finding of the ledger begins with; everything where it begins with none."""
    word = detail.partition(" ")[0].rstrip(":")
    found = _asset(word)
    return found.code if found is not None else EVERYTHING


def _asset(code: str) -> Asset | None:
    try:
        return asset(code)
    except UnknownAsset:
        return None


def _units(code: str, amount: str) -> int:
    """Signed units of one of our own stored amounts."""
    sign = -1 if amount.startswith("-") else 1
    return sign * parse_units(amount.lstrip("-"), asset(code).decimals)
