"""The fault harness at a small size, and the proof that it would notice: builds that are broken on purpose fail it.

TIDEGATE_CRASH_SEEDS says how many seeds; without it a few failpoints are tried, with it all of them. `make crash` is the
same at any size.
"""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.chains.waiting import until
from tests.crash.draw import Load, Op, chains, draw
from tests.crash.part import Part
from tests.crash.report import of_the_table
from tests.crash.round import Harness, harness
from tests.crash.system import System, signs, system
from tidegate.transactions import audit

SEEDS = int(os.environ.get("TIDEGATE_CRASH_SEEDS", "0"))
SEED = int(os.environ.get("TIDEGATE_SEED", "1"))
FEW = (
    "P2.request:after",
    "P4.verify:before",
    "P9.reserve:after",
    "P11.journal:after",
    "P13.send:after",
    "P16.webhook:after",
    "O4.place:after",
)
POINTS = of_the_table() if SEEDS else list(FEW)

COIN = Op("withdrawal", "BTC", "BTC", "0.003")


@pytest.fixture(scope="module", autouse=True)
def _alone() -> Iterator[None]:
    """Nothing from the surroundings, and an audit that does not wait long for a moving world."""
    with pytest.MonkeyPatch.context() as patch:
        for key in [key for key in os.environ if key.startswith("TIDEGATE_") and key != "TIDEGATE_BITCOIND"]:
            patch.delenv(key)
        patch.delenv("DATABASE_URL", raising=False)
        patch.setattr(audit, "TRIES", 3)
        yield


def folder(base: Path) -> Path:
    for one in (base.parent, base):
        one.chmod(0o711)  # as root, PostgreSQL runs as somebody else
    return base


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Harness]:
    async with system(folder(tmp_path_factory.mktemp("house"))) as made, harness(made) as runs:
        yield runs


@pytest.mark.timeout(4 * 3600)
async def test_whoever_dies_wherever_everything_is_paid_once_and_booked_exactly(house: Harness) -> None:
    reached = set()
    for seed in range(SEED, SEED + max(1, SEEDS)):
        for row in chains(POINTS):
            one = await house.run(draw(row[0], seed, row[1:]))
            assert one.wrong == [], f"make crash POINTS={','.join(row)} FROM={seed} ARGS=--chained"
            reached |= set(one.deaths)
    assert await house.exact() == []
    assert set(POINTS) <= reached, f"nobody came to {sorted(set(POINTS) - reached)}"


async def reborn(made: System, **broken: str) -> None:
    """These kinds of parts are broken from their next life on, and the others whole."""
    for part in made.parts.values():
        if part.broken != broken.get(part.kind, ""):
            lives, part.broken = part.lives, broken.get(part.kind, "")
            part.signal(signal.SIGKILL)
            await until(partial(_lives_again, part, lives), "its next life")
    await until(lambda: signs(made.own), "the signer to answer", 60)


async def _lives_again(part: Part, lives: int) -> bool:
    return part.lives > lives


# What follows leaves the house as such builds leave it: nothing comes after.


@pytest.mark.timeout(600)
async def test_a_build_that_sends_before_it_commits_with_a_signer_that_forgets_is_caught_paying_twice(
    house: Harness,
) -> None:
    await reborn(house.made, worker="sends_before_it_commits", signer="forgets_what_it_signed")
    one = await house.run(Load("P13.send:after", SEED, (COIN,)))
    assert one.reached
    assert any("PAID TWICE" in said for said in one.wrong), one.wrong


@pytest.mark.timeout(600)
async def test_a_build_that_sends_before_it_commits_is_caught_whatever_the_signer_remembers(house: Harness) -> None:
    await reborn(house.made, worker="sends_before_it_commits")
    one = await house.run(Load("P13.send:after", SEED, (COIN,)))
    assert one.reached
    assert any("PAID AND NOT COMPLETED" in said for said in one.wrong), one.wrong
