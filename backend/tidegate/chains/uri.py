"""What people paste: a bare address, a BIP21 invoice, an EIP-681 request. Pure, and it guesses nothing.

The network an `ethereum:` text without a chain id means is not ours to choose: `chain_id` is then None.
"""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from tidegate.money import BTC, MoneyError, parse_units

LONGEST = 2_000

# Invisible characters that come along with copied text: zero widths, joiners, direction marks, soft hyphen, BOM.
_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_EIP681 = re.compile(
    r"(?:pay-)?(?P<target>0x[0-9a-fA-F]{40})(?:@(?P<chain>[0-9]{1,20}))?(?:/(?P<call>[A-Za-z_][A-Za-z0-9_]*))?\Z",
    re.ASCII,
)
# EIP-681: [+] *digit [. 1*digit] [e [1*digit]]; a minus is an amount that nobody pays.
_NUMBER = re.compile(
    r"\+?(?P<whole>[0-9]{0,60})(?:\.(?P<part>[0-9]{1,60}))?(?:[eE](?P<exponent>[0-9]{0,2}))?\Z", re.ASCII
)
_HEX_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}\Z", re.ASCII)
_UNITS_END = 10**60
# What EIP-681 knows, and the payee's words. Any other name may change what is asked for: it is refused, not skipped.
_GAS = frozenset({"gas", "gaslimit", "gasprice"})
_WORDS = frozenset({"label", "message"})
_OF_ETHER = _GAS | _WORDS | {"value"}
_OF_TRANSFER = _OF_ETHER | {"address", "uint256"}
_LIGHTNING = re.compile(r"ln(?:bc|tb|bcrt|tbs)[0-9]*[munp]?1[02-9ac-hj-np-z]+\Z|lnurl1|lno1", re.ASCII)


class BadPayment(ValueError):
    """A payment request that cannot be honoured as it stands; the text says why."""


class LightningOnly(BadPayment):
    """An invoice of the Lightning network without an address on the chain. Another network, not a bad address."""

    def __init__(self) -> None:
        super().__init__("This is a Lightning invoice. We pay on the chain: ask for a bitcoin address.")


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What was asked for. `units` are satoshi, wei, or base units of the token at `contract`.

    `kind` is the family of chains that the text names, None for a bare address. The address is not judged here.
    """

    kind: Literal["bitcoin", "evm"] | None
    address: str
    chain_id: int | None = None
    contract: str | None = None
    units: int | None = None
    label: str | None = None


def cleaned(text: str) -> str:
    """Without surrounding white space and without characters that nobody can see."""
    return _INVISIBLE.sub("", text).strip()


def parse_payment(text: str) -> PaymentRequest:
    """Read pasted text. Refuses (BadPayment) an invoice that is not understood in full; takes any bare text as address."""
    if len(text) > LONGEST:
        raise BadPayment("The text is too long for an address or an invoice.")
    plain = cleaned(text)
    scheme, colon, rest = plain.partition(":")
    if not colon:
        if _LIGHTNING.match(plain.lower()):
            raise LightningOnly
        return PaymentRequest(None, plain)
    if scheme.lower() == "lightning":
        raise LightningOnly
    if scheme.lower() == "bitcoin":
        return _bip21(rest.removeprefix("//"))
    if scheme.lower() == "ethereum":
        return _eip681(rest)
    raise BadPayment(f"Invoices of the kind “{scheme[:20]}:” are not understood.")


def _query(text: str) -> dict[str, str]:
    """Parameters of the invoice, names in lower case. Refuses a name that stands twice: which one counts?"""
    found: dict[str, str] = {}
    for pair in filter(None, text.split("&")):
        name, _, value = pair.partition("=")
        name = unquote(name).lower()
        if name in found:
            raise BadPayment(f"The invoice names “{name[:20]}” twice.")
        # A plus is a plus in BIP21, not a space.
        found[name] = unquote(value)
    return found


def _bip21(rest: str) -> PaymentRequest:
    address, _, query = rest.partition("?")
    parameters = _query(query)
    for name in parameters:
        if name.startswith("req-"):
            raise BadPayment(f"The invoice requires “{name[4:24]}”, which is not supported.")
    if not address:
        if "lightning" in parameters or "lno" in parameters:
            raise LightningOnly
        raise BadPayment("The invoice holds no on-chain address.")
    units = None
    if "amount" in parameters:
        try:
            units = parse_units(_canonical_decimal(parameters["amount"]), BTC.decimals)
        except MoneyError as error:
            raise BadPayment("The invoice's amount is not an amount of bitcoin.") from error
    label = parameters.get("label") or parameters.get("message")
    return PaymentRequest("bitcoin", unquote(address), units=units, label=_label(label))


def _canonical_decimal(text: str) -> str:
    """BIP21 allows `.5`, `1.` and leading zeros, which our own wire does not."""
    whole, point, part = text.partition(".")
    if not (whole or part):
        return text
    return (whole.lstrip("0") or "0") + (f".{part}" if point and part else "")


def _eip681(rest: str) -> PaymentRequest:
    head, _, query = rest.partition("?")
    match = _EIP681.match(unquote(head))
    if match is None:
        raise BadPayment("The invoice is not an EIP-681 request to a hex address; names are not supported.")
    parameters = _query(query)
    target = match["target"]
    chain_id = int(match["chain"]) if match["chain"] else None
    label = _label(parameters.get("label") or parameters.get("message"))
    strange = parameters.keys() - (_OF_ETHER if match["call"] is None else _OF_TRANSFER)
    if strange:
        raise BadPayment(f"The invoice says “{min(strange)[:20]}”, which is not understood.")
    if match["call"] is None:
        units = _number(parameters["value"]) if "value" in parameters else None
        return PaymentRequest("evm", target, chain_id, None, units, label)
    if match["call"] != "transfer" or not _HEX_ADDRESS.match(parameters.get("address", "")):
        raise BadPayment("Only transfers of a token to a hex address are understood.")
    if _number(parameters.get("value", "0")) != 0:
        raise BadPayment("The invoice asks for a token and for ether at once.")
    units = _number(parameters["uint256"]) if "uint256" in parameters else None
    return PaymentRequest("evm", parameters["address"], chain_id, target, units, label)


def _number(text: str) -> int:
    """A whole number in EIP-681's spelling, `2.014e18` included. Refuses what is not whole."""
    match = _NUMBER.match(text)
    part = (match["part"] or "") if match is not None else ""
    if match is None or not (match["whole"] or part):
        raise BadPayment("The invoice's amount is not a number.")
    exponent = int(match["exponent"] or "0")
    digits, scale = int(match["whole"] + part), exponent - len(part)
    if scale < 0:
        digits, remainder = divmod(digits, 10**-scale)
        if remainder:
            raise BadPayment("The invoice's amount has parts of a base unit.")
        scale = 0
    units: int = digits * 10**scale
    if units >= _UNITS_END:
        raise BadPayment("The invoice's amount is too large.")
    return units


def _label(text: str | None) -> str | None:
    """Shown to the customer as the payee's own words: one line, printable, at most 100 characters."""
    if not text:
        return None
    line = " ".join(cleaned(text).split())
    return "".join(letter for letter in line if letter.isprintable())[:100] or None
