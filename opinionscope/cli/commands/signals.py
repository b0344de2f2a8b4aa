"""Command `signals`: what was told, or is still to be."""

from functools import partial
from typing import Annotated, Any

import typer

from opinionscope.cli.completion import complete_rule
from opinionscope.cli.filter_options import OfWallet, word_option
from opinionscope.cli.options import AsCsv, AsJson, AsJsonLines, Database, Limit, Since, examples, one_of
from opinionscope.cli.output.exports import chosen_form, print_records
from opinionscope.cli.output.no_match import explain_filters
from opinionscope.cli.output.notes import left_out, print_notes, print_sentence
from opinionscope.cli.signal_table import print_signals
from opinionscope.cli.wallet_argument import find_address
from opinionscope.locations import database_path
from opinionscope.signals.rule_book import require_rule_or_its_signals
from opinionscope.store.database import Store
from opinionscope.store.signals import STATES, StoredSignal, count_signals, find_signals
from opinionscope.store.whales import find_names
from opinionscope.times import parse_since, utc_now

signals = typer.Typer(add_completion=False)

_NO_SIGNALS = "No signals yet; add a rule with `opinionscope rules add`."


@signals.command(epilog=examples("signals --since 24h", "signals --rule big --state failed", "signals --jsonl"))
def show_signals(
    *,
    rule: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this rule's signals.", autocompletion=complete_rule)
    ] = None,
    whale: OfWallet = None,
    state: Annotated[str | None, word_option(STATES, "Only signals in this state: {}.", metavar="STATE")] = None,
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
        filters: dict[str, Any] = {"rule": rule, "whale": address, "state": wanted, "since": start}
        found = find_signals(store, limit=limit, **filters)
        if form:
            print_records(form, StoredSignal, found)
            return
        count_all = partial(count_signals, store)
        words = {
            "rule": f"--rule {rule}",
            "whale": f"--whale {whale}",
            "state": f"--state {state}",
            "since": f"--since {since}",
        }
        shown = print_signals(found, find_names(store), now, nothing="")
        if not shown:
            print_sentence(explain_filters("signal", words, filters, count_all, otherwise=_NO_SIGNALS))
        print_notes(left_out(shown, limit, partial(count_all, **filters), "signal"))
