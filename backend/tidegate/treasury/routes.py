"""HTTP door of the treasurer's desk: parse, one verb call, shape the answer."""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request

from tidegate.auth.subject import Subject, allow
from tidegate.config import Settings
from tidegate.database import Database
from tidegate.problems import problems
from tidegate.refusal import Kind
from tidegate.treasury import desk
from tidegate.treasury.schemas import AcceptIn, MoveOut, ProposalOut, VenueMoveOut, WalletOut
from tidegate.wire import Page, Paging

router = APIRouter(prefix="/treasury", tags=["treasury"])

SIGNED_IN = (Kind.UNAUTHENTICATED, Kind.FORBIDDEN, Kind.RATE_LIMITED, Kind.INVALID_REQUEST)


async def the_database(request: Request) -> Database:
    """The process's database, put there at start by whoever builds the app."""
    db: Database = request.app.state.database
    return db


async def the_settings(request: Request) -> Settings:
    """The process's settings, put there at start by whoever builds the app."""
    settings: Settings = request.app.state.settings
    return settings


Db = Annotated[Database, Depends(the_database)]
Treasurer = Annotated[Subject, Depends(allow("ops.treasury"))]


@router.get("/proposals", operation_id="treasury_list_proposals", responses=problems(*SIGNED_IN))
async def list_proposals(
    db: Db,
    subject: Treasurer,
    paging: Annotated[Paging, Depends()],
    state: Literal["open", "done", "accepted", "dismissed"] | None = None,
) -> Page[ProposalOut]:
    """What needs a person to move money: refills of hot wallets, what is too much on them, moves from and to exchanges."""
    return await desk.proposals(db, state=state, limit=paging.limit, before=paging.before)


@router.post(
    "/proposals/{proposal_id}/dismiss",
    operation_id="treasury_dismiss_proposal",
    responses=problems(*SIGNED_IN, Kind.NOT_FOUND, Kind.CONFLICT),
)
async def dismiss_proposal(proposal_id: uuid.UUID, db: Db, subject: Treasurer) -> ProposalOut:
    """Not wanted. Dismissing again changes nothing."""
    return await desk.dismiss(db, proposal_id=proposal_id, by=subject.email)


@router.post(
    "/proposals/{proposal_id}/accept",
    operation_id="treasury_accept_proposal",
    responses=problems(*SIGNED_IN, Kind.NOT_FOUND, Kind.CONFLICT),
)
async def accept_proposal(proposal_id: uuid.UUID, body: AcceptIn, db: Db, subject: Treasurer) -> ProposalOut:
    """Move it, exactly so much, between an exchange and the hot wallet. Accepting again changes nothing."""
    return await desk.accept(db, proposal_id=proposal_id, amount=body.amount, by=subject.email)


@router.get("/venue-moves", operation_id="treasury_list_venue_moves", responses=problems(*SIGNED_IN))
async def list_venue_moves(db: Db, subject: Treasurer, paging: Annotated[Paging, Depends()]) -> Page[VenueMoveOut]:
    """The newest moves between exchanges and the hot wallet."""
    return Page(items=await desk.venue_moves(db, limit=paging.limit))


@router.get("/wallets", operation_id="treasury_list_wallets", responses=problems(*SIGNED_IN))
async def list_wallets(
    db: Db, subject: Treasurer, settings: Annotated[Settings, Depends(the_settings)]
) -> Page[WalletOut]:
    """What the books say of hot wallets, deposit addresses and cold storage."""
    return Page(items=await desk.wallets(db, settings))


@router.get("/moves", operation_id="treasury_list_moves", responses=problems(*SIGNED_IN))
async def list_moves(db: Db, subject: Treasurer, paging: Annotated[Paging, Depends()]) -> Page[MoveOut]:
    """The newest movements of the house's own money."""
    return Page(items=await desk.moves(db, limit=paging.limit))
