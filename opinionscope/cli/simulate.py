"""Command `simulate`: the simulated exchange as a local HTTP server."""

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opinionscope.cli.tables import write
from opinionscope.errors import OpinionscopeError, UsageError
from opinionscope.locations import database_path

if TYPE_CHECKING:
    from opinionscope.exchange import ExchangeServer, Fault

_SHOWN_WALLETS = 3
_ENDINGS = (signal.SIGINT, signal.SIGTERM)


def simulate(
    *,
    port: Annotated[int, typer.Option(min=0, max=65_535, metavar="P", help="Where to listen; 0: a free one.")] = 8700,
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed, other markets and wallets.")] = 7,
    rate_limit: Annotated[int, typer.Option(min=0, metavar="N", help="Requests a second; 0: no limit.")] = 15,
    latency: Annotated[float, typer.Option(min=0, max=600, metavar="SECONDS", help="Until each answer.")] = 0.0,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=PROBABILITY]", help="What goes wrong; an unknown name lists them all."),
    ] = None,
    api_key: Annotated[str | None, typer.Option(metavar="K", help="Refuse any other key.")] = None,
    db: Annotated[
        Path, typer.Option("--db", metavar="PATH", help="The SQLite file that the printed lines name.")
    ] = Path("simulated.db"),
) -> None:
    """Serve the simulated exchange on this machine until Ctrl-C."""
    from opinionscope.exchange import Exchange, ExchangeServer

    faults = [_parse_fault(text) for text in fault or []]
    # Blocked before the server's threads are there, the signals wait for `sigwait` and interrupt nothing.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
    server = ExchangeServer(
        Exchange(seed=seed), port=port, rate_limit=rate_limit or None, latency=latency, api_key=api_key
    )
    for each in faults:
        server.faults.add(each)
    try:
        server.start()
    except OSError as error:
        raise OpinionscopeError(f"Port {port} cannot be used ({error.strerror}): name another with --port.") from None
    with server:
        write(_introduction(server, database_path(db)))
        signal.sigwait(_ENDINGS)


def _introduction(server: "ExchangeServer", database: Path) -> str:
    import shlex

    wallets = "".join(f"opinionscope whales add {address}\n" for address in server.exchange.wallets[:_SHOWN_WALLETS])
    return (
        f"The simulated exchange answers at {server.url}.\n"
        "Ctrl-C ends it. In another terminal:\n\n"
        f"export OPINION_TRADE_BASE_URL={server.url}\n"
        f"export OPINION_TRADE_API_KEY={shlex.quote(server.api_key or 'anything')}\n"
        f"export OPINIONSCOPE_DB={shlex.quote(str(database))}\n"
        f"{wallets}"
        "opinionscope sync whales\n"
    )


def _parse_fault(text: str) -> "Fault":
    from opinionscope.exchange import Fault

    name, _, given = text.partition("=")
    try:
        probability = float(given or 1)
    except ValueError:
        probability = -1
    if not 0 <= probability <= 1:
        raise UsageError(f"{given!r} is no probability: write --fault {name}=0.1, from 0 to 1.")
    try:
        return Fault(name, probability=probability)
    except ValueError as error:
        raise UsageError(f"{error}.") from None
