"""Settings: one frozen object per process, from `tidegate.toml` and the environment; never built at import.

`TIDEGATE_CONFIG` names the file (default `./tidegate.toml`). An environment variable `TIDEGATE_A__B` wins over
`[a] b`. `DATABASE_URL` wins over `[database] url`. Unknown keys are refused: a typing error is not a default.
"""

import ipaddress
import os
from email.utils import parseaddr
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from tidegate import money


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(_Section):
    url: SecretStr = SecretStr("")
    """`postgresql://user:password@host:port/name`, PostgreSQL 15 or newer: what a process uses that finds none of its own below."""
    api_url: SecretStr = SecretStr("")
    """The same with the api's login; also for `tidegate user`."""
    worker_url: SecretStr = SecretStr("")
    """The worker's login; also for `tidegate withdrawals hold`, `release`, `reject`, `pause` and `resume`."""
    migrator_url: SecretStr = SecretStr("")
    """The migrator's login, for `tidegate migrate` alone."""
    auditor_url: SecretStr = SecretStr("")
    """The auditor's login, for `tidegate audit` and `tidegate withdrawals list`."""
    role_prefix: str = Field("tidegate_", pattern=r"^[a-z_][a-z0-9_]{0,39}$")
    """What the names of this installation's database roles begin with; another one for each installation on a server."""
    pool_size: int = 10


class ApiSettings(_Section):
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = "http://localhost:8000"
    """The one origin browsers use; https in production."""


class AuthSettings(_Section):
    token_key_file: Path | None = None
    """32 random bytes for access tokens and stored second-factor seeds; made at first start in the sandbox."""
    access_seconds: int = 300
    session_idle_seconds: int = 1800
    session_absolute_seconds: int = 43200
    refresh_seconds: int = 2_592_000
    argon2_memory_kib: int = 47_104
    rate_limit_factor: int = 1
    """Multiplies every limit of security.md 4.6; 1000 in the sandbox."""


class TokenSettings(_Section):
    contract: str
    decimals: int


class BatchSettings(_Section):
    """Seconds by speed."""

    fast: float = Field(0, ge=0)
    standard: float = Field(30, ge=0)
    economy: float = Field(600, ge=0)

    def of(self, speed: str) -> float:
        seconds: float = getattr(self, speed)
        return seconds


class TargetSettings(_Section):
    """Blocks by speed."""

    fast: int = Field(2, ge=1)
    standard: int = Field(6, ge=1)
    economy: int = Field(36, ge=1)

    def of(self, speed: str) -> int:
        blocks: int = getattr(self, speed)
        return blocks


class NodeSettings(_Section):
    """One more node of the same chain, whose word is compared with the first one's."""

    url: SecretStr
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    headers_file: Path | None = None


class Checkpoint(_Section):
    """A block that the right chain has, from a source other than the node."""

    height: int = Field(ge=0)
    hash: str = Field(pattern=r"^(0x)?[0-9a-f]{64}$")


_GAS_ASSETS = {"bitcoin": "BTC", "evm": "ETH"}
_GAS_DECIMALS = {"bitcoin": 8, "evm": 18}


class DepositTier(_Section):
    """How deep a large payment must be. The tier with the greatest `from_amount` that the payment reaches counts."""

    asset: str
    from_amount: str
    confirmations: int = Field(ge=1)
    finality: Literal["safe", "finalized"] | None = None
    """EVM: besides, the block must stand at or below this tag of the node's."""


class NetworkSettings(_Section):
    """One chain. `kind` names the driver; the rest is what the driver needs and what customers are told."""

    kind: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")
    """An entry point of `tidegate.chains`: `bitcoin`, `evm`, or one that another distribution brings."""
    family: Literal["bitcoin", "evm"] = Field(default_factory=lambda data: data.get("kind"), validate_default=True)
    """Whose keys sign for it. Follows from our own kinds; other drivers say theirs and it is compared."""
    gas_asset: str = Field(default_factory=lambda data: _GAS_ASSETS.get(str(data.get("family")), ""))
    """What its fees are paid in. BTC or ETH when nothing is said."""
    name: str = ""
    rpc_url: SecretStr = SecretStr("")
    """Node URL, credentials included; every call goes through chains/<kind>/client.py."""
    rpc_headers: dict[str, SecretStr] = Field(default_factory=dict)
    """Sent with each call, for providers that want a key there."""
    rpc_headers_file: Path | None = None
    """The same from a file, one `Name: value` a line, so that no secret stands in this one."""
    others: dict[str, NodeSettings] = Field(default_factory=dict)
    """More nodes of this chain, by name: one at least must agree with the first before money moves (decision 0018)."""
    checkpoint: Checkpoint | None = None
    oldest_tip_seconds: float = 0
    """A newest block older than this is a stale node. 0: two hours for Bitcoin, ten minutes for EVM chains."""
    wallet: str = "tidegate"
    """Bitcoin: name of the watch-only descriptor wallet in the node."""
    chain: str = "regtest"
    """Bitcoin: the node's `chain`; compared at start."""
    deployments: tuple[str, ...] = ()
    """Bitcoin: rule changes that a person has read, beside those that Core 30 knows."""
    chain_id: int = 0
    """EVM: compared at start."""
    confirmations: int = 2
    deposit_tiers: list[DepositTier] = Field(default_factory=list)
    """Large deposits wait longer than `confirmations`."""
    block_seconds: float = 600
    tokens: dict[str, TokenSettings] = Field(default_factory=dict)
    explorer_tx_url: str | None = Field(None, pattern=r"^https://[^\s\"<>]+\{txid\}[^\s\"<>]*$")
    """Where a transaction can be looked at: https, with `{txid}` where its id goes."""
    max_fee_rate: int = 500
    """Bitcoin: sat/vB. EVM: gwei per gas. Above it nothing is built and nothing is signed."""
    min_fee_rate: int = 1
    max_gas: int = Field(1_000_000, ge=21_000, le=16_777_216)
    """EVM: no payout takes more. EIP-7825 caps a transaction at 16,777,216 on mainnet."""
    consolidate_fee_rate: int = 5
    """Bitcoin: at or below this rate (sat/vB) payments take small coins along, and small coins are put together; above
    it, the fewest coins."""
    consolidate_coins: int = 20
    """Bitcoin: so many small coins are worth a transaction of their own."""
    small_coin: str = "0.01"
    """Bitcoin: what a small coin is at most."""
    sweep_min_multiple: int = 20
    """EVM: a deposit address is swept when what it holds is worth so many times the cost."""
    hot_cap: dict[str, str] = Field(default_factory=dict)
    """By asset: what is above it, after the withdrawals that wait, goes to cold storage, or is proposed to."""
    hot_floor: dict[str, str] = Field(default_factory=dict)
    """By asset: below it a refill is proposed."""
    move_seconds: float = 10.0
    """How often moves are looked for."""
    batch_most: int = Field(100, ge=1, le=100)
    """Bitcoin: so many payouts share a transaction at most."""
    batch_seconds: BatchSettings = BatchSettings()
    """Bitcoin: how long the first payout of each speed waits for others to share a transaction with."""
    target_blocks: TargetSettings = TargetSettings()
    """A transaction that waits longer than so many usual blocks is made dearer, if today's rate is above its own."""
    dead_confirmations: int = 6
    """Bitcoin: depth of a foreign transaction that spent one of our inputs, from which ours counts as dead."""
    dead_confirmations_large: int = 100
    """The same for a transaction that pays `large_units` or more."""
    large_units: int = 100_000_000
    """Satoshi from which a transaction needs the larger depth to count as dead."""
    unmined_most: int = Field(16, ge=1)
    """EVM: transactions of one account that may wait for a block; pools drop more."""
    poll_seconds: float = 0.25
    """A look at a network that stands still costs its node one request."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What the driver of another distribution wants to know; judged by that driver."""

    def promised_seconds(self, speed: str) -> float:
        """How long a transaction of this speed waits for a block before something is done about it."""
        return self.target_blocks.of(speed) * self.block_seconds

    @model_validator(mode="after")
    def _coin(self) -> "NetworkSettings":
        if self.kind in _GAS_ASSETS and self.family != self.kind:
            raise ValueError(f"family: the driver {self.kind!r} is a family of its own")
        try:
            decimals = money.asset(self.gas_asset).decimals
        except money.UnknownAsset:
            raise ValueError(f"gas_asset: {self.gas_asset} is no asset of this house") from None
        if decimals != _GAS_DECIMALS[self.family] or self.gas_asset in self.tokens:
            raise ValueError(f"gas_asset: {self.gas_asset} cannot be the coin of this network")
        return self

    @model_validator(mode="after")
    def _tiers(self) -> "NetworkSettings":
        if any(tier.confirmations < self.confirmations for tier in self.deposit_tiers):
            raise ValueError("deposit_tiers: large deposits wait longer than `confirmations`, not less")
        return self


class KeepSettings(_Section):
    """How much of one asset is kept at one exchange: between `least` and `most`, brought back to `target`."""

    network: str
    """Over which it is moved. There is no default: an asset may have several."""
    least: str
    """Below it something is moved there, up to `target`."""
    target: str
    most: str
    """Above it something is moved to our own hot wallet, down to `target`."""
    smallest: str
    """Less is not worth what a move costs."""
    most_a_move: str
    """No move is larger, whoever wants it."""
    automatic: bool = False
    """Moves are made without a person, within `most_a_day`. Otherwise each is a proposal."""
    most_a_day: str = "0"
    """The most that is moved without a person in any 24 hours, both ways together."""


class VenueSettings(_Section):
    """One account at one exchange. `<name>` is what the books call it."""

    kind: str = Field("binance", pattern=r"^[a-z][a-z0-9_-]{0,31}$")
    """An entry point of `tidegate.venues`: `binance`, `coinbase` (Advanced Trade), `kraken`, or one that another distribution brings."""
    enabled: bool = True
    """false: not asked for prices and not traded at. Its orders that are still open wait until it is on again."""
    rest_url: str = ""
    """Its root, without a path. Empty: the venue's own production address."""
    stream: bool = True
    """false: its books are asked for once a second and not followed."""
    stream_url: str = ""
    """The root of its WebSocket streams. Empty: what belongs to `rest_url`, where that is an address of the venue itself."""
    api_key: SecretStr = SecretStr("")
    """Coinbase: the key's name, `organizations/…/apiKeys/…`. Without a key only prices are read."""
    api_key_file: Path | None = None
    """The same from a file, so that it does not stand in this one."""
    secret: SecretStr = SecretStr("")
    """Coinbase: the private key, as PEM (EC P-256) or base64 (Ed25519). Kraken: base64 as it was given out."""
    secret_file: Path | None = None
    """The same from a file."""
    withdrawals: bool = False
    """This key is meant to withdraw, for moves between venues and wallets. Otherwise `tidegate doctor` warns when it can."""
    taker_fee: str = Field("", pattern=r"^$|^0(\.[0-9]{1,8})?$")
    """What the account pays, as a share. Empty: the venue's first tier (Binance 0.001, Kraken 0.004, Coinbase 0.012); `tidegate doctor` compares."""
    pairs: list[str] = Field(default_factory=list)
    """Only these are traded there, as `BTC-USDT`. Empty: every pair of two assets of this house."""
    keep: dict[str, KeepSettings] = Field(default_factory=dict)
    """By asset, what is kept there. An asset that is not named is never moved. Money leaves only with `withdrawals = true`."""
    networks: dict[str, str] = Field(default_factory=dict)
    """The venue's own names for our networks, where they are not the usual ones; Kraken's may be by asset, `"USDT@ethereum"`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What the adapter itself wants to know; judged by it. Kraken: `tier`, one of `starter`, `intermediate`, `pro`."""

    def read_api_key(self) -> str:
        """Raises OSError."""
        return _read(self.api_key, self.api_key_file)

    def read_secret(self) -> str:
        """Raises OSError."""
        return _read(self.secret, self.secret_file)


def _read(value: SecretStr, file: Path | None) -> str:
    """What stands in the settings, else in the file."""
    told = value.get_secret_value()
    return file.read_text().strip() if file is not None and not told else told


class SignerSettings(_Section):
    socket: Path = Path("signer.sock")
    socket_mode: Literal["0600", "0660"] = "0600"
    """Who may open it: the signer's user alone, or its group too when the worker is another user in it."""
    directory: Path = Path("signer")
    """Keys and journal; only the signer process reads it."""
    passphrase_file: Path | None = None
    public_file: Path = Path("signer-public.json")
    """What the signer lets the others know: descriptors and extended public keys."""
    max_payout: dict[str, str] = Field(default_factory=dict)
    """Per asset, the largest single payout the signer ever signs, decimal."""
    max_hourly: dict[str, str] = Field(default_factory=dict)
    """Per asset, the most that the signer signs away in any hour, network fees included; required in production."""
    max_daily: dict[str, str] = Field(default_factory=dict)
    """The same in any 24 hours."""
    cold_addresses: dict[str, str] = Field(default_factory=dict)
    """By network, the one address outside this signer that its moves to cold storage may pay. Set here and nowhere else."""
    venue_addresses: dict[str, dict[str, str]] = Field(default_factory=dict)
    """By exchange, then as `"USDT@ethereum"`, our own deposit address there: where moves to exchanges may go, and nowhere else."""
    max_to_venue: dict[str, str] = Field(default_factory=dict)
    """Per asset, the largest single move to an exchange; without it the signer signs none of that asset."""
    max_move_fee: dict[str, str] = Field(default_factory=lambda: {"BTC": "0.01", "ETH": "0.02"})
    """By gas asset, the most that one move of the house (consolidation, sweep, top-up, to cold) may cost in fees."""
    max_move_share: str = "0.2"
    """And of what is moved, where that is the gas asset itself, as a share."""
    max_top_up: dict[str, str] = Field(default_factory=lambda: {"ETH": "0.02"})
    """By gas asset, the most that one deposit address gets at once for the gas of its sweep."""
    max_moves_hourly: dict[str, str] = Field(default_factory=lambda: {"BTC": "0.05", "ETH": "0.5"})
    """By gas asset, the most that fees of moves and top-ups add up to in any hour."""
    max_moves_daily: dict[str, str] = Field(default_factory=lambda: {"BTC": "0.2", "ETH": "2"})
    """The same in any 24 hours."""
    head_file: Path | None = None
    """How far the journal is, to notice one that was put back; default beside it, safer on another disk."""


class QuoteSettings(_Section):
    withdrawal_seconds: int = 60
    conversion_seconds: int = 15
    challenge_seconds: int = 600
    converting_challenge_seconds: int = 120
    spread: str = "0.0012"
    """Least share of what is converted for the risk of holding a price open; with the venues' taker fees the `spread` line."""
    spread_per_100k_usd: str = "0.0005"
    """Added to it for each 100,000 dollars that the size is worth, in proportion."""
    spread_volatility: str = "0.5"
    """Added: this many times the usual move of the price, as lately seen, over the quote's life and its books' age."""
    max_spread: str = "0.02"
    """The most that `spread` comes to with what is added; not below it."""
    service: str = "0.001"
    """Share of what is converted (conversions and converting withdrawals), charged as `service`."""
    max_exposure_usd: str = "250000"
    """All open converting quotes and unverified converting withdrawals together."""
    max_user_exposure_usd: str = "100000"
    """The same, of one user."""
    max_uncovered_exposure_usd: str = "100000"
    """Of `max_exposure_usd`, what may be open in prices that their accounts could not pay as they stand."""
    max_book_age_seconds: float = 5.0
    max_venue_gap: str = "0.03"
    """A venue whose price is further than this share from the median of all is not quoted from; of two, neither is."""
    hedge_tolerance: str = "0.005"
    """How far beyond the walked price a hedge may trade, as a share."""
    hedge_settle_seconds: float = 30.0
    """How long an order without an answer is looked for before it counts as never placed."""
    hedge_tries: int = Field(default=10, ge=0)
    """How often what an order left is ordered anew, over whichever venue is best then, before it is carried."""

    @model_validator(mode="after")
    def _shares(self) -> "QuoteSettings":
        for name in (
            "spread",
            "spread_per_100k_usd",
            "spread_volatility",
            "max_spread",
            "service",
            "hedge_tolerance",
            "max_venue_gap",
        ):
            try:
                share = Fraction(getattr(self, name))
            except (ValueError, ZeroDivisionError):
                raise ValueError(f"{name}: a decimal number") from None
            if share < 0:
                raise ValueError(f"{name}: not below zero")
        if Fraction(self.max_spread) < Fraction(self.spread):
            raise ValueError("max_spread: not below spread")
        if Fraction(self.hedge_tolerance) >= 1:
            raise ValueError("hedge_tolerance: below 1")
        return self


class ComplianceSettings(_Section):
    deny_list_file: Path | None = None
    per_withdrawal_usd: str = "10000"
    daily_usd: str = "50000"
    review_above_usd: str = "10000"
    new_address_cooldown_seconds: int = 0
    """How long an address waits after it was saved and confirmed, or first paid, before it can be paid; 0: not at all."""


class ReconciliationSettings(_Section):
    every_seconds: float = Field(default=10.0, gt=0)
    """Between two checks of the books against chains and exchanges; those of several workers count together."""
    tolerance: dict[str, str] = Field(default_factory=dict)
    """By asset, up to which difference nothing is frozen. Exact when left out."""

    @model_validator(mode="after")
    def _amounts(self) -> "ReconciliationSettings":
        for code, text in self.tolerance.items():
            try:
                money.parse_units(text, money.asset(code).decimals)
            except (money.MoneyError, money.UnknownAsset) as error:
                raise ValueError(f"tolerance: {code}: {error}") from None
        return self


class MailSettings(_Section):
    """The SMTP server that takes our mails. Links in them go to `[api] public_url`."""

    host: str = ""
    """Empty: no mails are written and none are sent."""
    port: int = Field(587, ge=1, le=65535)
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """`starttls` (usually port 587) and `tls` (465) check the server's certificate; `none` is taken on loopback alone."""
    user: str = ""
    password_file: Path | None = None
    """Holds the password of `user`."""
    sender: str = "Tidegate <no-reply@localhost>"
    """What mails come from, as `Name <address>`."""
    timeout_seconds: float = Field(20, gt=0, le=30)
    """For each step of the conversation with the server; after it nobody knows whether the mail was taken."""

    @model_validator(mode="after")
    def _safe(self) -> "MailSettings":
        if self.tls == "none" and self.host and not loopback(self.host):
            raise ValueError("tls: mails hold links that cancel and freeze; without TLS they go to loopback only")
        address = parseaddr(self.sender)[1]
        if not self.sender.isprintable() or not address.isascii() or address.count("@") != 1:
            raise ValueError("sender: write it as `Name <address>`")
        if bool(self.user) != (self.password_file is not None):
            raise ValueError("user and password_file go together")
        return self

    def read_password(self) -> str:
        """Raises OSError."""
        return self.password_file.read_text().strip() if self.password_file is not None else ""


def loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class LinkSettings(_Section):
    """Where the page sends people who want to know more: https, or `mailto:` for support."""

    support: str = Field("", pattern=r"^$|^https://[^\s\"<>]{4,500}$|^mailto:[^\s\"<>]{3,250}$")
    terms: str = Field("", pattern=r"^$|^https://[^\s\"<>]{4,500}$")
    privacy: str = Field("", pattern=r"^$|^https://[^\s\"<>]{4,500}$")
    status: str = Field("", pattern=r"^$|^https://[^\s\"<>]{4,500}$")


class NoticeSettings(_Section):
    """A sentence above every page, until it is taken out."""

    text: str = Field("", max_length=300)
    tone: Literal["plain", "look"] = "plain"
    """`look`: amber, because somebody must act."""


class FeatureSettings(_Section):
    """What customers may begin. What is off is off in the API; the page only hides it."""

    registration: bool = True
    """New accounts by the page and `POST /auth/register`."""
    conversions: bool = True
    """Conversions from one asset into another. Payments that convert stay."""
    transfers: bool = True
    """Payments from one user to another."""
    webhooks: bool = True
    """New webhook endpoints."""


class BrandSettings(_Section):
    """What the page looks and sounds like: docs/customise.md."""

    schema_version: int = 1
    """Of the settings of this table, so that an upgrade can say what changed."""
    name: str = Field("Tidegate", min_length=1, max_length=40)
    directory: Path | None = None
    """Logos, icon, faces, `custom.css` and `locales/`: read once, at start."""
    primary: str = Field("#0E5362", pattern=r"^#[0-9A-Fa-f]{6}$")
    """The one hue. Ten shades and the tokens of both schemes are made of it."""
    primary_dark: str = Field("", pattern=r"^$|^#[0-9A-Fa-f]{6}$")
    """The same for the dark scheme. Empty: made of `primary`."""
    contrast: Literal["adjust", "refuse"] = "adjust"
    """What happens with a colour that cannot be read: another shade of it is taken and said, or the process does not start."""
    radius: int = Field(4, ge=0, le=16)
    """Of controls, in pixels."""
    face: str = Field("", pattern=r"^[A-Za-z0-9 ]{0,40}$")
    """Family of text: a file of `faces/` in the directory, or one that readers' systems have. Empty: ours."""
    heading_face: str = Field("", pattern=r"^[A-Za-z0-9 ]{0,40}$")
    """Family of headings, alike."""
    languages: list[str] = Field(default_factory=list)
    """Offered, first one first. Empty: every one that has files."""
    links: LinkSettings = LinkSettings()
    notice: NoticeSettings = NoticeSettings()


class SandboxSettings(_Section):
    directory: Path = Path(".data")
    """The data folder of `tidegate up`."""
    bitcoin_block_seconds: float = 5.0
    evm_block_seconds: float = 2.0
    market_seconds: float = Field(default=0.25, gt=0)
    """Between two moves of the sandbox exchanges' prices."""
    control_url: str = ""
    """The supervisor's own loopback door: start-up progress, chaos, restart of a part."""
    bitcoin_wallet: str = ""
    evm_dev_account: str = ""


class Settings(BaseSettings):
    """Everything `tidegate.toml` may say."""

    model_config = SettingsConfigDict(
        env_prefix="TIDEGATE_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    mode: Literal["sandbox", "production"] = "production"
    brand: BrandSettings = BrandSettings()
    features: FeatureSettings = FeatureSettings()
    database: DatabaseSettings = DatabaseSettings()
    api: ApiSettings = ApiSettings()
    auth: AuthSettings = AuthSettings()
    networks: dict[str, NetworkSettings] = Field(default_factory=dict)
    venues: dict[str, VenueSettings] = Field(default_factory=dict)
    signer: SignerSettings = SignerSettings()
    quotes: QuoteSettings = QuoteSettings()
    compliance: ComplianceSettings = ComplianceSettings()
    reconciliation: ReconciliationSettings = ReconciliationSettings()
    mail: MailSettings = MailSettings()
    sandbox: SandboxSettings = SandboxSettings()
    minimum_deposit: dict[str, str] = Field(
        default_factory=lambda: {"BTC": "0.00001", "ETH": "0.001", "USDT": "1", "USDC": "1"}
    )
    minimum_withdrawal: dict[str, str] = Field(
        default_factory=lambda: {"BTC": "0.0001", "ETH": "0.001", "USDT": "1", "USDC": "1"}
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config_path())

    @model_validator(mode="after")
    def _one_network_a_chain(self) -> "Settings":
        """The same chain under two names would credit every deposit twice."""
        seen: dict[object, str] = {}
        for name, network in self.networks.items():
            chain = (network.kind, network.chain if network.family == "bitcoin" else network.chain_id)
            if seen.setdefault(chain, name) != name:
                raise ValueError(f"[networks.{name}] is the same chain as [networks.{seen[chain]}]")
        return self

    @model_validator(mode="after")
    def _kept(self) -> "Settings":
        """What is kept at exchanges is in order, and moves over a network that carries it."""
        for name, venue in self.venues.items():
            for code, keep in venue.keep.items():
                where = f"[venues.{name}.keep.{code}]"
                if keep.network not in self.networks_of(code):
                    raise ValueError(f"{where} network: {code} does not move over {keep.network!r} here")
                try:
                    decimals = money.asset(code).decimals
                    least, target, most = (
                        money.parse_units(text, decimals) for text in (keep.least, keep.target, keep.most)
                    )
                    single, _, _ = (
                        money.parse_units(text, decimals) for text in (keep.most_a_move, keep.smallest, keep.most_a_day)
                    )
                except money.MoneyError as error:
                    raise ValueError(f"{where} {error}") from None
                if not least <= target <= most or not single:
                    raise ValueError(f"{where} least <= target <= most, and most_a_move above zero")
        return self

    @property
    def sandboxed(self) -> bool:
        return self.mode == "sandbox"

    def database_url(self, duty: Literal["api", "worker", "migrator", "auditor"] = "api") -> str:
        """SQLAlchemy's URL with the asyncpg driver, of the login for this duty. `DATABASE_URL` wins."""
        own: SecretStr = getattr(self.database, f"{duty}_url")
        url = os.environ.get("DATABASE_URL") or own.get_secret_value() or self.database.url.get_secret_value()
        if not url:
            raise SystemExit(f"No database: set DATABASE_URL, or [database] {duty}_url or url in tidegate.toml.")
        scheme, _, rest = url.partition("://")
        if scheme.partition("+")[0] not in ("postgresql", "postgres"):
            raise SystemExit("The database must be PostgreSQL.")
        return f"postgresql+asyncpg://{rest}"

    def networks_of(self, asset: str) -> list[str]:
        """Networks that carry the asset, in the file's order."""
        found = []
        for key, network in self.networks.items():
            if asset == network.gas_asset or asset in network.tokens:
                found.append(key)
        return found


def config_path() -> Path:
    return Path(os.environ.get("TIDEGATE_CONFIG", "tidegate.toml"))


def load() -> Settings:
    """The settings of this process. A missing file named by TIDEGATE_CONFIG is an error, not a default."""
    path = config_path()
    if "TIDEGATE_CONFIG" in os.environ and not path.is_file():
        raise SystemExit(f"TIDEGATE_CONFIG names {path}, which is not there.")
    return Settings()
