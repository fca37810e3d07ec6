import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.candles_out import CandlesOut
from ...models.exchange_list_candles_interval import ExchangeListCandlesInterval
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    market: str,
    *,
    interval: ExchangeListCandlesInterval | Unset = "1h",
    since: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 100,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_interval: str | Unset = UNSET
    if not isinstance(interval, Unset):
        json_interval = interval

    params["interval"] = json_interval

    json_since: None | str | Unset
    if isinstance(since, Unset):
        json_since = UNSET
    elif isinstance(since, datetime.datetime):
        json_since = since.isoformat()
    else:
        json_since = since
    params["since"] = json_since

    params["limit"] = limit

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/exchange/candles/{market}".format(
            market=quote(str(market), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> CandlesOut | Problem | None:
    if response.status_code == 200:
        response_200 = CandlesOut.from_dict(response.json())

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
) -> Response[CandlesOut | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    market: str,
    *,
    client: AuthenticatedClient,
    interval: ExchangeListCandlesInterval | Unset = "1h",
    since: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 100,
) -> Response[CandlesOut | Problem]:
    """List Candles

     The newest candles of a market, from one venue that trades it; another one where that is down.

    Args:
        market (str):
        interval (ExchangeListCandlesInterval | Unset):  Default: '1h'.
        since (datetime.datetime | None | Unset): None that starts earlier
        limit (int | Unset):  Default: 100.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CandlesOut | Problem]
    """

    kwargs = _get_kwargs(
        market=market,
        interval=interval,
        since=since,
        limit=limit,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    market: str,
    *,
    client: AuthenticatedClient,
    interval: ExchangeListCandlesInterval | Unset = "1h",
    since: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 100,
) -> CandlesOut | Problem | None:
    """List Candles

     The newest candles of a market, from one venue that trades it; another one where that is down.

    Args:
        market (str):
        interval (ExchangeListCandlesInterval | Unset):  Default: '1h'.
        since (datetime.datetime | None | Unset): None that starts earlier
        limit (int | Unset):  Default: 100.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CandlesOut | Problem
    """

    return sync_detailed(
        market=market,
        client=client,
        interval=interval,
        since=since,
        limit=limit,
    ).parsed


async def asyncio_detailed(
    market: str,
    *,
    client: AuthenticatedClient,
    interval: ExchangeListCandlesInterval | Unset = "1h",
    since: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 100,
) -> Response[CandlesOut | Problem]:
    """List Candles

     The newest candles of a market, from one venue that trades it; another one where that is down.

    Args:
        market (str):
        interval (ExchangeListCandlesInterval | Unset):  Default: '1h'.
        since (datetime.datetime | None | Unset): None that starts earlier
        limit (int | Unset):  Default: 100.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CandlesOut | Problem]
    """

    kwargs = _get_kwargs(
        market=market,
        interval=interval,
        since=since,
        limit=limit,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    market: str,
    *,
    client: AuthenticatedClient,
    interval: ExchangeListCandlesInterval | Unset = "1h",
    since: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 100,
) -> CandlesOut | Problem | None:
    """List Candles

     The newest candles of a market, from one venue that trades it; another one where that is down.

    Args:
        market (str):
        interval (ExchangeListCandlesInterval | Unset):  Default: '1h'.
        since (datetime.datetime | None | Unset): None that starts earlier
        limit (int | Unset):  Default: 100.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CandlesOut | Problem
    """

    return (
        await asyncio_detailed(
            market=market,
            client=client,
            interval=interval,
            since=since,
            limit=limit,
        )
    ).parsed
