"""What this process shows of its operator, made once, at start: a fault in it is said then, and not to a customer."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from tidegate import __version__
from tidegate.auth.rules import EMAIL_HOLD, PASSWORD_LEAST
from tidegate.brand import colours, files, words
from tidegate.brand.files import File
from tidegate.brand.schemas import (
    BrandOut,
    ConfigOut,
    FaceOut,
    FeaturesOut,
    LanguageOut,
    LinksOut,
    ListedAssetOut,
    ListedNetworkOut,
    NoticeOut,
    PolicyOut,
    ThemeOut,
    TokensOut,
)
from tidegate.config import BrandSettings, Settings
from tidegate.money import listed_assets

log = structlog.get_logger(__name__)

SHIPPED = Path(__file__).parents[1] / "web" / "locales"
"""The words that came with this version."""
SCHEMA = 1
_FACE_FILE = re.compile(r"(?P<family>[A-Za-z0-9]+)(-(?P<weight>[1-9]00|variable))?(?P<italic>-italic)?\.woff2\Z")


@dataclass(frozen=True, slots=True)
class Appearance:
    """The answer of `/config`, the files below `/brand/`, and the words."""

    config: ConfigOut
    files: Mapping[str, File] = field(repr=False)
    config_file: File = field(repr=False)
    """The same answer as it goes out."""
    remarks: tuple[str, ...]
    """What was changed or left out, for whoever runs this."""
    _shipped: Mapping[str, Mapping[str, words.Words]] = field(repr=False)
    _own: Mapping[str, Mapping[str, words.Words]] = field(repr=False)
    _spelled: dict[tuple[str, str], File] = field(default_factory=dict, repr=False)

    def words_of(self, tag: str, namespace: str) -> File | None:
        """One file of words: English, over it the language, each with what the operator put over it. None for what is
        not offered."""
        if tag not in {one.tag for one in self.config.languages}:
            return None
        english = self._whole(words.ENGLISH, namespace)
        if not english:
            return None
        found = self._spelled.get((tag, namespace))
        if found is None:
            spelled = (
                words.spelled(tag, english) if tag in words.MADE else words.merged(english, self._whole(tag, namespace))
            )
            found = files.file_of(json_bytes(spelled), "application/json")
            self._spelled[tag, namespace] = found
        return found

    def _whole(self, tag: str, namespace: str) -> words.Words:
        return words.merged(self._shipped.get(tag, {}).get(namespace, {}), self._own.get(tag, {}).get(namespace, {}))


def json_bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def open_appearance(settings: Settings) -> Appearance:
    """Read, judge and remember. SystemExit with a sentence for what cannot be shown."""
    brand = settings.brand
    if brand.schema_version != SCHEMA:
        raise SystemExit(f"[brand] schema_version {brand.schema_version}: this version knows {SCHEMA} only.")
    try:
        served = files.read(brand.directory) if brand.directory is not None else {}
        own = words.read(brand.directory / files.LOCALES) if brand.directory is not None else {}
        palette = colours.palette(brand.primary, primary_dark=brand.primary_dark, adjust=brand.contrast == "adjust")
    except (files.Unusable, words.NoWords, colours.Unreadable) as error:
        raise SystemExit(f"[brand]: {error}") from None
    shipped = words.read(SHIPPED)
    remarks = [*palette.adjusted, *_lacking(shipped, own)]
    for remark in remarks:
        log.warning("brand", remark=remark)
    config = ConfigOut(
        version=__version__,
        mode=settings.mode,
        api="/api/v1",
        brand=_brand(brand, served),
        theme=_theme(brand, palette, served),
        features=FeaturesOut.model_validate(settings.features.model_dump()),
        assets=[
            ListedAssetOut(
                asset=one.code, name=one.name, decimals=one.decimals, networks=settings.networks_of(one.code)
            )
            for one in listed_assets()
        ],
        networks=[
            ListedNetworkOut(network=key, name=one.name or key.title(), explorer_tx_url=one.explorer_tx_url)
            for key, one in settings.networks.items()
        ],
        languages=_languages(settings, {words.ENGLISH, *shipped, *own}),
        currencies=["USD"],
        links=LinksOut(**{name: text or None for name, text in brand.links.model_dump().items()}),
        notice=NoticeOut(text=brand.notice.text, tone=brand.notice.tone) if brand.notice.text else None,
        policy=PolicyOut(
            password_least=PASSWORD_LEAST,
            new_address_cooldown_seconds=settings.compliance.new_address_cooldown_seconds,
            email_hold_seconds=int(EMAIL_HOLD.total_seconds()),
        ),
    )
    answer = files.file_of(json_bytes(config.model_dump(mode="json")), "application/json")
    return Appearance(config, served, answer, tuple(remarks), shipped, own)


def _brand(brand: BrandSettings, served: Mapping[str, File]) -> BrandOut:
    def first(*names: str) -> str | None:
        for name in names:
            for ending in (".svg", ".png", ".webp", ".ico"):
                if (file := served.get(name + ending)) is not None:
                    return address(name + ending, file)
        return None

    sheet = served.get(files.STYLESHEET)
    return BrandOut(
        name=brand.name,
        logo_light=first("logo-light", "logo"),
        logo_dark=first("logo-dark", "logo", "logo-light"),
        icon=first("icon"),
        stylesheet=address(files.STYLESHEET, sheet) if sheet is not None else None,
    )


def address(name: str, file: File) -> str:
    """Where the page finds it: another content is another address."""
    return f"/brand/{name}?v={file.etag.strip(chr(34))[:12]}"


def _theme(brand: BrandSettings, palette: colours.Palette, served: Mapping[str, File]) -> ThemeOut:
    faces = []
    for name, file in served.items():
        if not name.startswith(f"{files.FACES}/"):
            continue
        found = _FACE_FILE.match(name.partition("/")[2])
        family = _family(found["family"], brand) if found else None
        if found is None or family is None:
            raise SystemExit(
                f"[brand] {name}: a face's file is named by its family without spaces, as `Inter-variable.woff2` or "
                "`Inter-400-italic.woff2`, and `face` or `heading_face` names the family."
            )
        weight = "100 900" if found["weight"] == "variable" else found["weight"] or "400"
        style = "italic" if found["italic"] else "normal"
        faces.append(FaceOut(family=family, url=address(name, file), style=style, weight=weight))
    return ThemeOut(
        schema_version=SCHEMA,
        shades=list(palette.shades),
        light=_tokens(palette.tokens["light"]),
        dark=_tokens(palette.tokens["dark"]),
        radius=brand.radius,
        face=brand.face or None,
        heading_face=brand.heading_face or None,
        faces=faces,
    )


def _tokens(tokens: Mapping[str, str]) -> TokensOut:
    """On the wire names have underscores."""
    return TokensOut(
        **{{"deepHover": "deep_hover", "onDeep": "on_deep"}.get(name, name): tokens[name] for name in tokens}
    )


def _family(bare: str, brand: BrandSettings) -> str | None:
    return next((one for one in (brand.face, brand.heading_face) if one and one.replace(" ", "") == bare), None)


def _languages(settings: Settings, written: set[str]) -> list[LanguageOut]:
    made = set(words.MADE) if settings.sandboxed else set()
    offered = settings.brand.languages or [words.ENGLISH, *sorted(written - {words.ENGLISH}), *sorted(made)]
    unknown = [tag for tag in offered if tag not in written and tag not in words.MADE]
    if unknown:
        raise SystemExit(f"[brand] languages: there are no words for {', '.join(unknown)}.")
    return [
        LanguageOut(tag=tag, name=words.MADE.get(tag), direction=words.direction(tag), format=words.format_tag(tag))
        for tag in offered
    ]


def _lacking(
    shipped: Mapping[str, Mapping[str, words.Words]], own: Mapping[str, Mapping[str, words.Words]]
) -> list[str]:
    """One line for each file of the operator's that does not match ours."""
    found = []
    for tag, namespaces in own.items():
        for namespace, theirs in namespaces.items():
            ours = shipped.get(words.ENGLISH, {}).get(namespace)
            if ours is None:
                found.append(f"locales/{tag}/{namespace}.json: the page has no words of that name")
                continue
            whole = words.merged(shipped.get(tag, {}).get(namespace, {}), theirs)
            wrong = words.differences(ours, ours if tag == words.ENGLISH else whole)
            if tag == words.ENGLISH:
                wrong = [line for line in words.differences(ours, theirs) if not line.startswith("lacks")]
            if wrong:
                more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
                found.append(f"locales/{tag}/{namespace}.json: {'; '.join(wrong[:3])}{more}")
    return found
