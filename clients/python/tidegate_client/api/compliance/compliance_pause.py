from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.pause_in import PauseIn
from ...models.pause_out import PauseOut
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    asset: str,
    *,
    body: PauseIn,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/api/v1/compliance/pauses/{asset}".format(
            asset=quote(str(asset), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> PauseOut | Problem | None:
    if response.status_code == 200:
        response_200 = PauseOut.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 413:
        response_413 = Problem.from_dict(response.json())

        return response_413

    if response.status_code == 422:
        response_422 = Problem.from_dict(response.json())

        return response_422

    if response.status_code == 429:
        response_429 = Problem.from_dict(response.json())

        return response_429

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[PauseOut | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    asset: str,
    *,
    client: AuthenticatedClient,
    body: PauseIn,
) -> Response[PauseOut | Problem]:
    """Put Pause

     Stop payouts and credits of an asset, or of all with `*`. Pausing again keeps the first pause.

    Args:
        asset (str):
        body (PauseIn):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PauseOut | Problem]
    """

    kwargs = _get_kwargs(
        asset=asset,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    asset: str,
    *,
    client: AuthenticatedClient,
    body: PauseIn,
) -> PauseOut | Problem | None:
    """Put Pause

     Stop payouts and credits of an asset, or of all with `*`. Pausing again keeps the first pause.

    Args:
        asset (str):
        body (PauseIn):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PauseOut | Problem
    """

    return sync_detailed(
        asset=asset,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    asset: str,
    *,
    client: AuthenticatedClient,
    body: PauseIn,
) -> Response[PauseOut | Problem]:
    """Put Pause

     Stop payouts and credits of an asset, or of all with `*`. Pausing again keeps the first pause.

    Args:
        asset (str):
        body (PauseIn):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PauseOut | Problem]
    """

    kwargs = _get_kwargs(
        asset=asset,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    asset: str,
    *,
    client: AuthenticatedClient,
    body: PauseIn,
) -> PauseOut | Problem | None:
    """Put Pause

     Stop payouts and credits of an asset, or of all with `*`. Pausing again keeps the first pause.

    Args:
        asset (str):
        body (PauseIn):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PauseOut | Problem
    """

    return (
        await asyncio_detailed(
            asset=asset,
            client=client,
            body=body,
        )
    ).parsed
