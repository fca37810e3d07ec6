"""Wire shapes of /config: everything the page must know before it asks for anything."""

from typing import Annotated, Literal

from pydantic import Field

from tidegate.wire import Out

Url = Annotated[str, Field(examples=["/brand/logo-light.svg"])]
Colour = Annotated[str, Field(pattern=r"^#[0-9A-F]{6}$", examples=["#0E5362"])]


class BrandOut(Out):
    name: str
    logo_light: Url | None
    logo_dark: Url | None
    icon: Url | None
    stylesheet: Annotated[Url | None, Field(description="Put after everything else, on pages where nothing is decided")]


class TokensOut(Out):
    """What the brand decides in one scheme; every pair of it and what it stands on can be read (WCAG 2 AA)."""

    water1: Colour
    water2: Colour
    water3: Colour
    deep: Colour
    deep_hover: Colour
    on_deep: Colour
    link: Colour


class FaceOut(Out):
    """One file of a family."""

    family: str
    url: Url
    style: Literal["normal", "italic"]
    weight: Annotated[str, Field(description="As in `font-weight` of a font face", examples=["400", "100 900"])]


class ThemeOut(Out):
    schema_version: Annotated[int, Field(description="Of the tokens; it grows when they change their meaning")]
    shades: Annotated[list[Colour], Field(min_length=10, max_length=10, description="From lightest to darkest")]
    light: TokensOut
    dark: TokensOut
    radius: Annotated[int, Field(ge=0, le=16)]
    face: str | None
    heading_face: str | None
    faces: list[FaceOut]


class FeaturesOut(Out):
    """What customers may begin; the API refuses what is off."""

    registration: bool
    conversions: bool
    transfers: bool
    webhooks: bool


class ListedAssetOut(Out):
    asset: str
    name: str
    decimals: int
    networks: list[str]


class ListedNetworkOut(Out):
    network: str
    name: str
    explorer_tx_url: Annotated[str | None, Field(description="https, with `{txid}` where the id goes")]


class LanguageOut(Out):
    tag: Annotated[str, Field(examples=["en", "pt-BR"])]
    name: Annotated[str | None, Field(description="null: the browser knows what it is called")]
    direction: Literal["ltr", "rtl"]
    format: Annotated[str, Field(description="BCP 47, by which dates and numbers are written", examples=["en-GB"])]


class LinksOut(Out):
    support: str | None
    terms: str | None
    privacy: str | None
    status: str | None


class NoticeOut(Out):
    text: str
    tone: Literal["plain", "look"]


class PolicyOut(Out):
    """Rules that the page says beforehand."""

    password_least: int
    new_address_cooldown_seconds: int
    email_hold_seconds: Annotated[int, Field(description="How long nothing leaves after the e-mail address changed")]


class ConfigOut(Out):
    version: str
    mode: Literal["sandbox", "production"]
    api: str
    brand: BrandOut
    theme: ThemeOut
    features: FeaturesOut
    assets: list[ListedAssetOut]
    networks: list[ListedNetworkOut]
    languages: Annotated[list[LanguageOut], Field(min_length=1)]
    currencies: Annotated[list[str], Field(min_length=1, description="What estimates can be shown in")]
    links: LinksOut
    notice: NoticeOut | None
    policy: PolicyOut
