from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.rate_out import RateOut
from ...types import Response


def _get_kwargs(
    from_asset: str,
    to_asset: str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/exchange/rates/{from_asset}/{to_asset}".format(
            from_asset=quote(str(from_asset), safe=""),
            to_asset=quote(str(to_asset), safe=""),
        ),
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Problem | RateOut | None:
    if response.status_code == 200:
        response_200 = RateOut.from_dict(response.json())

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[Problem | RateOut]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    from_asset: str,
    to_asset: str,
    *,
    client: AuthenticatedClient,
) -> Response[Problem | RateOut]:
    """Get Rate

     What one `from_asset` is worth in `to_asset` now, with its age and its sources. Not a quote.

    Args:
        from_asset (str):
        to_asset (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RateOut]
    """

    kwargs = _get_kwargs(
        from_asset=from_asset,
        to_asset=to_asset,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    from_asset: str,
    to_asset: str,
    *,
    client: AuthenticatedClient,
) -> Problem | RateOut | None:
    """Get Rate

     What one `from_asset` is worth in `to_asset` now, with its age and its sources. Not a quote.

    Args:
        from_asset (str):
        to_asset (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RateOut
    """

    return sync_detailed(
        from_asset=from_asset,
        to_asset=to_asset,
        client=client,
    ).parsed


async def asyncio_detailed(
    from_asset: str,
    to_asset: str,
    *,
    client: AuthenticatedClient,
) -> Response[Problem | RateOut]:
    """Get Rate

     What one `from_asset` is worth in `to_asset` now, with its age and its sources. Not a quote.

    Args:
        from_asset (str):
        to_asset (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RateOut]
    """

    kwargs = _get_kwargs(
        from_asset=from_asset,
        to_asset=to_asset,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    from_asset: str,
    to_asset: str,
    *,
    client: AuthenticatedClient,
) -> Problem | RateOut | None:
    """Get Rate

     What one `from_asset` is worth in `to_asset` now, with its age and its sources. Not a quote.

    Args:
        from_asset (str):
        to_asset (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RateOut
    """

    return (
        await asyncio_detailed(
            from_asset=from_asset,
            to_asset=to_asset,
            client=client,
        )
    ).parsed
