"""Recipients with a scripted fate, like test card numbers: pay them and watch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scenario:
    """`address` of `network` meets its fate by being paid; without an address, `how` says what to do instead."""

    key: str
    title: str
    how: str
    expect: str
    network: str | None = None
    address: str | None = None


# P2WPKH addresses of hashes that nobody has the key to (20 times the same byte), and round hex for the EVM.
SCREENED_BITCOIN = "bcrt1qzyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3lgth6c"
SCREENED_EVM = "0x1111111111111111111111111111111111111111"
REORGED_BITCOIN = "bcrt1qyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zs4w3j0"
REORGED_EVM = "0x2222222222222222222222222222222222222222"
STUCK_BITCOIN = "bcrt1qxvenxvenxvenxvenxvenxvenxvenxvenztev8a"
STUCK_SECONDS = 60.0


SHOP = "0x8ba1f109551bD432803012645Ac136ddd64DBA72"
"""An address of nobody's, as the shop of the first minute."""


def invoice(*, contract: str, chain_id: int, units: int) -> str:
    """An EIP-681 link: `units` of a token, to the shop."""
    return f"ethereum:{contract}@{chain_id}/transfer?address={SHOP}&uint256={units}"


def scenarios() -> list[Scenario]:
    """All of them, in the order in which they are worth trying."""
    screened = "Screening finds it on the deny list; the withdrawal is rejected and the debit comes back in full."
    reorged = "The block with the payment is replaced once; the same signed bytes are sent again and it completes."
    return [
        Scenario("screened", "A listed recipient", "Withdraw BTC", screened, "bitcoin", SCREENED_BITCOIN),
        Scenario("screened", "A listed recipient", "Withdraw ETH or USDT", screened, "ethereum", SCREENED_EVM),
        Scenario("reorged", "A chain that changes its mind", "Withdraw BTC", reorged, "bitcoin", REORGED_BITCOIN),
        Scenario("reorged", "A chain that changes its mind", "Withdraw ETH or USDT", reorged, "ethereum", REORGED_EVM),
        Scenario(
            "stuck_fee",
            "A fee nobody mines",
            "Withdraw BTC",
            f"Miners leave the payment out for {STUCK_SECONDS:.0f} s; the status says that it is slower than usual.",
            "bitcoin",
            STUCK_BITCOIN,
        ),
        Scenario(
            "needs_approval",
            "A large amount",
            "Withdraw more than 10,000 USD of an asset you hold, to any address",
            "The withdrawal waits for a person; an approver releases or rejects it.",
        ),
        Scenario(
            "venue_down",
            "An exchange that does not answer",
            "Switch on `venue_timeout_after_accept`, then make a converting withdrawal",
            "The hedge is looked up by its own id and booked once; the payout does not wait while inventory covers it.",
        ),
    ]


def deny_list() -> str:
    """The file that `[compliance] deny_list_file` names."""
    entries = [
        f"{one.network} {one.address} sandbox-scenario" for one in scenarios() if one.key == "screened" and one.address
    ]
    return "# The sandbox's deny list: network, address, reason.\n" + "\n".join(entries) + "\n"
