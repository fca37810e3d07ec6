import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.wallets_export_statement_format import (
    WalletsExportStatementFormat,
)
from ...models.wallets_export_statement_response_200 import WalletsExportStatementResponse200
from ...types import UNSET, Response, Unset


def _get_kwargs(
    asset: str,
    *,
    format_: WalletsExportStatementFormat | Unset = "json",
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_format_: str | Unset = UNSET
    if not isinstance(format_, Unset):
        json_format_ = format_

    params["format"] = json_format_

    json_from_: None | str | Unset
    if isinstance(from_, Unset):
        json_from_ = UNSET
    elif isinstance(from_, datetime.datetime):
        json_from_ = from_.isoformat()
    else:
        json_from_ = from_
    params["from"] = json_from_

    json_to: None | str | Unset
    if isinstance(to, Unset):
        json_to = UNSET
    elif isinstance(to, datetime.datetime):
        json_to = to.isoformat()
    else:
        json_to = to
    params["to"] = json_to

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/wallets/{asset}/statement/export".format(
            asset=quote(str(asset), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | WalletsExportStatementResponse200 | None:
    if response.status_code == 200:
        response_200 = WalletsExportStatementResponse200.from_dict(response.json())

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


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | WalletsExportStatementResponse200]:
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
    format_: WalletsExportStatementFormat | Unset = "json",
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
) -> Response[Problem | WalletsExportStatementResponse200]:
    """Export Statement

     The whole statement as a file: CSV or JSON.

    Args:
        asset (str):
        format_ (WalletsExportStatementFormat | Unset):  Default: 'json'.
        from_ (datetime.datetime | None | Unset): Posted at or after this moment
        to (datetime.datetime | None | Unset): Posted before this moment

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | WalletsExportStatementResponse200]
    """

    kwargs = _get_kwargs(
        asset=asset,
        format_=format_,
        from_=from_,
        to=to,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    asset: str,
    *,
    client: AuthenticatedClient,
    format_: WalletsExportStatementFormat | Unset = "json",
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
) -> Problem | WalletsExportStatementResponse200 | None:
    """Export Statement

     The whole statement as a file: CSV or JSON.

    Args:
        asset (str):
        format_ (WalletsExportStatementFormat | Unset):  Default: 'json'.
        from_ (datetime.datetime | None | Unset): Posted at or after this moment
        to (datetime.datetime | None | Unset): Posted before this moment

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | WalletsExportStatementResponse200
    """

    return sync_detailed(
        asset=asset,
        client=client,
        format_=format_,
        from_=from_,
        to=to,
    ).parsed


async def asyncio_detailed(
    asset: str,
    *,
    client: AuthenticatedClient,
    format_: WalletsExportStatementFormat | Unset = "json",
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
) -> Response[Problem | WalletsExportStatementResponse200]:
    """Export Statement

     The whole statement as a file: CSV or JSON.

    Args:
        asset (str):
        format_ (WalletsExportStatementFormat | Unset):  Default: 'json'.
        from_ (datetime.datetime | None | Unset): Posted at or after this moment
        to (datetime.datetime | None | Unset): Posted before this moment

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | WalletsExportStatementResponse200]
    """

    kwargs = _get_kwargs(
        asset=asset,
        format_=format_,
        from_=from_,
        to=to,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    asset: str,
    *,
    client: AuthenticatedClient,
    format_: WalletsExportStatementFormat | Unset = "json",
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
) -> Problem | WalletsExportStatementResponse200 | None:
    """Export Statement

     The whole statement as a file: CSV or JSON.

    Args:
        asset (str):
        format_ (WalletsExportStatementFormat | Unset):  Default: 'json'.
        from_ (datetime.datetime | None | Unset): Posted at or after this moment
        to (datetime.datetime | None | Unset): Posted before this moment

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | WalletsExportStatementResponse200
    """

    return (
        await asyncio_detailed(
            asset=asset,
            client=client,
            format_=format_,
            from_=from_,
            to=to,
        )
    ).parsed
