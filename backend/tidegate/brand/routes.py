"""HTTP door of the brand: what the page shows of its operator. Public, and the same for everybody."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from starlette.requests import Request as Asked

from tidegate.auth.subject import allow
from tidegate.brand.appearance import Appearance
from tidegate.brand.files import File
from tidegate.brand.schemas import ConfigOut
from tidegate.problems import problems
from tidegate.refusal import Kind, Refusal

router = APIRouter(tags=["config"], dependencies=[Depends(allow("public"))])

# An image that is opened by itself is a page: it may show itself and nothing else.
_ALONE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
NOT_MODIFIED: dict[int | str, dict[str, object]] = {304: {"description": "What you have is what there is"}}


async def the_appearance(request: Request) -> Appearance:
    found: Appearance = request.app.state.appearance
    return found


At = Annotated[Appearance, Depends(the_appearance)]
Known = Annotated[str | None, Header(alias="If-None-Match", max_length=200)]


@router.get("/config", operation_id="config_get", response_model=ConfigOut, responses=NOT_MODIFIED)
async def get_config(look: At, known: Known = None) -> Response:
    """Brand, tokens, features, assets, networks, languages, links: what the page is told in its shell. Has an ETag."""
    return answer(look.config_file, known)


@router.get(
    "/locales/{language}/{namespace}",
    operation_id="config_get_words",
    response_model=dict[str, object],
    responses=problems(Kind.NOT_FOUND, Kind.INVALID_REQUEST) | NOT_MODIFIED,
)
async def get_words(
    look: At,
    language: Annotated[str, Path(max_length=5)],
    namespace: Annotated[str, Path(max_length=31)],
    known: Known = None,
) -> Response:
    """Words of the page in one language; what it lacks is in English. Has an ETag."""
    found = look.words_of(language, namespace)
    if found is None:
        raise Refusal(Kind.NOT_FOUND, "There are no such words.")
    return answer(found, known)


def answer(file: File, known: str | None, *, cache: str = "no-cache") -> Response:
    headers = {"ETag": file.etag, "Cache-Control": cache}
    if known is not None and file.etag in (one.strip().removeprefix("W/") for one in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(file.body, media_type=file.media, headers=headers)


async def brand_file(request: Asked) -> Response:
    """A file of the operator's directory. One that is asked for by its content's address never changes."""
    look: Appearance = request.app.state.appearance
    file = look.files.get(request.path_params["name"])
    if file is None:
        return Response(status_code=404)
    dated = request.query_params.get("v") == file.etag.strip('"')[:12]
    cache = "public, max-age=31536000, immutable" if dated else "no-cache"
    found = answer(file, request.headers.get("if-none-match"), cache=cache)
    found.headers["Content-Security-Policy"] = _ALONE
    return found
