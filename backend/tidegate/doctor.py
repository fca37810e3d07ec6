"""`tidegate doctor`: everything the configuration names, asked once, told in sentences."""

import os
from collections.abc import Sequence

import asyncpg
from rich.console import Console
from rich.markup import escape

from tidegate.brand.appearance import open_appearance
from tidegate.chains.port import NodeUnavailable
from tidegate.config import Settings, config_path
from tidegate.grants import differences
from tidegate.health import Health
from tidegate.parts import open_parts
from tidegate.roles import DUTIES, Duty, Roles, Standing, standing
from tidegate.signing.messages import Failed
from tidegate.transactions import compare
from tidegate.venues.rights import complaints
from tidegate.wallets.progress import remind

out = Console()


def unknown_variables(settings: Settings) -> list[str]:
    """TIDEGATE_ variables that no setting reads: a typing error is silently a default otherwise."""
    known = {"TIDEGATE_CONFIG", "TIDEGATE_BITCOIND", "TIDEGATE_CHROMIUM", "TIDEGATE_ANVIL"}
    fields = {f"TIDEGATE_{name.upper()}" for name in type(settings).model_fields}
    return sorted(
        name
        for name in os.environ
        if name.startswith("TIDEGATE_")
        and name not in known
        and not name.startswith("TIDEGATE_TEST")
        and name.split("__")[0] not in fields
    )


async def database_roles(settings: Settings) -> list[str]:
    """What a login may do that it must not, and where the grants are not those declared. In the sandbox too."""
    roles = Roles(settings.database.role_prefix)
    found: list[str] = []
    compared = False
    for url, duties in _logins(settings).items():
        try:
            connection = await asyncpg.connect(url.replace("postgresql+asyncpg://", "postgresql://", 1), timeout=5)
        except (OSError, asyncpg.PostgresError) as error:
            found.append(f"database: the login of {', '.join(duties) or 'this machine'} does not get in: {error}")
            continue
        try:
            found += _too_much(await standing(connection, roles), duties, roles)
            if not compared:
                found += [f"database: {line}" for line in (await differences(connection, roles)).sentences()]
                compared = True
        finally:
            await connection.close()
    return found


def _logins(settings: Settings) -> dict[str, list[Duty]]:
    """By URL, the duties that name it as theirs; none for the one that this machine's processes share."""
    named: dict[str, list[Duty]] = {}
    for duty in DUTIES:
        if "DATABASE_URL" not in os.environ and getattr(settings.database, f"{duty}_url").get_secret_value():
            named.setdefault(settings.database_url(duty), []).append(duty)
    return named or {settings.database_url(): []}


def _too_much(login: Standing, duties: Sequence[Duty], roles: Roles) -> list[str]:
    if login.superuser:
        return [f"database: {login.user} is a superuser: nothing in the database binds it."]
    if login.owner and list(duties) != ["migrator"]:
        return [f"database: {login.user} can become the owner of the tables."]
    if not login.duties:
        return [f"database: {login.user} belongs to none of {', '.join(roles.of(duty) for duty in DUTIES)}."]
    wanted = {roles.of(duty) for duty in duties} or set(login.duties)
    return [
        *([f"database: {login.user} serves {', '.join(login.duties)} at once."] if len(login.duties) > 1 else []),
        *(f"database: {login.user} is no member of {name}." for name in sorted(wanted - set(login.duties))),
        *(f"database: {login.user} is also a member of {name}." for name in sorted(set(login.duties) - wanted)),
    ]


async def examine(settings: Settings) -> int:
    """0 when all is well, 1 when something a payout needs is not."""
    out.print(f"Configuration: {config_path()} ({settings.mode})")
    wrong = 0
    for name in unknown_variables(settings):
        out.print(f"  [yellow]unknown[/yellow] {name} is set and nothing reads it")
        wrong += 1
    for line in open_appearance(settings).remarks:
        out.print(f"  [yellow]look[/yellow] {escape(line)}")
        wrong += 1
    for line in await database_roles(settings):
        out.print(f"  [red]wrong[/red] {line}")
        wrong += 1
    async with open_parts(settings, process="cli", duty="api") as parts:
        health = Health()
        parts.watch_health(health)
        await parts.markets.sources()
        for one in await health.look():
            mark = "[green]up[/green]" if one.up else "[red]down[/red]"
            out.print(f"  {mark} {one.name}: {one.detail}")
            wrong += not one.up
        signed = await compare.unknown(parts.db, parts.signer, list(settings.networks))
        if not isinstance(signed, Failed) and signed:
            out.print(f"  [red]wrong[/red] {compare.sentence(signed)}")
            wrong += 1
        for network in settings.networks:
            chain = parts.chains.get(network)
            if chain is not None:
                try:
                    await remind(parts.db, chain)
                    await chain.prepare()
                    found = await chain.health()
                    if not found.fit:
                        raise NodeUnavailable(found.reason)
                    others = ", ".join(settings.networks[network].others) or "no other node"
                    passed = f"start-up checks passed at block {found.height}, compared with {others}"
                    out.print(f"  [green]up[/green] {network}: {passed}")
                except Exception as error:  # noqa: BLE001  the doctor reports whatever is wrong
                    out.print(f"  [red]down[/red] {network}: {error}")
                    wrong += 1
        for line in await complaints(settings, parts.venues):
            out.print(f"  [yellow]look[/yellow] {line}")
            wrong += 1
    out.print("All well." if not wrong else f"{wrong} things to look at.")
    return 1 if wrong else 0
