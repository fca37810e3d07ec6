from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.mailbox import Mailbox
from ...models.problem import Problem
from ...types import UNSET, Response


def _get_kwargs(
    *,
    recipient: str,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["recipient"] = recipient

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/sandbox/mailbox",
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Mailbox | Problem | None:
    if response.status_code == 200:
        response_200 = Mailbox.from_dict(response.json())

        return response_200

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 422:
        response_422 = Problem.from_dict(response.json())

        return response_422

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[Mailbox | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    recipient: str,
) -> Response[Mailbox | Problem]:
    """Sandbox Mailbox

     The newest letters to an address, links included: nobody's mail leaves a sandbox.

    Args:
        recipient (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Mailbox | Problem]
    """

    kwargs = _get_kwargs(
        recipient=recipient,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    recipient: str,
) -> Mailbox | Problem | None:
    """Sandbox Mailbox

     The newest letters to an address, links included: nobody's mail leaves a sandbox.

    Args:
        recipient (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Mailbox | Problem
    """

    return sync_detailed(
        client=client,
        recipient=recipient,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    recipient: str,
) -> Response[Mailbox | Problem]:
    """Sandbox Mailbox

     The newest letters to an address, links included: nobody's mail leaves a sandbox.

    Args:
        recipient (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Mailbox | Problem]
    """

    kwargs = _get_kwargs(
        recipient=recipient,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    recipient: str,
) -> Mailbox | Problem | None:
    """Sandbox Mailbox

     The newest letters to an address, links included: nobody's mail leaves a sandbox.

    Args:
        recipient (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Mailbox | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            recipient=recipient,
        )
    ).parsed
