"""Commands `rules …`: what you want to be told of."""

from datetime import datetime, timedelta
from typing import Annotated

import typer

from opinionscope.cli.completion import complete_rule
from opinionscope.cli.options import AsCsv, AsJson, AsJsonLines, Database, examples
from opinionscope.cli.output.columns import Column
from opinionscope.cli.output.documents import print_json
from opinionscope.cli.output.exports import chosen_form, print_records
from opinionscope.cli.output.formats import counted, moment
from opinionscope.cli.output.tables import print_facts, print_table
from opinionscope.cli.output.terminal import warn, write
from opinionscope.cli.replay_report import print_replay
from opinionscope.cli.rule_options import (
    Actions,
    Changes,
    ConsensusOf,
    Cooldown,
    Digest,
    GivenRule,
    Labels,
    Markets,
    MaxPrice,
    MinAmount,
    MinExposure,
    MinPrice,
    RuleName,
    RuleNames,
    Search,
    Tags,
    Targets,
    Whales,
)
from opinionscope.locations import database_path, read_environment
from opinionscope.notify.address_book import DEFAULT_TARGET, AddressBook, variable_of
from opinionscope.signals import rule_book
from opinionscope.signals.rule_book import NewRule, require_rules
from opinionscope.signals.rules import Filters, describe, describe_cooldown
from opinionscope.store.database import Store
from opinionscope.store.rule_facts import has_label
from opinionscope.store.rules import StoredRule, find_rules
from opinionscope.store.signal_deliveries import count_states
from opinionscope.store.whales import find_names
from opinionscope.text import one_line
from opinionscope.times import parse_since, to_millis_text, utc_now

rules = typer.Typer(help="Choose what you are told of.", no_args_is_help=True, add_completion=False)

_DRY_RUN = timedelta(hours=24)
_ADD_EXAMPLES = examples(
    "rules add big --min-amount 10000",
    "rules add friends --tag friend --change new --change flip --to phone",
    "rules add crypto --label Crypto --action buy --max-price 0.3 --cooldown 2h",
    "rules add agree --consensus 3 --min-exposure 5000",
    "rules add daily --tag friend --digest 08:00",
)


@rules.command("add", epilog=_ADD_EXAMPLES)
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name for the rule.")],
    *,
    whale: Whales = None,
    tag: Tags = None,
    action: Actions = None,
    change: Changes = None,
    min_amount: MinAmount = None,
    min_price: MinPrice = None,
    max_price: MaxPrice = None,
    market: Markets = None,
    search: Search = None,
    label: Labels = None,
    consensus: ConsensusOf = None,
    min_exposure: MinExposure = None,
    to: Targets = None,
    cooldown: Cooldown = "30m",
    digest: Digest = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what it would have told in the last 24 hours, and add nothing.")
    ] = False,
    db: Database = None,
) -> None:
    """Add a rule. Different filters must all match; the values of one filter are alternatives."""
    given = GivenRule(
        name=name,
        whales=whale or (),
        tags=tag or (),
        actions=action or (),
        changes=change or (),
        min_amount=min_amount,
        min_price=min_price,
        max_price=max_price,
        markets=market or (),
        search=search,
        labels=label or (),
        consensus=consensus,
        min_exposure=min_exposure,
        targets=to or (),
        cooldown=cooldown,
        digest=digest,
    )
    now, book = utc_now(), AddressBook.of(read_environment())
    open_store = Store.open_to_read if dry_run else Store.open_existing
    with open_store(database_path(db)) as store:
        rule = given.validated(store, book)
        _warn_of(rule, store, book)
        if dry_run:
            print_replay(store, [_not_stored(rule, now)], now - _DRY_RUN, now)
            return
        rule_book.add_rule(store, rule, now)
        write(f"Rule {rule.name} added: {_describe(rule.filters, store)}. {_delivery(rule)}\n")


@rules.command("list")
def list_rules(
    as_json: AsJson = False, as_jsonl: AsJsonLines = False, as_csv: AsCsv = False, db: Database = None
) -> None:
    """Show the rules."""
    form = chosen_form(json=as_json, jsonl=as_jsonl, csv=as_csv)
    with Store.open_to_read(database_path(db)) as store:
        found, names = find_rules(store), find_names(store)
    if form:
        print_records(form, StoredRule, found)
        return
    columns = [
        Column("Rule", lambda rule: rule.name, flexible="cut", least=12),
        Column("Enabled", lambda rule: "yes" if rule.enabled else "no", style=lambda r: "" if r.enabled else "yellow"),
        Column("Tells of", lambda rule: describe(Filters.from_json(rule.filters), names), flexible="wrap"),
        Column("To", lambda rule: ", ".join(rule.targets), flexible="wrap", least=8),
        Column("Cooldown", lambda rule: describe_cooldown(rule.cooldown), rank=1),
        Column("Digest", lambda rule: rule.digest_at, rank=2, optional=True),
    ]
    print_table(columns, found, nothing="No rules yet; add one with `opinionscope rules add NAME`.")


@rules.command("show")
def show(name: RuleName, as_json: AsJson = False, db: Database = None) -> None:
    """Show one rule, and what became of its signals."""
    with Store.open_to_read(database_path(db)) as store:
        (rule,) = require_rules(store, [name])
        described = _describe(Filters.from_json(rule.filters), store)
        counts = count_states(store, rule.id)
    if as_json:
        print_json(rule.as_document() | {"signals": counts})
        return
    shown = ", ".join(f"{number:,} {state}" for state, number in counts.items() if number)
    print_facts(
        [
            ("Rule", rule.name),
            ("Tells of", described),
            ("To", ", ".join(rule.targets)),
            ("Cooldown", describe_cooldown(rule.cooldown)),
            ("Digest", f"daily at {rule.digest_at} UTC" if rule.digest_at else "no, one message per order"),
            ("Enabled", f"yes, since {moment(rule.active_since)} UTC" if rule.enabled else "no"),
            ("Added", f"{moment(rule.created_at)} UTC"),
            ("Signals", shown or "none yet"),
        ]
    )


@rules.command("remove")
def remove(names: RuleNames, db: Database = None) -> None:
    """Delete rules. Their signals stay, but what is pending is not sent."""
    with Store.open_existing(database_path(db)) as store:
        found = require_rules(store, names)
        rule_book.remove(store, found)
    write(f"{counted(len(found), 'rule')} removed.\n")


@rules.command("enable")
def enable(names: RuleNames, db: Database = None) -> None:
    """Enable rules that were disabled. What happened meanwhile is not told."""
    with Store.open_existing(database_path(db)) as store:
        found = require_rules(store, names)
        rule_book.enable(store, found, utc_now())
    write(f"{counted(len(found), 'rule')} enabled.\n")


@rules.command("disable")
def disable(names: RuleNames, db: Database = None) -> None:
    """Disable rules. They tell of nothing, not even of what is pending."""
    with Store.open_existing(database_path(db)) as store:
        found = require_rules(store, names)
        rule_book.disable(store, found)
    write(f"{counted(len(found), 'rule')} disabled.\n")


@rules.command("replay", epilog=examples("rules replay big --since 7d", "rules replay --since 24h --csv"))
def replay(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="One rule.", show_default="all enabled", autocompletion=complete_rule),
    ] = None,
    *,
    since: Annotated[str, typer.Option(metavar="TIME", help="How far back: 24h, 7d, or an ISO time (UTC).")] = "7d",
    as_json: AsJson = False,
    as_jsonl: AsJsonLines = False,
    as_csv: AsCsv = False,
    db: Database = None,
) -> None:
    """Show what rules would have told, day by day, from the stored trades. Nothing is sent.

    Names, tags, records and markets are taken as they are now.
    """
    form = chosen_form(json=as_json, jsonl=as_jsonl, csv=as_csv)
    now = utc_now()
    start = parse_since(since, now)
    with Store.open_to_read(database_path(db)) as store:
        found = require_rules(store, [name]) if name else [rule for rule in find_rules(store) if rule.enabled]
        print_replay(store, found, start, now, form)


def _describe(filters: Filters, store: Store) -> str:
    described = describe(filters, find_names(store))
    return one_line(described, len(described))


def _delivery(rule: NewRule) -> str:
    """Where the messages of a rule go, and how often."""
    pace = f"daily at {rule.digest_at} UTC" if rule.digest_at else f"cooldown {describe_cooldown(rule.cooldown)}"
    if rule.filters.consensus is not None:
        pace = "when it forms and when it grows by half"
    return f"To {', '.join(rule.targets)}, {pace}."


def _warn_of(rule: NewRule, store: Store, book: AddressBook) -> None:
    """Warn of what keeps a rule silent for now."""
    if DEFAULT_TARGET in rule.targets and DEFAULT_TARGET not in book.names:
        warn(f"{variable_of(DEFAULT_TARGET)} is not set, so nobody is told until it is; or name a target with --to.")
    missing = [label for label in rule.filters.labels if not has_label(store, label)]
    if missing:
        warn(f"No market has the label {' or '.join(missing)} so far.")


def _not_stored(rule: NewRule, now: datetime) -> StoredRule:
    return StoredRule.from_columns(
        [
            0,
            rule.name,
            rule.filters.to_json(),
            "[]",
            int(rule.cooldown.total_seconds()),
            rule.digest_at,
            1,
            to_millis_text(now),
            to_millis_text(now),
            None,
        ]
    )
