from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.config_get_words_response_config_get_words import ConfigGetWordsResponseConfigGetWords
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    language: str,
    namespace: str,
    *,
    if_none_match: None | str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_none_match, Unset):
        headers["If-None-Match"] = if_none_match

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/locales/{language}/{namespace}".format(
            language=quote(str(language), safe=""),
            namespace=quote(str(namespace), safe=""),
        ),
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | ConfigGetWordsResponseConfigGetWords | Problem | None:
    if response.status_code == 200:
        response_200 = ConfigGetWordsResponseConfigGetWords.from_dict(response.json())

        return response_200

    if response.status_code == 304:
        response_304 = cast(Any, None)
        return response_304

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 422:
        response_422 = Problem.from_dict(response.json())

        return response_422

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Any | ConfigGetWordsResponseConfigGetWords | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    language: str,
    namespace: str,
    *,
    client: AuthenticatedClient | Client,
    if_none_match: None | str | Unset = UNSET,
) -> Response[Any | ConfigGetWordsResponseConfigGetWords | Problem]:
    """Get Words

     Words of the page in one language; what it lacks is in English. Has an ETag.

    Args:
        language (str):
        namespace (str):
        if_none_match (None | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ConfigGetWordsResponseConfigGetWords | Problem]
    """

    kwargs = _get_kwargs(
        language=language,
        namespace=namespace,
        if_none_match=if_none_match,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    language: str,
    namespace: str,
    *,
    client: AuthenticatedClient | Client,
    if_none_match: None | str | Unset = UNSET,
) -> Any | ConfigGetWordsResponseConfigGetWords | Problem | None:
    """Get Words

     Words of the page in one language; what it lacks is in English. Has an ETag.

    Args:
        language (str):
        namespace (str):
        if_none_match (None | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ConfigGetWordsResponseConfigGetWords | Problem
    """

    return sync_detailed(
        language=language,
        namespace=namespace,
        client=client,
        if_none_match=if_none_match,
    ).parsed


async def asyncio_detailed(
    language: str,
    namespace: str,
    *,
    client: AuthenticatedClient | Client,
    if_none_match: None | str | Unset = UNSET,
) -> Response[Any | ConfigGetWordsResponseConfigGetWords | Problem]:
    """Get Words

     Words of the page in one language; what it lacks is in English. Has an ETag.

    Args:
        language (str):
        namespace (str):
        if_none_match (None | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ConfigGetWordsResponseConfigGetWords | Problem]
    """

    kwargs = _get_kwargs(
        language=language,
        namespace=namespace,
        if_none_match=if_none_match,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    language: str,
    namespace: str,
    *,
    client: AuthenticatedClient | Client,
    if_none_match: None | str | Unset = UNSET,
) -> Any | ConfigGetWordsResponseConfigGetWords | Problem | None:
    """Get Words

     Words of the page in one language; what it lacks is in English. Has an ETag.

    Args:
        language (str):
        namespace (str):
        if_none_match (None | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ConfigGetWordsResponseConfigGetWords | Problem
    """

    return (
        await asyncio_detailed(
            language=language,
            namespace=namespace,
            client=client,
            if_none_match=if_none_match,
        )
    ).parsed
