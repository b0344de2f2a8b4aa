"""Command `consensus`: markets in which followed whales agree, and who opposes them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from opinionscope.cli.filter_options import Tagged
from opinionscope.cli.options import AsCsv, AsJson, AsJsonLines, Database, Limit, examples
from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.exports import chosen_form, print_documents
from opinionscope.cli.output.formats import count, money, short_address
from opinionscope.cli.output.notes import left_out, print_notes
from opinionscope.cli.output.tables import print_table
from opinionscope.locations import database_path
from opinionscope.signals.agreement import Agreement, find_agreements
from opinionscope.signals.rules import DEFAULT_EXPOSURE, DEFAULT_WHALES
from opinionscope.store.database import Store
from opinionscope.store.whales import find_whales
from opinionscope.tags import parse_tag

consensus = typer.Typer(add_completion=False)

_NAMES_SHOWN = 4


@consensus.command(
    epilog=examples("consensus", "consensus --min-whales 5 --min-exposure 10000", "consensus --tag sharp")
)
def show_consensus(
    *,
    min_whales: Annotated[
        int, typer.Option(metavar="N", min=2, help="Minimum number of whales that agree.")
    ] = DEFAULT_WHALES,
    min_exposure: Annotated[
        float, typer.Option(metavar="AMOUNT", min=0, help="Minimum exposure of each, in the quote token (USDT).")
    ] = DEFAULT_EXPOSURE,
    tag: Tagged = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    as_jsonl: AsJsonLines = False,
    as_csv: AsCsv = False,
    db: Database = None,
) -> None:
    """Show outcomes that several whales hold, most whales first, and who holds the opposite.

    A whale counts if at most a fifth of its exposure is on the other side and it is not flagged for farming.

    Wallets whose history is still being read don't count.
    """
    form = chosen_form(json=as_json, jsonl=as_jsonl, csv=as_csv)
    wanted = None if tag is None else parse_tag(tag)
    with Store.open_to_read(database_path(db)) as store:
        found = find_agreements(store, min_whales=min_whales, min_exposure=min_exposure, tag=wanted)
        is_unknown = wanted is not None and not find_whales(store, tag=wanted, limit=1)
    if form:
        print_documents(form, Agreement.NAMES, [agreement.as_document() for agreement in found[:limit]])
        return
    who = f"whales tagged {wanted}" if wanted else "whales"
    nothing = f"No outcome is held by {min_whales} {who} with {money(min_exposure)} USDT or more each."
    if is_unknown:
        nothing = f"No wallet matches --tag {wanted}."
    shown = print_table(_columns(), found[:limit], nothing=nothing)
    print_notes(left_out(shown, limit, lambda: len(found), "outcome"))


def _columns() -> list[Column]:
    return [
        Column("Market", lambda row: row.title, flexible="cut", least=20),
        Column("Outcome", lambda row: row.outcome, flexible="cut", least=6),
        Column("Whales", lambda row: count(len(row.consensus.members)), right=True),
        Column("Exposure", lambda row: money(row.consensus.exposure), right=True, unit="USDT"),
        Column("For it", lambda row: _names(row.members), flexible="wrap", least=20, enough=30, rank=2),
        Column("Against", lambda row: count(len(row.consensus.opposition)), right=True),
        Column("Their exposure", lambda row: money(row.consensus.opposing_exposure), right=True, rank=1, unit="USDT"),
        Column(
            "Opposition", lambda row: _names(row.opposition) or None, flexible="wrap", least=16, rank=3, optional=True
        ),
    ]


def _names(members: Sequence[Mapping[str, Any]]) -> str:
    shown = [str(member["name"] or short_address(member["address"])) for member in members[:_NAMES_SHOWN]]
    more = len(members) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")
