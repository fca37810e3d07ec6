"""The sandbox's own calls: coins, blocks, faults, the demo people's codes. Mounted in sandbox mode only."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from tidegate.auth.gate import Gate
from tidegate.auth.subject import allow
from tidegate.config import Settings
from tidegate.problems import problems
from tidegate.refusal import Kind, Refusal
from tidegate.sandbox import faucet, mailbox, people
from tidegate.sandbox.chaos import ask_supervisor
from tidegate.sandbox.scenarios import invoice, scenarios
from tidegate.sandbox.schemas import (
    ChaosIn,
    ChaosList,
    DemoCodes,
    FaucetIn,
    FaucetOut,
    Invoice,
    MailItem,
    MailList,
    MineIn,
    MineOut,
    ScenarioItem,
    ScenarioList,
    Start,
)
from tidegate.sandbox.settings import ETHEREUM

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


async def here(request: Request) -> None:
    """Asked for by a loopback name. A page of another site that has its own name point here is not let in."""
    if request.url.hostname not in _LOOPBACK_NAMES:
        raise Refusal(Kind.NOT_FOUND, "There is nothing here.")


async def settings_of(request: Request) -> Settings:
    gate: Gate = request.app.state.gate
    return gate.settings


Here = Annotated[Settings, Depends(settings_of)]

router = APIRouter(
    prefix="/sandbox",
    tags=["sandbox"],
    dependencies=[Depends(allow("sandbox")), Depends(here)],
    responses=problems(Kind.NOT_FOUND, Kind.FORBIDDEN),
)


@router.post(
    "/faucet",
    operation_id="sandbox_faucet",
    responses=problems(
        Kind.INVALID_REQUEST,
        Kind.INVALID_AMOUNT,
        Kind.TOO_MANY_DECIMALS,
        Kind.UNKNOWN_ASSET,
        Kind.UNKNOWN_NETWORK,
        Kind.WRONG_NETWORK,
        Kind.INVALID_ADDRESS,
        Kind.BUSY,
    ),
)
async def sandbox_faucet(body: FaucetIn, settings: Here) -> FaucetOut:
    """Send real regtest or anvil coins to any address. Mines nothing by itself."""
    txid = await faucet.give(settings, asset=body.asset, network=body.network, address=body.address, text=body.amount)
    return FaucetOut(txid=txid)


@router.post(
    "/mine",
    operation_id="sandbox_mine",
    responses=problems(Kind.INVALID_REQUEST, Kind.UNKNOWN_NETWORK, Kind.BUSY),
)
async def sandbox_mine(body: MineIn, settings: Here) -> MineOut:
    """Make blocks at once, also while mining is paused."""
    answer = await ask_supervisor(settings, "POST", "mine", body.model_dump())
    return MineOut(height=answer["height"])


@router.post(
    "/chaos",
    operation_id="sandbox_chaos",
    responses=problems(Kind.INVALID_REQUEST, Kind.UNKNOWN_NETWORK, Kind.BUSY),
)
async def sandbox_chaos(body: ChaosIn, settings: Here) -> ChaosList:
    """Break something, or mend it; answers what is broken now."""
    return ChaosList.model_validate(await ask_supervisor(settings, "POST", "chaos", body.model_dump()))


@router.get("/chaos", operation_id="sandbox_list_chaos", responses=problems(Kind.BUSY))
async def sandbox_list_chaos(settings: Here) -> ChaosList:
    """Every fault, and whether it is on."""
    return ChaosList.model_validate(await ask_supervisor(settings, "GET", "chaos"))


@router.get("/authenticator", operation_id="sandbox_authenticator")
async def sandbox_authenticator(settings: Here) -> DemoCodes:
    """What the demo people's authenticators show now. Each code counts once."""
    return DemoCodes(items=people.codes(settings.sandbox.directory))


@router.get("/mails", operation_id="sandbox_mails", responses=problems(Kind.INVALID_REQUEST))
async def sandbox_mails(settings: Here, to: Annotated[str, Query(min_length=3, max_length=254)]) -> MailList:
    """What was mailed to an address, newest first. The sandbox's mail server keeps it; nothing leaves the machine."""
    folder = settings.sandbox.directory / "mail"
    found = await asyncio.to_thread(mailbox.mails, folder, to=to, base=settings.api.public_url)
    return MailList(items=[MailItem(**asdict(one)) for one in found])


@router.get("/scenarios", operation_id="sandbox_scenarios")
async def sandbox_scenarios() -> ScenarioList:
    """Recipients with a scripted fate."""
    return ScenarioList(items=[ScenarioItem(**asdict(one)) for one in scenarios()])


@router.get("/invoice", operation_id="sandbox_invoice")
async def sandbox_invoice(settings: Here) -> Invoice:
    """An invoice of 25 USDT, to be paid with whatever one has."""
    network = settings.networks[ETHEREUM]
    token = network.tokens["USDT"]
    return Invoice(text=invoice(contract=token.contract, chain_id=network.chain_id, units=25 * 10**token.decimals))


@router.get("/start", operation_id="sandbox_start")
async def sandbox_start(settings: Here) -> Start:
    """What is still starting."""
    path = settings.sandbox.directory / "progress.json"
    state: dict[str, Any] = {"started_at": None, "ready": True, "parts": []}
    if path.is_file():
        state = json.loads(path.read_text())
    return Start.model_validate(state)
