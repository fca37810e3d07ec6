"""`tidegate doctor`: everything the configuration names, asked once, told in sentences."""

import os

from rich.console import Console

from tidegate.config import Settings, config_path
from tidegate.health import Health
from tidegate.parts import open_parts

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


async def examine(settings: Settings) -> int:
    """0 when all is well, 1 when something a payout needs is not."""
    out.print(f"Configuration: {config_path()} ({settings.mode})")
    wrong = 0
    for name in unknown_variables(settings):
        out.print(f"  [yellow]unknown[/yellow] {name} is set and nothing reads it")
        wrong += 1
    async with open_parts(settings, process="cli") as parts:
        health = Health()
        parts.watch_health(health)
        await parts.markets.sources()
        for one in await health.look():
            mark = "[green]up[/green]" if one.up else "[red]down[/red]"
            out.print(f"  {mark} {one.name}: {one.detail}")
            wrong += not one.up
        for network in settings.networks:
            chain = parts.chains.get(network)
            if chain is not None:
                try:
                    await chain.prepare()
                    out.print(f"  [green]up[/green] {network}: start-up checks passed")
                except Exception as error:  # noqa: BLE001  the doctor reports whatever is wrong
                    out.print(f"  [red]down[/red] {network}: {error}")
                    wrong += 1
    out.print("All well." if not wrong else f"{wrong} things to look at.")
    return 1 if wrong else 0
