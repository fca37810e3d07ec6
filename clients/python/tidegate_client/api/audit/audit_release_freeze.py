from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.freeze_out import FreezeOut
from ...models.problem import Problem
from ...models.release_in import ReleaseIn
from ...types import Response


def _get_kwargs(
    freeze_id: UUID,
    *,
    body: ReleaseIn,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/audit/freezes/{freeze_id}/release".format(
            freeze_id=quote(str(freeze_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> FreezeOut | Problem | None:
    if response.status_code == 200:
        response_200 = FreezeOut.from_dict(response.json())

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

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[FreezeOut | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    freeze_id: UUID,
    *,
    client: AuthenticatedClient,
    body: ReleaseIn,
) -> Response[FreezeOut | Problem]:
    """Release Freeze

     Let payouts go on. A conflict, unless forced, while the newest check still speaks against it.

    Args:
        freeze_id (UUID):
        body (ReleaseIn):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[FreezeOut | Problem]
    """

    kwargs = _get_kwargs(
        freeze_id=freeze_id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    freeze_id: UUID,
    *,
    client: AuthenticatedClient,
    body: ReleaseIn,
) -> FreezeOut | Problem | None:
    """Release Freeze

     Let payouts go on. A conflict, unless forced, while the newest check still speaks against it.

    Args:
        freeze_id (UUID):
        body (ReleaseIn):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        FreezeOut | Problem
    """

    return sync_detailed(
        freeze_id=freeze_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    freeze_id: UUID,
    *,
    client: AuthenticatedClient,
    body: ReleaseIn,
) -> Response[FreezeOut | Problem]:
    """Release Freeze

     Let payouts go on. A conflict, unless forced, while the newest check still speaks against it.

    Args:
        freeze_id (UUID):
        body (ReleaseIn):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[FreezeOut | Problem]
    """

    kwargs = _get_kwargs(
        freeze_id=freeze_id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    freeze_id: UUID,
    *,
    client: AuthenticatedClient,
    body: ReleaseIn,
) -> FreezeOut | Problem | None:
    """Release Freeze

     Let payouts go on. A conflict, unless forced, while the newest check still speaks against it.

    Args:
        freeze_id (UUID):
        body (ReleaseIn):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        FreezeOut | Problem
    """

    return (
        await asyncio_detailed(
            freeze_id=freeze_id,
            client=client,
            body=body,
        )
    ).parsed
