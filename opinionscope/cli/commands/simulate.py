"""Command `simulate`: the simulated exchange as a local HTTP server."""

import shlex
import signal
from pathlib import Path
from typing import Annotated

import typer

from opinionscope.cli.options import examples
from opinionscope.cli.output.terminal import write
from opinionscope.errors import OpinionscopeError, UsageError
from opinionscope.locations import database_path
from opinionscope.simulator import Exchange, ExchangeServer, Fault

simulate = typer.Typer(add_completion=False)

_ENDINGS = (signal.SIGINT, signal.SIGTERM)


@simulate.command(epilog=examples("simulate --latency 0.2", "simulate --fault 503=0.1 --fault hang=0.01"))
def serve(
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, metavar="PORT", help="Port to listen on; 0 picks a free one.")
    ] = 8700,
    seed: Annotated[int, typer.Option(metavar="N", help="Random seed.")] = 7,
    wallets: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="Wallets that trade.")] = 8,
    rate_limit: Annotated[
        int, typer.Option(min=0, metavar="N", help="Requests per second and key; 0 for no limit.")
    ] = 15,
    latency: Annotated[
        float, typer.Option(min=0, max=600, metavar="SECONDS", help="Delay before each response.")
    ] = 0.0,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=PROBABILITY]", help="Inject a fault (repeatable); an unknown name lists them."),
    ] = None,
    api_key: Annotated[str | None, typer.Option(metavar="KEY[,…]", help="Accept only these API keys.")] = None,
    db: Annotated[
        Path, typer.Option("--db", metavar="PATH", help="SQLite file to use in the printed commands.")
    ] = Path("simulated.db"),
) -> None:
    """Run the simulated exchange on this machine. Press Ctrl-C to stop."""
    faults = [_parse_fault(text) for text in fault or []]
    # Blocked before the server starts its threads, the signals wait for `sigwait` and interrupt nothing.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
    server = ExchangeServer(
        Exchange(seed=seed, wallets=wallets, unfilled_share=0.01),
        port=port,
        rate_limit=rate_limit or None,
        latency=latency,
        api_key=api_key,
    )
    for each in faults:
        server.faults.add(each)
    try:
        server.start()
    except OSError as error:
        raise OpinionscopeError(
            f"Cannot listen on port {port} ({error.strerror}); choose another with --port."
        ) from None
    with server:
        write(_introduction(server, database_path(db)))
        signal.sigwait(_ENDINGS)


def _introduction(server: ExchangeServer, database: Path) -> str:
    wallets = "".join(f"opinionscope whales add {address}\n" for address in server.exchange.wallets)
    return (
        f"Simulated exchange: {server.url} (press Ctrl-C to stop)\n"
        "In another terminal:\n\n"
        f"export OPINION_TRADE_BASE_URL={server.url}\n"
        f"export OPINION_TRADE_LEADERBOARD_URL={server.leaderboard_url}\n"
        f"export OPINION_TRADE_API_KEY={shlex.quote(server.api_key or 'anything')}\n"
        f"export OPINIONSCOPE_DB={shlex.quote(str(database))}\n"
        f"{wallets}"
        "opinionscope sync whales\n"
    )


def _parse_fault(text: str) -> Fault:
    name, _, given = text.partition("=")
    try:
        probability = float(given or 1)
    except ValueError:
        probability = -1
    if not 0 <= probability <= 1:
        raise UsageError(f"{given!r} is not a valid probability; expected 0 to 1, as in --fault {name}=0.1.")
    try:
        return Fault(name, probability=probability)
    except ValueError as error:
        raise UsageError(f"{error}.") from None
