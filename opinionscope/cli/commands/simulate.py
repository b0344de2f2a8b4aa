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


@simulate.command(epilog=examples("simulate --latency 0.2", "simulate --fault http_503=0.1 --fault hang=0.01"))
def serve(
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, metavar="P", help="Port to listen on; 0 for any free one.")
    ] = 8700,
    seed: Annotated[int, typer.Option(metavar="N", help="Random seed.")] = 7,
    wallets: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="Wallets that trade.")] = 8,
    rate_limit: Annotated[int, typer.Option(min=0, metavar="N", help="Requests per second; 0 for no limit.")] = 15,
    latency: Annotated[
        float, typer.Option(min=0, max=600, metavar="SECONDS", help="Delay before each response.")
    ] = 0.0,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=PROBABILITY]", help="What goes wrong; an unknown name lists them all."),
    ] = None,
    api_key: Annotated[str | None, typer.Option(metavar="KEY", help="Refuse any other key.")] = None,
    db: Annotated[
        Path, typer.Option("--db", metavar="PATH", help="The SQLite file named in the printed lines.")
    ] = Path("simulated.db"),
) -> None:
    """Serve the simulated exchange on this machine until Ctrl-C."""
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
            f"Port {port} is not available ({error.strerror}); choose another with --port."
        ) from None
    with server:
        write(_introduction(server, database_path(db)))
        signal.sigwait(_ENDINGS)


def _introduction(server: ExchangeServer, database: Path) -> str:
    wallets = "".join(f"opinionscope whales add {address}\n" for address in server.exchange.wallets)
    return (
        f"The simulated exchange answers at {server.url} until you press Ctrl-C.\n"
        "In another terminal:\n\n"
        f"export OPINION_TRADE_BASE_URL={server.url}\n"
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
