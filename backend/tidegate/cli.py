"""The `tidegate` command. Each command imports only what it needs; nothing here decides anything."""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate import __version__

if TYPE_CHECKING:
    from tidegate.config import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)
signer_app = typer.Typer(help="The isolated process that holds the keys.")
user_app = typer.Typer(no_args_is_help=True, help="People and their roles.")
withdrawals_app = typer.Typer(no_args_is_help=True, help="The operator's way out for single withdrawals.")
deposits_app = typer.Typer(no_args_is_help=True, help="Deposits that a person must look at, or that were missed.")
treasury_app = typer.Typer(no_args_is_help=True, help="The house's own money: where it is, what it needs.")
audit_app = typer.Typer(no_args_is_help=True, help="Proofs.")
database_app = typer.Typer(no_args_is_help=True, help="What the database server's administrator does, once.")
app.add_typer(signer_app, name="signer")
app.add_typer(user_app, name="user")
app.add_typer(withdrawals_app, name="withdrawals")
app.add_typer(deposits_app, name="deposits")
app.add_typer(treasury_app, name="treasury")
app.add_typer(audit_app, name="audit")
app.add_typer(database_app, name="database")

Data = Annotated[Path | None, typer.Option("--data", help="The data folder of `tidegate up`; else TIDEGATE_CONFIG.")]


def _settings(data: Path | None = None) -> "Settings":
    from tidegate.config import load

    if data is not None:
        config = data / "tidegate.toml"
        if not config.is_file():
            typer.echo(f"{config} is not there.", err=True)
            raise typer.Exit(2)
        os.environ["TIDEGATE_CONFIG"] = str(config)
    return load()


def _module(name: str, *arguments: str) -> None:
    """Become another module's process: what stands above this command is started, never imported."""
    os.execv(sys.executable, [sys.executable, "-m", name, *arguments])


@app.callback()
def main() -> None:
    """Tidegate: hold, exchange and pay out cryptocurrency."""


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Where the page opens.")] = 8000,
    data: Annotated[Path, typer.Option(help="Everything it keeps lies here.")] = Path(".data"),
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page when it answers.")] = True,
) -> None:
    """The whole system in sandbox mode: real nodes, a venue, blocks that keep coming, demo customers."""
    words = ["--port", str(port), "--data", str(data), *([] if browser else ["--no-browser"])]
    _module("tidegate.sandbox.up", *words)


@app.command()
def api(routers: Annotated[str, typer.Option(help="Comma-separated; all when left out.")] = "") -> None:
    """The API process."""
    settings = _settings()
    if settings.sandboxed:
        _module("tidegate.sandbox.api", *(["--routers", routers] if routers else []))
    from tidegate.api import ROUTERS, serve

    serve(settings, routers.split(",") if routers else tuple(ROUTERS))


@app.command()
def worker(steps: Annotated[str, typer.Option(help="Comma-separated; all when left out.")] = "") -> None:
    """The worker process."""
    from tidegate.worker import STEPS
    from tidegate.worker import main as run

    run(_settings(), steps.split(",") if steps else STEPS)


@app.command()
def openapi(out: Annotated[Path, typer.Option(help="The file to write.")] = Path("clients/openapi.json")) -> None:
    """Write the OpenAPI document (the sandbox's superset)."""
    _module("tidegate.sandbox.api", "--openapi", str(out))


@app.command()
def migrate() -> None:
    """Bring the database to this version."""
    from tidegate.migrate import upgrade
    from tidegate.roles import Roles

    settings = _settings()
    changed = upgrade(settings.database_url("migrator"), Roles(settings.database.role_prefix))
    if changed is None:
        typer.echo(
            "There are no database roles: every process may do everything. See `tidegate database init`.", err=True
        )
    else:
        typer.echo(f"Grants: {len(changed)} changed." if changed else "Grants: as declared.")


@database_app.command("init")
def database_init(
    admin_url: Annotated[
        str, typer.Option(envvar="DATABASE_ADMIN_URL", help="postgresql://… of a superuser, on any database.")
    ],
    name: Annotated[str, typer.Option(help="The database; made when missing.")] = "tidegate",
    prefix: Annotated[
        str, typer.Option(help="What the roles' names begin with: [database] role_prefix.")
    ] = "tidegate_",
) -> None:
    """Roles and database. Safe to repeat. A login is made for each password in DATABASE_PASSWORD_API, _WORKER,
    _MIGRATOR and _AUDITOR."""
    from tidegate.operate import init_database

    asyncio.run(init_database(admin_url, name, prefix))


@database_app.command("sql")
def database_sql(name: str = "tidegate", prefix: str = "tidegate_") -> None:
    """Print what `init` does, for an administrator who does it by hand."""
    from tidegate.operate import init_sql

    typer.echo(init_sql(name, prefix))


@signer_app.callback(invoke_without_command=True)
def signer(context: typer.Context) -> None:
    """Without a command: run it."""
    if context.invoked_subcommand is None:
        _module("tidegate.signer", "run")  # which reads TIDEGATE_CONFIG itself


def _signer(data: Path | None, *words: str, passphrase_file: Path | None = None) -> None:
    _settings(data)
    secret = ["--passphrase-file", str(passphrase_file)] if passphrase_file else []
    _module("tidegate.signer", *secret, *words)


Passphrase = Annotated[Path | None, typer.Option("--passphrase-file", help="Else the configured file, or a question.")]


@signer_app.command("init")
def signer_init(data: Data = None) -> None:
    """Make the keys, once, and write the public file."""
    _signer(data, "init")


@signer_app.command("words")
def signer_words(data: Data = None) -> None:
    """Print the seed's words, for the paper copy."""
    _signer(data, "words")


@signer_app.command("backup")
def signer_backup(file: Path, passphrase_file: Passphrase = None, data: Data = None) -> None:
    """Write an encrypted copy of the seed, and prove it."""
    _signer(data, "backup", str(file), passphrase_file=passphrase_file)


@signer_app.command("verify")
def signer_verify(file: Path, passphrase_file: Passphrase = None, data: Data = None) -> None:
    """Prove that a copy opens and holds this signer's seed; shows no key."""
    _signer(data, "verify", str(file), passphrase_file=passphrase_file)


@signer_app.command("rotate")
def signer_rotate(passphrase_file: Passphrase = None, data: Data = None) -> None:
    """Seal the seed under a new passphrase (from the file, or asked for). The keys stay the same."""
    _signer(data, "rotate", passphrase_file=passphrase_file)


@signer_app.command("freeze")
def signer_freeze(reason: str, data: Data = None) -> None:
    """Sign nothing from now on, through every restart."""
    _signer(data, "freeze", "--", reason)


@signer_app.command("unfreeze")
def signer_unfreeze(data: Data = None) -> None:
    """Sign again."""
    _signer(data, "unfreeze")


@signer_app.command("accept")
def signer_accept_journal(data: Data = None) -> None:
    """Take the journal as it lies there, after its head told of another; signing is frozen with it."""
    _signer(data, "accept")


@signer_app.command("compared")
def signer_compared(reason: str, data: Data = None) -> None:
    """Say that the books have every transaction that was signed so far, as after a database was restored and put right.

    On the signer's host, with the signer stopped. `tidegate treasury compare` lists those that they have not.
    """
    _signer(data, "compared", "--", reason)


@signer_app.command("release")
def signer_release(
    payout: Annotated[str, typer.Option(help="The withdrawal's id.")],
    dead: Annotated[list[str], typer.Option(help="Each transaction that was signed for it.")] = [],  # noqa: B006  typer's own convention
    data: Data = None,
) -> None:
    """Say that every transaction signed for a payout is dead for good, so that it may be signed once more.

    On the signer's host, with the signer stopped. Without --dead it lists them.
    """
    _signer(data, "release", payout, *(word for txid in dead for word in ("--dead", txid)))


@treasury_app.command("status")
def treasury_status(data: Data = None) -> None:
    """Hot wallets, deposit addresses, cold storage, and the newest moves."""
    from tidegate.treasurer import status

    asyncio.run(status(_settings(data)))


@treasury_app.command("proposals")
def treasury_proposals(data: Data = None) -> None:
    """What needs a person to move money. Exit 1 when something does."""
    from tidegate.treasurer import proposals

    raise typer.Exit(asyncio.run(proposals(_settings(data))))


@treasury_app.command("positions")
def treasury_positions(data: Data = None) -> None:
    """What conversions have left open at the exchanges, and what of it is carried. Exit 1 above the cap."""
    from tidegate.treasurer import positions

    raise typer.Exit(asyncio.run(positions(_settings(data))))


@treasury_app.command("hedge")
def treasury_hedge(order_id: str, data: Data = None) -> None:
    """Have what an order carried ordered once more, at whichever exchanges are best now."""
    from tidegate.treasurer import hedge

    raise typer.Exit(asyncio.run(hedge(_settings(data), order_id)))


@treasury_app.command("accept")
def treasury_accept(
    proposal: Annotated[str, typer.Argument(help="As `tidegate treasury proposals` names it.")],
    amount: Annotated[str, typer.Argument(help="The amount that it shows: what is accepted is what was seen.")],
    data: Data = None,
) -> None:
    """Have a proposed move between an exchange and the hot wallet made."""
    from tidegate.treasurer import accept

    raise typer.Exit(asyncio.run(accept(_settings(data), proposal, amount)))


@treasury_app.command("venue-moves")
def treasury_venue_moves(data: Data = None) -> None:
    """The newest moves between exchanges and the hot wallet. Exit 1 when a person has to look at one."""
    from tidegate.treasurer import venue_moves

    raise typer.Exit(asyncio.run(venue_moves(_settings(data))))


@treasury_app.command("compare")
def treasury_compare(data: Data = None) -> None:
    """What the signer signed and the books do not know, as after a restored database. Exit 1 when there is something."""
    from tidegate.treasurer import compare

    raise typer.Exit(asyncio.run(compare(_settings(data))))


@treasury_app.command("received")
def treasury_received(
    network: str,
    asset: str,
    txid: str,
    from_cold: Annotated[bool, typer.Option(help="It came from cold storage; else it is new capital.")] = False,
    fee: Annotated[str, typer.Option(help="What the cold wallet paid for it, in the gas asset.")] = "0",
    data: Data = None,
) -> None:
    """Book money that you sent to the hot address. The chain is asked; the same transaction is booked once."""
    from tidegate.treasurer import received

    raise typer.Exit(asyncio.run(received(_settings(data), network, asset, txid, from_cold=from_cold, fee=fee)))


@treasury_app.command("cold")
def treasury_cold(network: str, asset: str, amount: str, data: Data = None) -> None:
    """Book what lies in cold storage already, as the house's own. Each call adds."""
    from tidegate.treasurer import cold

    raise typer.Exit(asyncio.run(cold(_settings(data), network, asset, amount)))


@app.command()
def doctor(data: Data = None) -> None:
    """Look at everything this configuration names, and say what is wrong in sentences. Exit 1 when something is."""
    from tidegate.doctor import examine

    raise typer.Exit(asyncio.run(examine(_settings(data))))


@app.command("listen")
def listen_to(
    forward_to: Annotated[str, typer.Option(help="Where the events are posted, as a webhook would be.")],
    api: Annotated[str, typer.Option(help="Origin of the API.")] = "http://localhost:8000",
    email: Annotated[str, typer.Option(help="Whose events; asked for when left out.")] = "",
    kind: Annotated[list[str], typer.Option(help="Only these kinds; may be given several times.")] = [],  # noqa: B006  typer's own convention
    after: Annotated[int | None, typer.Option(min=0, help="From this sequence on; from now on when left out.")] = None,
    secret: Annotated[str, typer.Option(envvar="WEBHOOK_SECRET", help="whsec_…; a fresh one when left out.")] = "",
    data: Annotated[
        Path | None, typer.Option(help="A sandbox's folder: a demo customer, without any question.")
    ] = None,
) -> None:
    """Post the account's events to your own machine, signed, and print what was answered. For developers."""
    from tidegate.listen import run

    with contextlib.suppress(KeyboardInterrupt):
        raise typer.Exit(asyncio.run(run(forward_to, api, email, data, secret=secret, kinds=kind, after=after)))


@user_app.command("create")
def user_create(
    email: str,
    role: Annotated[list[str], typer.Option(help="May be given several times.")] = ["customer"],  # noqa: B006  typer's own convention
    data: Data = None,
) -> None:
    """Make a user. The password is asked for, never an argument."""
    from tidegate.operate import create_user

    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    typer.echo(asyncio.run(create_user(_settings(data), email, password, role)))


@user_app.command("grant")
def user_grant(email: str, role: str, data: Data = None) -> None:
    """Give a user a role."""
    from tidegate.operate import grant

    asyncio.run(grant(_settings(data), email, role))


@withdrawals_app.command("list")
def withdrawals_list(
    data: Data = None,
    state: Annotated[list[str] | None, typer.Option(help="Only these states.")] = None,
    limit: int = 50,
) -> None:
    """Withdrawals, newest first, with what they wait for."""
    from tidegate.operate import list_withdrawals

    asyncio.run(list_withdrawals(_settings(data), state or [], limit))


@withdrawals_app.command("stuck")
def withdrawals_stuck(data: Data = None, limit: int = 50) -> None:
    """What waits for longer than its reason allows, with how each wait ends; exit 1 when there is any."""
    from tidegate.operate import list_stuck

    raise typer.Exit(asyncio.run(list_stuck(_settings(data), limit)))


@withdrawals_app.command("promises")
def withdrawals_promises(data: Data = None) -> None:
    """How many promises of `expected_by` were kept in the last seven days."""
    from tidegate.operate import list_promises

    asyncio.run(list_promises(_settings(data)))


@withdrawals_app.command("show")
def withdrawals_show(withdrawal_id: str, data: Data = None) -> None:
    """Every move of one withdrawal: who, why, on what grounds, from where to where."""
    from tidegate.operate import show_withdrawal

    raise typer.Exit(asyncio.run(show_withdrawal(_settings(data), withdrawal_id)))


def _act(data: Path | None, action: str, withdrawal_id: str, reason: str) -> None:
    from tidegate.operate import act

    raise typer.Exit(asyncio.run(act(_settings(data), action, withdrawal_id, reason)))


@withdrawals_app.command("hold")
def withdrawals_hold(withdrawal_id: str, reason: str, data: Data = None) -> None:
    """Stop one withdrawal where it stands, until it is released. What is sent cannot be held."""
    _act(data, "hold", withdrawal_id, reason)


@withdrawals_app.command("release")
def withdrawals_release(withdrawal_id: str, reason: str, data: Data = None) -> None:
    """Let a held withdrawal go on."""
    _act(data, "release", withdrawal_id, reason)


@withdrawals_app.command("reject")
def withdrawals_reject(withdrawal_id: str, reason: str, data: Data = None) -> None:
    """End a withdrawal that was not signed; what is due goes back to its owner."""
    _act(data, "reject", withdrawal_id, reason)


@withdrawals_app.command("bump")
def withdrawals_bump(
    withdrawal_id: str,
    rate: Annotated[int, typer.Option(min=0, help="sat/vB or gwei; today's rate of its speed when left out.")] = 0,
    data: Data = None,
) -> None:
    """Make the transaction of a withdrawal dearer that waits for a block; within what was agreed for it."""
    from tidegate.operate import bump

    raise typer.Exit(asyncio.run(bump(_settings(data), withdrawal_id, rate)))


@deposits_app.command("list")
def deposits_list(
    data: Data = None,
    state: Annotated[list[str] | None, typer.Option(help="Only these states: held, below_minimum …")] = None,
    network: Annotated[str | None, typer.Option(help="Only this network.")] = None,
    limit: int = 50,
) -> None:
    """Everybody's deposits, newest first."""
    from tidegate.operate import list_deposits

    asyncio.run(list_deposits(_settings(data), state or [], network, limit))


@deposits_app.command("show")
def deposits_show(deposit_id: str, data: Data = None) -> None:
    """One deposit, everything that is known of it."""
    from tidegate.operate import show_deposit

    raise typer.Exit(asyncio.run(show_deposit(_settings(data), deposit_id)))


@deposits_app.command("credit")
def deposits_credit(deposit_id: str, reason: str, data: Data = None) -> None:
    """Credit a deposit that stands in suspense (held, or below the minimum) to its owner."""
    from tidegate.operate import credit_deposit

    raise typer.Exit(asyncio.run(credit_deposit(_settings(data), deposit_id, reason)))


@deposits_app.command("rescan")
def deposits_rescan(
    network: Annotated[str, typer.Option(help="The network's name in the configuration.")],
    txid: Annotated[str | None, typer.Option(help="Look at this transaction now.")] = None,
    from_height: Annotated[int | None, typer.Option(help="Read every block from this one on again.", min=0)] = None,
    data: Data = None,
) -> None:
    """Look again for what was missed. Nothing is credited twice, however often it is asked."""
    from tidegate.operate import rescan

    if (txid is None) == (from_height is None):
        raise typer.BadParameter("give --txid or --from-height")
    raise typer.Exit(asyncio.run(rescan(_settings(data), network, txid, from_height)))


@app.command()
def pause(
    reason: str,
    asset: Annotated[str, typer.Option(help="One asset; everything when left out.")] = "*",
    data: Data = None,
) -> None:
    """Stop payouts, of one asset or all. Deposits go on being seen."""
    from tidegate.operate import pause as stop

    asyncio.run(stop(_settings(data), asset, reason))


@app.command()
def resume(
    asset: Annotated[str, typer.Option(help="One asset, or the pause of everything.")] = "*", data: Data = None
) -> None:
    """Go on after `pause`."""
    from tidegate.operate import resume as go_on

    raise typer.Exit(asyncio.run(go_on(_settings(data), asset)))


@app.command()
def backup(folder: Path, data: Data = None) -> None:
    """Write a copy of the database into a new folder. Signer and keys are kept apart: see docs/operators.md."""
    from tidegate.keeper import make

    raise typer.Exit(make(_settings(data), folder))


@app.command()
def restore(
    folder: Path,
    by: Annotated[str, typer.Option(help="Who does it; your login here when left out.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Empty the database first.")] = False,
    data: Data = None,
) -> None:
    """Put a backup back. It starts frozen, finds out what was signed since, and pays after `tidegate release`.

    Exit 0 nothing is open, 1 something is, 2 not restored.
    """
    from tidegate.keeper import put_back

    raise typer.Exit(put_back(_settings(data), folder, by=by, replace=replace))


@app.command()
def restored(
    by: Annotated[str, typer.Option(help="Who does it; your login here when left out.")] = "", data: Data = None
) -> None:
    """Say that the database was put back by other means than `restore`: it is frozen in the same way."""
    from tidegate.keeper import mark

    raise typer.Exit(mark(_settings(data), by=by))


@app.command()
def freezes(data: Data = None) -> None:
    """What the house itself stopped, and why. Exit 1 when something stands frozen."""
    from tidegate.keeper import freezes as standing

    raise typer.Exit(asyncio.run(standing(_settings(data))))


@app.command()
def release(
    reason: str,
    asset: Annotated[str, typer.Option(help="One asset, or the freeze of everything, as after a restore.")] = "*",
    by: Annotated[str, typer.Option(help="Who says so; your login here when left out.")] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Although something still differs, or could not be asked.")
    ] = False,
    data: Data = None,
) -> None:
    """Let payouts go on that the house itself froze. Recorded for ever, with who and why."""
    from tidegate.keeper import release as let_go

    raise typer.Exit(asyncio.run(let_go(_settings(data), asset, by=by, reason=reason, force=force)))


AtOption = Annotated[
    str | None, typer.Option("--at", help="A past moment, with its zone: 2026-01-31T12:00:00Z. Now when left out.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document.")]


@audit_app.command("books")
def audit_books(data: Data = None, at: AtOption = None, as_json: JsonOption = False) -> None:
    """Re-add everything: ledger within itself, and against chains and venues. Exit 0 exact, 1 differs, 2 could not check."""
    from tidegate.operate import audit, moment

    code, report = asyncio.run(audit(_settings(data), at=moment(at), quiet=as_json))
    if as_json:
        typer.echo(json.dumps(report, indent=1))
    raise typer.Exit(code)


@audit_app.command("trial-balance")
def audit_trial_balance(data: Data = None, at: AtOption = None, as_json: JsonOption = False) -> None:
    """What every kind of account stands at, over all owners. Exit 0 when each asset balances, 1 when not, 2 not asked."""
    from tidegate.operate import moment, trial_balance

    code, found = asyncio.run(trial_balance(_settings(data), at=moment(at), quiet=as_json))
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    raise typer.Exit(code)


if __name__ == "__main__":
    app()
