"""One request asked many times is done once: at the same time, and again and again when every answer is lost on its way
(issue 6, acceptance 2). A real API process, a real database, and a proxy of ours in between."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.crash.house import House, house
from tests.crash.load import CENT, DEBIT, DELIVER, FEE, PATH
from tests.crash.proxy import Fault, drawn, proxied
from tests.transactions.world import STRANGER, Someone
from tidegate.http import tls

AT_ONCE = 50
LOST = 20
ANSWERS_TO_A_TWIN = (409, 503)
"""Said of a request whose first one is still running: ask again."""


@pytest.fixture(scope="module")
async def struck(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("submit")) as made:
        yield made


class Asking:
    """One request of one customer, with one key."""

    def __init__(self, struck: House, who: Someone, quote_id: uuid.UUID) -> None:
        self.house, self.who = struck, who
        self.headers = {"Authorization": f"Bearer {struck.token(who)}", "Idempotency-Key": uuid.uuid4().hex}
        self.body = {"quote_id": str(quote_id), "address": STRANGER}

    async def ask(self, http: httpx.AsyncClient) -> httpx.Response:
        return await http.post(PATH, json=self.body, headers=self.headers)

    async def effects(self) -> tuple[int, int, int]:
        """Withdrawals, holds, stored answers."""
        ids = "SELECT id FROM withdrawals WHERE user_id = $1"
        found: Any = await self.house.admin.fetchrow(
            f"SELECT (SELECT count(*) FROM ({ids}) x),"
            f" (SELECT count(*) FROM ledger_transfers WHERE key IN (SELECT 'withdrawal:' || id || ':hold' FROM ({ids}) x)),"
            " (SELECT count(*) FROM idempotency_keys WHERE user_id = $1)",
            self.who.id,
        )
        return tuple(found)


@pytest.fixture
async def asking(struck: House) -> Asking:
    who = await struck.someone(USDT=10 * DEBIT)
    offer = await struck.world.offer(who, deliver=DELIVER, fee=FEE, usd_units=CENT)
    return Asking(struck, who, offer.id)


def client(url: str) -> httpx.AsyncClient:
    # A connection for each request: what befalls one is no other's.
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=0)
    return httpx.AsyncClient(verify=tls(), base_url=url, timeout=30, trust_env=False, limits=limits)


async def test_fifty_identical_posts_at_once_give_one_withdrawal_and_fifty_equal_answers(
    struck: House, asking: Asking
) -> None:
    async with client(struck.api.url) as http:
        answers = list(await asyncio.gather(*(asking.ask(http) for _ in range(AT_ONCE))))
        for n, answer in enumerate(answers):
            while answers[n].status_code in ANSWERS_TO_A_TWIN:
                answers[n] = await asking.ask(http)
            assert answer.status_code in (201, *ANSWERS_TO_A_TWIN), answer.text
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert [answer.headers.get("idempotency-replayed") for answer in answers].count("true") == AT_ONCE - 1
    assert await asking.effects() == (1, 1, 1)
    assert await struck.world.available(asking.who.id, "USDT") == (9 * DEBIT, DEBIT)


async def test_an_answer_that_is_lost_twenty_times_after_the_commit_is_one_withdrawal(
    struck: House, asking: Asking
) -> None:
    async with proxied(("127.0.0.1", struck.api.port), [Fault.LOSE_ANSWER] * LOST) as proxy:
        assert isinstance(proxy.here, tuple)
        async with client(f"http://127.0.0.1:{proxy.here[1]}") as http:
            for attempt in range(LOST):
                proxy.answered.clear()
                with pytest.raises(httpx.TransportError):
                    await asking.ask(http)
                assert proxy.answered.is_set(), f"attempt {attempt} was not even answered"
                assert await asking.effects() == (1, 1, 1)
            answer = await asking.ask(http)
    assert (answer.status_code, answer.headers["idempotency-replayed"]) == (201, "true")
    assert proxy.met == [*[Fault.LOSE_ANSWER] * LOST, Fault.PASS]
    assert await asking.effects() == (1, 1, 1)
    assert await struck.world.available(asking.who.id, "USDT") == (9 * DEBIT, DEBIT)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
async def test_whatever_the_network_does_to_it_a_request_that_is_asked_until_it_is_answered_is_done_once(
    struck: House, asking: Asking, seed: int
) -> None:
    faults = (Fault.RESET, Fault.LOSE_ANSWER, Fault.DUPLICATE, Fault.DELAY, Fault.DRIP, Fault.HALF_OPEN, Fault.DROP)
    script = itertools.chain(faults, itertools.islice(drawn(seed, faults, often=1.0), 10))
    async with proxied(("127.0.0.1", struck.api.port), script, seconds=0.05) as proxy:
        assert isinstance(proxy.here, tuple)
        async with client(f"http://127.0.0.1:{proxy.here[1]}") as http:
            http.timeout = httpx.Timeout(0.5)
            answers = []
            while len(proxy.met) < 18:
                try:
                    answers.append(await asking.ask(http))
                except httpx.TransportError:
                    continue
    done = [answer for answer in answers if answer.status_code == 201]
    assert done and len({answer.content for answer in done}) == 1
    assert {answer.status_code for answer in answers} <= {201, *ANSWERS_TO_A_TWIN}
    assert await asking.effects() == (1, 1, 1)
    assert await struck.world.available(asking.who.id, "USDT") == (9 * DEBIT, DEBIT)
