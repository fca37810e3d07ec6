"""A whole withdrawal through the generated Python client, as a program of somebody else's would use it."""

import uuid
from decimal import Decimal
from typing import TypeVar

import pytest
from tidegate_client import AuthenticatedClient, Client
from tidegate_client.api.auth import auth_get_me, auth_token
from tidegate_client.api.quotes import quotes_create
from tidegate_client.api.transactions import transactions_list
from tidegate_client.api.wallets import wallets_list_balances
from tidegate_client.api.withdrawals import withdrawals_create, withdrawals_get, withdrawals_verify
from tidegate_client.models import Problem, QuoteIn, TokenIn, VerifyIn, WithdrawalIn, WithdrawalOut

from tests.customer import until
from tests.stack import Stack

pytestmark = pytest.mark.stack
T = TypeVar("T")


def good(answer: T | Problem | None) -> T:
    """The answer, where it is one; a problem is told in words."""
    assert answer is not None
    assert not isinstance(answer, Problem), answer
    return answer


async def test_25_usdt_are_paid_with_bitcoin_through_the_python_client(stack: Stack) -> None:
    customer = await stack.customer(BTC="0.01")
    address = await stack.new_address("ethereum")
    async with Client(base_url=stack.url) as unknown:
        form = TokenIn(username=customer.email, password=customer.password, totp_code=await customer.code())
        token = good(await auth_token.asyncio(client=unknown, body=form))
    async with AuthenticatedClient(base_url=stack.url, token=token.access_token) as client:
        me = good(await auth_get_me.asyncio(client=client))
        assert me.email == customer.email
        asked = QuoteIn(
            kind="withdrawal", from_asset="BTC", to_asset="USDT", network="ethereum", side="exact_out", amount="25"
        )
        quote = good(await quotes_create.asyncio(client=client, body=asked))
        assert quote.deliver.amount == "25.000000"
        key = str(uuid.uuid4())
        accept = WithdrawalIn(quote_id=quote.id, address=address, reference="python-walk")
        withdrawal = good(await withdrawals_create.asyncio(client=client, body=accept, idempotency_key=key))
        again = good(await withdrawals_create.asyncio(client=client, body=accept, idempotency_key=key))
        assert again.id == withdrawal.id
        verify = VerifyIn(method="totp", code=await customer.code())
        good(await withdrawals_verify.asyncio(withdrawal.id, client=client, body=verify))

        async def completed() -> WithdrawalOut | None:
            found = good(await withdrawals_get.asyncio(withdrawal.id, client=client))
            if found.state == "confirming":
                await stack.mine("ethereum")
            return found if found.state == "completed" else None

        done = await until(completed, "completed")
        assert await stack.usdt_transfers(address) == [25_000_000]
        assert done.reference == "python-walk"
        balances = {one.asset: one for one in good(await wallets_list_balances.asyncio(client=client)).items}
        assert Decimal(balances["BTC"].available) == Decimal("0.01") - Decimal(quote.debit.amount)
        history = good(await transactions_list.asyncio(client=client))
        assert {one.kind for one in history.items} == {"deposit", "withdrawal"}


async def test_a_problem_comes_back_as_a_problem_with_its_code(stack: Stack) -> None:
    customer = await stack.customer(enrolled=False)
    token = customer.http.headers["Authorization"].removeprefix("Bearer ")
    async with AuthenticatedClient(base_url=stack.url, token=token) as client:
        asked = QuoteIn(kind="conversion", from_asset="BTC", to_asset="DOGE", side="exact_out", amount="25")
        answer = await quotes_create.asyncio(client=client, body=asked)
        assert isinstance(answer, Problem)
        assert answer.code == "unknown_asset"
