import datetime
from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.transactions_export_format import TransactionsExportFormat
from ...models.transactions_export_kind_type_0 import TransactionsExportKindType0
from ...models.transactions_export_response_200 import TransactionsExportResponse200
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    format_: TransactionsExportFormat | Unset = "json",
    kind: None | TransactionsExportKindType0 | Unset = UNSET,
    asset: None | str | Unset = UNSET,
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_format_: str | Unset = UNSET
    if not isinstance(format_, Unset):
        json_format_ = format_

    params["format"] = json_format_

    json_kind: None | str | Unset
    if isinstance(kind, Unset):
        json_kind = UNSET
    elif isinstance(kind, str):
        json_kind = kind
    else:
        json_kind = kind
    params["kind"] = json_kind

    json_asset: None | str | Unset
    if isinstance(asset, Unset):
        json_asset = UNSET
    else:
        json_asset = asset
    params["asset"] = json_asset

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
        "url": "/api/v1/transactions/export",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | TransactionsExportResponse200 | None:
    if response.status_code == 200:
        response_200 = TransactionsExportResponse200.from_dict(response.json())

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
) -> Response[Problem | TransactionsExportResponse200]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    format_: TransactionsExportFormat | Unset = "json",
    kind: None | TransactionsExportKindType0 | Unset = UNSET,
    asset: None | str | Unset = UNSET,
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
) -> Response[Problem | TransactionsExportResponse200]:
    """Export Transactions

     Your whole history as a file: CSV or JSON.

    Args:
        format_ (TransactionsExportFormat | Unset):  Default: 'json'.
        kind (None | TransactionsExportKindType0 | Unset):
        asset (None | str | Unset):
        from_ (datetime.datetime | None | Unset): Begun at or after this moment
        to (datetime.datetime | None | Unset): Begun before this moment

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | TransactionsExportResponse200]
    """

    kwargs = _get_kwargs(
        format_=format_,
        kind=kind,
        asset=asset,
        from_=from_,
        to=to,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    format_: TransactionsExportFormat | Unset = "json",
    kind: None | TransactionsExportKindType0 | Unset = UNSET,
    asset: None | str | Unset = UNSET,
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
) -> Problem | TransactionsExportResponse200 | None:
    """Export Transactions

     Your whole history as a file: CSV or JSON.

    Args:
        format_ (TransactionsExportFormat | Unset):  Default: 'json'.
        kind (None | TransactionsExportKindType0 | Unset):
        asset (None | str | Unset):
        from_ (datetime.datetime | None | Unset): Begun at or after this moment
        to (datetime.datetime | None | Unset): Begun before this moment

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | TransactionsExportResponse200
    """

    return sync_detailed(
        client=client,
        format_=format_,
        kind=kind,
        asset=asset,
        from_=from_,
        to=to,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    format_: TransactionsExportFormat | Unset = "json",
    kind: None | TransactionsExportKindType0 | Unset = UNSET,
    asset: None | str | Unset = UNSET,
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
) -> Response[Problem | TransactionsExportResponse200]:
    """Export Transactions

     Your whole history as a file: CSV or JSON.

    Args:
        format_ (TransactionsExportFormat | Unset):  Default: 'json'.
        kind (None | TransactionsExportKindType0 | Unset):
        asset (None | str | Unset):
        from_ (datetime.datetime | None | Unset): Begun at or after this moment
        to (datetime.datetime | None | Unset): Begun before this moment

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | TransactionsExportResponse200]
    """

    kwargs = _get_kwargs(
        format_=format_,
        kind=kind,
        asset=asset,
        from_=from_,
        to=to,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    format_: TransactionsExportFormat | Unset = "json",
    kind: None | TransactionsExportKindType0 | Unset = UNSET,
    asset: None | str | Unset = UNSET,
    from_: datetime.datetime | None | Unset = UNSET,
    to: datetime.datetime | None | Unset = UNSET,
) -> Problem | TransactionsExportResponse200 | None:
    """Export Transactions

     Your whole history as a file: CSV or JSON.

    Args:
        format_ (TransactionsExportFormat | Unset):  Default: 'json'.
        kind (None | TransactionsExportKindType0 | Unset):
        asset (None | str | Unset):
        from_ (datetime.datetime | None | Unset): Begun at or after this moment
        to (datetime.datetime | None | Unset): Begun before this moment

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | TransactionsExportResponse200
    """

    return (
        await asyncio_detailed(
            client=client,
            format_=format_,
            kind=kind,
            asset=asset,
            from_=from_,
            to=to,
        )
    ).parsed
