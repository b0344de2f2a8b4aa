"""Command `signals`: what was told, or is still to be."""

from typing import Annotated

import typer

from opinionscope.cli.completion import complete_out_of, complete_rule, complete_wallet
from opinionscope.cli.options import AsCsv, AsJson, AsJsonLines, Database, Limit, Since, examples, one_of
from opinionscope.cli.output.exports import chosen_form, print_records
from opinionscope.cli.signal_table import print_signals
from opinionscope.cli.wallet_argument import find_address
from opinionscope.locations import database_path
from opinionscope.signals.rule_book import require_rule_or_its_signals
from opinionscope.store.database import Store
from opinionscope.store.signals import STATES, StoredSignal, find_signals
from opinionscope.store.whales import find_names
from opinionscope.times import parse_since, utc_now

signals = typer.Typer(add_completion=False)


@signals.command(epilog=examples("signals --since 24h", "signals --rule big --state failed", "signals --jsonl"))
def show_signals(
    *,
    rule: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this rule's signals.", autocompletion=complete_rule)
    ] = None,
    whale: Annotated[
        str | None, typer.Option(metavar="WALLET", help="Only this wallet's signals.", autocompletion=complete_wallet)
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            metavar="STATE",
            help=f"Only signals in this state: {', '.join(STATES)}.",
            autocompletion=complete_out_of(STATES),
        ),
    ] = None,
    since: Since = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    as_jsonl: AsJsonLines = False,
    as_csv: AsCsv = False,
    db: Database = None,
) -> None:
    """Show the signals that the rules raised, newest first, and what became of each."""
    now = utc_now()
    start = None if since is None else parse_since(since, now)
    wanted = None if state is None else one_of(STATES, state, "state")
    form = chosen_form(json=as_json, jsonl=as_jsonl, csv=as_csv)
    with Store.open_to_read(database_path(db)) as store:
        address = None if whale is None else find_address(store, whale)
        if rule is not None:
            require_rule_or_its_signals(store, rule)
        found = find_signals(store, rule=rule, whale=address, state=wanted, since=start, limit=limit)
        if form:
            print_records(form, StoredSignal, found)
            return
        is_filtered = any((rule, whale, state, since))
        nothing = (
            "No signals match these filters."
            if is_filtered
            else "No signals yet; add a rule with `opinionscope rules add`."
        )
        print_signals(found, find_names(store), now, nothing=nothing)
