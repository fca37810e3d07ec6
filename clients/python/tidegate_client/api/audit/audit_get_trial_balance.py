import datetime
from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.audit_get_trial_balance_format import AuditGetTrialBalanceFormat
from ...models.problem import Problem
from ...models.trial_balance_out import TrialBalanceOut
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    at: datetime.datetime | None | Unset = UNSET,
    format_: AuditGetTrialBalanceFormat | Unset = "json",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_at: None | str | Unset
    if isinstance(at, Unset):
        json_at = UNSET
    elif isinstance(at, datetime.datetime):
        json_at = at.isoformat()
    else:
        json_at = at
    params["at"] = json_at

    json_format_: str | Unset = UNSET
    if not isinstance(format_, Unset):
        json_format_ = format_

    params["format"] = json_format_

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/audit/trial-balance",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | TrialBalanceOut | None:
    if response.status_code == 200:
        response_200 = TrialBalanceOut.from_dict(response.json())

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
) -> Response[Problem | TrialBalanceOut]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    at: datetime.datetime | None | Unset = UNSET,
    format_: AuditGetTrialBalanceFormat | Unset = "json",
) -> Response[Problem | TrialBalanceOut]:
    """Get Trial Balance

     What every kind of account stands at, over all owners, now or at a past moment. JSON or CSV.

    Args:
        at (datetime.datetime | None | Unset): A past moment; now when left out
        format_ (AuditGetTrialBalanceFormat | Unset):  Default: 'json'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | TrialBalanceOut]
    """

    kwargs = _get_kwargs(
        at=at,
        format_=format_,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    at: datetime.datetime | None | Unset = UNSET,
    format_: AuditGetTrialBalanceFormat | Unset = "json",
) -> Problem | TrialBalanceOut | None:
    """Get Trial Balance

     What every kind of account stands at, over all owners, now or at a past moment. JSON or CSV.

    Args:
        at (datetime.datetime | None | Unset): A past moment; now when left out
        format_ (AuditGetTrialBalanceFormat | Unset):  Default: 'json'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | TrialBalanceOut
    """

    return sync_detailed(
        client=client,
        at=at,
        format_=format_,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    at: datetime.datetime | None | Unset = UNSET,
    format_: AuditGetTrialBalanceFormat | Unset = "json",
) -> Response[Problem | TrialBalanceOut]:
    """Get Trial Balance

     What every kind of account stands at, over all owners, now or at a past moment. JSON or CSV.

    Args:
        at (datetime.datetime | None | Unset): A past moment; now when left out
        format_ (AuditGetTrialBalanceFormat | Unset):  Default: 'json'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | TrialBalanceOut]
    """

    kwargs = _get_kwargs(
        at=at,
        format_=format_,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    at: datetime.datetime | None | Unset = UNSET,
    format_: AuditGetTrialBalanceFormat | Unset = "json",
) -> Problem | TrialBalanceOut | None:
    """Get Trial Balance

     What every kind of account stands at, over all owners, now or at a past moment. JSON or CSV.

    Args:
        at (datetime.datetime | None | Unset): A past moment; now when left out
        format_ (AuditGetTrialBalanceFormat | Unset):  Default: 'json'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | TrialBalanceOut
    """

    return (
        await asyncio_detailed(
            client=client,
            at=at,
            format_=format_,
        )
    ).parsed
