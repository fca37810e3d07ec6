"""HTTP door of the wallets room: parse, one verb call, shape the answer."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from tidegate.auth.subject import Subject, allow
from tidegate.download import Format, download, files
from tidegate.idempotency import Keyed, keyed_optional, keyed_required, respond
from tidegate.problems import problems
from tidegate.refusal import Kind
from tidegate.wallets import addresses, beneficiaries, deposits, overview, recognise, statement
from tidegate.wallets.cashier import Cashier
from tidegate.wallets.schemas import (
    AddressIn,
    AddressOut,
    AssetFilter,
    AssetOut,
    BalanceOut,
    BeneficiaryIn,
    BeneficiaryOut,
    BeneficiaryPatch,
    ConfirmIn,
    DepositOut,
    DepositState,
    NetworkFilter,
    StatementLineOut,
    ValidateIn,
    ValidationOut,
)
from tidegate.wire import Moment, Page, Paging

router = APIRouter(prefix="/wallets")

SIGNED_IN = (Kind.UNAUTHENTICATED, Kind.FORBIDDEN, Kind.RATE_LIMITED, Kind.INVALID_REQUEST)
"""What every operation of a signed-in user may answer."""

KEYED = (Kind.MALFORMED, Kind.IDEMPOTENCY_KEY_REUSED, Kind.IN_PROGRESS)
"""What every operation that honours an Idempotency-Key may answer besides."""


async def the_cashier(request: Request) -> Cashier:
    """The process's one cashier, put there at start by whoever builds the app."""
    cashier: Cashier = request.app.state.wallets
    return cashier


At = Annotated[Cashier, Depends(the_cashier)]
Reader = Annotated[Subject, Depends(allow("wallets.read"))]
Writer = Annotated[Subject, Depends(allow("wallets.write"))]
AssetPath = Annotated[str, Path(max_length=16)]
Since = Annotated[Moment | None, Query(alias="from", description="Posted at or after this moment")]
Until = Annotated[Moment | None, Query(alias="to", description="Posted before this moment")]


@router.get("/assets", tags=["wallets"], operation_id="wallets_list_assets", responses=problems(*SIGNED_IN))
async def list_assets(cashier: At, subject: Reader) -> Page[AssetOut]:
    """What can be held here, and over which networks it comes and goes."""
    return Page(items=await overview.assets(cashier))


@router.get("/balances", tags=["wallets"], operation_id="wallets_list_balances", responses=problems(*SIGNED_IN))
async def list_balances(cashier: At, subject: Reader) -> Page[BalanceOut]:
    """Every listed asset with what you can use, what is set aside, and what is on its way."""
    return Page(items=await overview.balances(cashier, user_id=subject.user_id))


@router.get(
    "/{asset}/statement",
    tags=["wallets"],
    operation_id="wallets_get_statement",
    responses=problems(*SIGNED_IN, Kind.UNKNOWN_ASSET),
)
async def get_statement(
    asset: AssetPath,
    cashier: At,
    subject: Reader,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[StatementLineOut]:
    """Everything that moved this asset of yours, newest first, with what stood after it."""
    wanted = statement.asked(user_id=subject.user_id, asset=asset, since=since, until=until)
    return await statement.page(cashier, wanted, limit=limit, cursor=cursor)


@router.get(
    "/{asset}/statement/export",
    tags=["wallets"],
    operation_id="wallets_export_statement",
    response_class=StreamingResponse,
    responses=problems(*SIGNED_IN, Kind.UNKNOWN_ASSET) | files("The lines as a file, newest first"),
)
async def export_statement(
    asset: AssetPath,
    cashier: At,
    subject: Reader,
    form: Annotated[Format, Query(alias="format")] = "json",
    since: Since = None,
    until: Until = None,
) -> StreamingResponse:
    """The whole statement as a file: CSV or JSON."""
    wanted = statement.asked(user_id=subject.user_id, asset=asset, since=since, until=until)
    head = {"asset": wanted.asset.code, "from": since, "to": until}
    rows = statement.rows(cashier, wanted)
    return download(form, f"statement-{wanted.asset.code}", head=head, columns=statement.COLUMNS, rows=rows)


@router.post(
    "/addresses",
    tags=["addresses"],
    operation_id="addresses_create",
    status_code=201,
    response_model=AddressOut,
    responses=problems(
        *SIGNED_IN,
        *KEYED,
        Kind.UNKNOWN_ASSET,
        Kind.UNKNOWN_NETWORK,
        Kind.WRONG_NETWORK,
        Kind.LIMIT_EXCEEDED,
        Kind.BUSY,
    ),
)
async def create_address(
    body: AddressIn, cashier: At, subject: Writer, keyed: Annotated[Keyed, Depends(keyed_optional)]
) -> Response:
    """A new deposit address of yours. Earlier ones stay yours and are watched for ever."""
    return respond(
        await addresses.hand_out(cashier, user_id=subject.user_id, asset=body.asset, network=body.network, keyed=keyed)
    )


@router.get("/addresses", tags=["addresses"], operation_id="addresses_list", responses=problems(*SIGNED_IN))
async def list_addresses(
    cashier: At,
    subject: Reader,
    paging: Annotated[Paging, Depends()],
    asset: AssetFilter = None,
    network: NetworkFilter = None,
    used: Annotated[bool | None, Query(description="Those that something came to, or those that nothing did")] = None,
) -> Page[AddressOut]:
    """Your deposit addresses, newest first, with what came to each."""
    return await addresses.page(
        cashier,
        user_id=subject.user_id,
        asset=asset,
        network=network,
        used=used,
        limit=paging.limit,
        before=paging.before,
    )


@router.post(
    "/addresses/validate",
    tags=["addresses"],
    operation_id="addresses_validate",
    response_model=ValidationOut,
    responses=problems(*SIGNED_IN, *KEYED, Kind.UNKNOWN_ASSET, Kind.UNKNOWN_NETWORK, Kind.BUSY),
)
async def validate_address(
    body: ValidateIn, cashier: At, subject: Reader, keyed: Annotated[Keyed, Depends(keyed_optional)]
) -> Response:
    """Can this asset be sent to that text, over which networks, and what should you look at first? Changes nothing."""
    return respond(
        await recognise.recognise(
            cashier, user_id=subject.user_id, asset=body.asset, network=body.network, text=body.address, keyed=keyed
        )
    )


@router.get("/deposits", tags=["deposits"], operation_id="deposits_list", responses=problems(*SIGNED_IN))
async def list_deposits(
    cashier: At,
    subject: Reader,
    paging: Annotated[Paging, Depends()],
    asset: AssetFilter = None,
    network: NetworkFilter = None,
    state: DepositState | None = None,
) -> Page[DepositOut]:
    """Your deposits, newest first, also those on their way."""
    return await deposits.page(
        cashier,
        user_id=subject.user_id,
        asset=asset,
        network=network,
        state=state,
        limit=paging.limit,
        before=paging.before,
    )


@router.get(
    "/deposits/{deposit_id}",
    tags=["deposits"],
    operation_id="deposits_get",
    responses=problems(*SIGNED_IN, Kind.NOT_FOUND),
)
async def get_deposit(deposit_id: uuid.UUID, cashier: At, subject: Reader) -> DepositOut:
    """One deposit of yours as the chain shows it now."""
    return await deposits.get(cashier, user_id=subject.user_id, deposit_id=deposit_id)


@router.post(
    "/beneficiaries",
    tags=["beneficiaries"],
    operation_id="beneficiaries_create",
    status_code=201,
    response_model=BeneficiaryOut,
    responses=problems(
        *SIGNED_IN,
        *KEYED,
        Kind.IDEMPOTENCY_KEY_MISSING,
        Kind.UNKNOWN_ASSET,
        Kind.UNKNOWN_NETWORK,
        Kind.INVALID_ADDRESS,
        Kind.WRONG_NETWORK,
        Kind.OWN_ADDRESS,
        Kind.FORBIDDEN_ADDRESS,
        Kind.LIMIT_EXCEEDED,
        Kind.CONFLICT,
        Kind.BUSY,
    ),
)
async def create_beneficiary(
    body: BeneficiaryIn, cashier: At, subject: Writer, keyed: Annotated[Keyed, Depends(keyed_required)]
) -> Response:
    """Save a destination. It has to be confirmed with your second factor before it can be paid."""
    return respond(
        await beneficiaries.create(
            cashier,
            user_id=subject.user_id,
            label=body.label,
            asset=body.asset,
            network=body.network,
            address=body.address,
            keyed=keyed,
        )
    )


@router.get("/beneficiaries", tags=["beneficiaries"], operation_id="beneficiaries_list", responses=problems(*SIGNED_IN))
async def list_beneficiaries(
    cashier: At,
    subject: Reader,
    paging: Annotated[Paging, Depends()],
    asset: AssetFilter = None,
    network: NetworkFilter = None,
) -> Page[BeneficiaryOut]:
    """Your saved destinations that are not archived, newest first."""
    return await beneficiaries.page(
        cashier, user_id=subject.user_id, asset=asset, network=network, limit=paging.limit, before=paging.before
    )


@router.get(
    "/beneficiaries/{beneficiary_id}",
    tags=["beneficiaries"],
    operation_id="beneficiaries_get",
    responses=problems(*SIGNED_IN, Kind.NOT_FOUND),
)
async def get_beneficiary(beneficiary_id: uuid.UUID, cashier: At, subject: Reader) -> BeneficiaryOut:
    """One saved destination of yours, archived ones included."""
    return await beneficiaries.get(cashier, user_id=subject.user_id, beneficiary_id=beneficiary_id)


@router.post(
    "/beneficiaries/{beneficiary_id}/confirm",
    tags=["beneficiaries"],
    operation_id="beneficiaries_confirm",
    response_model=BeneficiaryOut,
    responses=problems(
        *SIGNED_IN,
        *KEYED,
        Kind.NOT_FOUND,
        Kind.CONFLICT,
        Kind.INVALID_CODE,
        Kind.CODE_ALREADY_USED,
        Kind.SECOND_FACTOR_REQUIRED,
    ),
)
async def confirm_beneficiary(
    beneficiary_id: uuid.UUID,
    body: ConfirmIn,
    cashier: At,
    subject: Writer,
    keyed: Annotated[Keyed, Depends(keyed_optional)],
) -> Response:
    """Confirm a saved destination with your second factor."""
    return respond(
        await beneficiaries.confirm(
            cashier, user_id=subject.user_id, beneficiary_id=beneficiary_id, code=body.code, keyed=keyed
        )
    )


@router.patch(
    "/beneficiaries/{beneficiary_id}",
    tags=["beneficiaries"],
    operation_id="beneficiaries_rename",
    response_model=BeneficiaryOut,
    responses=problems(*SIGNED_IN, *KEYED, Kind.NOT_FOUND, Kind.CONFLICT),
)
async def rename_beneficiary(
    beneficiary_id: uuid.UUID,
    body: BeneficiaryPatch,
    cashier: At,
    subject: Writer,
    keyed: Annotated[Keyed, Depends(keyed_optional)],
) -> Response:
    """Call a saved destination something else. Where it leads cannot be changed: save another one."""
    return respond(
        await beneficiaries.rename(
            cashier, user_id=subject.user_id, beneficiary_id=beneficiary_id, label=body.label, keyed=keyed
        )
    )


@router.delete(
    "/beneficiaries/{beneficiary_id}",
    tags=["beneficiaries"],
    operation_id="beneficiaries_delete",
    status_code=204,
    responses=problems(*SIGNED_IN, Kind.NOT_FOUND),
)
async def delete_beneficiary(beneficiary_id: uuid.UUID, cashier: At, subject: Writer) -> Response:
    """Archive a saved destination. Deleting it again is fine."""
    await beneficiaries.archive(cashier, user_id=subject.user_id, beneficiary_id=beneficiary_id)
    return Response(status_code=204)
