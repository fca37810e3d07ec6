"""HTTP door of webhooks: parse, one verb call, shape the answer."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from tidegate.auth.subject import Subject, allow
from tidegate.idempotency import Keyed, keyed_optional, keyed_required, respond
from tidegate.problems import problems
from tidegate.refusal import Kind
from tidegate.webhooks import deliveries, endpoints
from tidegate.webhooks.courier import Courier
from tidegate.webhooks.schemas import (
    DeliveryOut,
    EndpointIn,
    EndpointOut,
    EndpointPatch,
    EndpointsOut,
    EndpointWithSecret,
)
from tidegate.wire import Page, Paging

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

SIGNED_IN = (Kind.UNAUTHENTICATED, Kind.FORBIDDEN, Kind.RATE_LIMITED, Kind.INVALID_REQUEST)
KEYED = (Kind.MALFORMED, Kind.IDEMPOTENCY_KEY_REUSED, Kind.IN_PROGRESS)


async def the_courier(request: Request) -> Courier:
    """The process's one courier, put there at start by whoever builds the app."""
    courier: Courier = request.app.state.webhooks
    return courier


At = Annotated[Courier, Depends(the_courier)]
Reader = Annotated[Subject, Depends(allow("account.read"))]
Writer = Annotated[Subject, Depends(allow("account.write", limit="webhooks"))]
Maker = Annotated[Subject, Depends(allow("account.write", limit="webhooks", feature="webhooks"))]
Remover = Annotated[Subject, Depends(allow("account.write"))]
Required = Annotated[Keyed, Depends(keyed_required)]
Optional = Annotated[Keyed, Depends(keyed_optional)]


@router.post(
    "",
    operation_id="webhooks_create",
    status_code=201,
    response_model=EndpointWithSecret,
    responses=problems(*SIGNED_IN, *KEYED, Kind.IDEMPOTENCY_KEY_MISSING, Kind.LIMIT_EXCEEDED, Kind.CONFLICT),
)
async def create_webhook(body: EndpointIn, courier: At, subject: Maker, keyed: Required) -> Response:
    """Be told of what changes, from now on. The secret is in this answer and in no later one."""
    return respond(
        await endpoints.create(courier, user_id=subject.user_id, url=body.url, kinds=body.kinds, keyed=keyed)
    )


@router.get("", operation_id="webhooks_list", responses=problems(*SIGNED_IN))
async def list_webhooks(courier: At, subject: Reader) -> EndpointsOut:
    """Every endpoint of the account, newest first."""
    return await endpoints.all_of(courier, user_id=subject.user_id)


@router.get("/{webhook_id}", operation_id="webhooks_get", responses=problems(*SIGNED_IN, Kind.NOT_FOUND))
async def get_webhook(webhook_id: uuid.UUID, courier: At, subject: Reader) -> EndpointOut:
    """One endpoint."""
    return await endpoints.get(courier, user_id=subject.user_id, endpoint_id=webhook_id)


@router.patch("/{webhook_id}", operation_id="webhooks_update", responses=problems(*SIGNED_IN, Kind.NOT_FOUND))
async def update_webhook(webhook_id: uuid.UUID, body: EndpointPatch, courier: At, subject: Writer) -> EndpointOut:
    """Another URL, other kinds, off or on. Switched on again, it goes on where it stopped, for seven days back."""
    return await endpoints.change(
        courier,
        user_id=subject.user_id,
        endpoint_id=webhook_id,
        url=body.url,
        kinds=body.kinds,
        enabled=body.enabled,
    )


@router.delete(
    "/{webhook_id}", operation_id="webhooks_delete", status_code=204, responses=problems(*SIGNED_IN, Kind.NOT_FOUND)
)
async def delete_webhook(webhook_id: uuid.UUID, courier: At, subject: Remover) -> Response:
    """Send nothing there any more; its secrets and its deliveries are removed."""
    await endpoints.remove(courier, user_id=subject.user_id, endpoint_id=webhook_id)
    return Response(status_code=204)


@router.post(
    "/{webhook_id}/rotate",
    operation_id="webhooks_rotate",
    response_model=EndpointWithSecret,
    responses=problems(*SIGNED_IN, *KEYED, Kind.NOT_FOUND, Kind.CONFLICT),
)
async def rotate_secret(webhook_id: uuid.UUID, courier: At, subject: Writer, keyed: Optional) -> Response:
    """A new secret. For 24 hours messages carry two signatures, so that no receiver misses one."""
    return respond(await endpoints.rotate(courier, user_id=subject.user_id, endpoint_id=webhook_id, keyed=keyed))


@router.post(
    "/{webhook_id}/test",
    operation_id="webhooks_test",
    status_code=202,
    response_model=DeliveryOut,
    responses=problems(*SIGNED_IN, *KEYED, Kind.NOT_FOUND, Kind.CONFLICT),
)
async def send_test(webhook_id: uuid.UUID, courier: At, subject: Writer, keyed: Optional) -> Response:
    """Send a `webhook.test`, once; what was answered is in the deliveries."""
    return respond(await deliveries.test(courier, user_id=subject.user_id, endpoint_id=webhook_id, keyed=keyed))


@router.get(
    "/{webhook_id}/deliveries", operation_id="webhooks_list_deliveries", responses=problems(*SIGNED_IN, Kind.NOT_FOUND)
)
async def list_deliveries(
    webhook_id: uuid.UUID, courier: At, subject: Reader, paging: Annotated[Paging, Depends()]
) -> Page[DeliveryOut]:
    """What was sent there in the last 30 days, newest first, with every try."""
    return await deliveries.page(
        courier, user_id=subject.user_id, endpoint_id=webhook_id, before=paging.before, limit=paging.limit
    )


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver",
    operation_id="webhooks_redeliver",
    status_code=202,
    response_model=DeliveryOut,
    responses=problems(*SIGNED_IN, *KEYED, Kind.NOT_FOUND, Kind.CONFLICT),
)
async def redeliver(
    webhook_id: uuid.UUID, delivery_id: uuid.UUID, courier: At, subject: Writer, keyed: Optional
) -> Response:
    """Send it once more, under the same `webhook-id`."""
    return respond(
        await deliveries.redeliver(
            courier, user_id=subject.user_id, endpoint_id=webhook_id, delivery_id=delivery_id, keyed=keyed
        )
    )
