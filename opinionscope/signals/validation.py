"""Why a rule is refused: it names what is not there, or it can never match anything."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import isfinite

from opinionscope.errors import UsageError
from opinionscope.notify.address_book import DEFAULT_TARGET, variable_of
from opinionscope.signals.rules import ACTIONS, Filters
from opinionscope.store.database import Store
from opinionscope.store.markets import FINAL_STATUSES
from opinionscope.store.rule_facts import find_statuses, find_tags_of_tracked, find_tracked_here, has_markets
from opinionscope.times import parse_duration

LONGEST_NAME = 40
LONGEST_COOLDOWN = timedelta(days=365)
_POSSIBLE_CHANGES = {
    "BUY": {"NEW", "ADD", "FLIP"},
    "SELL": {"REDUCE", "EXIT"},
    "SPLIT": {"NEW", "ADD"},
    "MERGE": {"REDUCE", "EXIT"},
}


@dataclass(frozen=True)
class Known:
    """What a rule can name: the tags of the tracked wallets by address, the status of each market (None: unknown).

    A rule may name a wallet that another shard polls, so that all shards can have the same rules; a consensus is made
    of the wallets `here`.
    """

    tags: Mapping[str, Collection[str]]
    markets: Mapping[str, str | None]
    targets: Collection[str]
    here: Collection[str]
    has_markets: bool = True


def read_known(store: Store, filters: Filters, targets: Collection[str]) -> Known:
    """What there is of what the filters name. `targets` are the names of those that are set up."""
    return Known(
        tags=find_tags_of_tracked(store),
        markets=find_statuses(store, filters.markets),
        targets=targets,
        here=find_tracked_here(store),
        has_markets=has_markets(store),
    )


def valid_name(name: str) -> str:
    """The name of a rule. Raises UsageError if it cannot be one."""
    if not re.fullmatch(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_NAME - 1}}}", name):
        raise UsageError(
            f"{name[:80]!r} is not a valid name for a rule; expected at most {LONGEST_NAME} letters, digits, "
            "'.', '-' or '_'."
        )
    return name


def valid_time_of_day(text: str) -> str:
    """A time of day as HH:MM. Raises UsageError for anything else."""
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text.strip(), re.ASCII):
        raise UsageError(f"{text[:80]!r} is not a valid time of day; expected HH:MM (UTC), such as 08:00.")
    return text.strip()


def valid_cooldown(text: str) -> timedelta:
    """A cooldown, such as `30m`. Raises UsageError for what is none, or longer than a year."""
    cooldown = parse_duration(text)
    if cooldown > LONGEST_COOLDOWN:
        raise UsageError(f"--cooldown {text.strip()} is too long; expected at most {LONGEST_COOLDOWN.days}d.")
    return cooldown


def refuse_impossible(filters: Filters, targets: Sequence[str], digest_at: str | None, known: Known) -> None:
    """Raise UsageError, with the reason, for a rule that could never tell anybody anything."""
    _check_targets(targets, known)
    _check_amounts(filters)
    _check_tags(filters, known)
    _check_markets(filters, known)
    if filters.consensus is None:
        _check_orders(filters)
    else:
        _check_consensus(filters, digest_at, known)


def _check_targets(targets: Sequence[str], known: Known) -> None:
    for target in targets:
        if target not in known.targets:
            names = [name for name in known.targets if name != DEFAULT_TARGET]
            there = f"known targets: {', '.join(names)}" if names else "no target is set up"
            raise UsageError(f"There is no target {target!r}: {variable_of(target)} is not set ({there}).")


def _check_amounts(filters: Filters) -> None:
    for option, least in (("--min-amount", filters.min_amount), ("--min-exposure", filters.min_exposure)):
        if least is not None and not isfinite(least):
            raise UsageError(f"This rule can never match: {option} {least:g} is more than anybody has.")


def _check_tags(filters: Filters, known: Known) -> None:
    in_use = {tag for tags in known.tags.values() for tag in tags}
    for tag in filters.tags:
        if tag not in in_use:
            there = f"tags in use: {', '.join(sorted(in_use))}" if in_use else "no wallet has a tag yet"
            raise UsageError(f"No tracked wallet has the tag {tag!r} ({there}).")
    if filters.whales and filters.tags and not any(set(filters.tags) & set(known.tags[w]) for w in filters.whales):
        raise UsageError("This rule can never match: none of these whales has any of these tags.")


def _check_markets(filters: Filters, known: Known) -> None:
    for market in filters.markets:
        if known.markets[market] is None and known.has_markets:
            raise UsageError(f"No market {market} has been synced; see `opinionscope markets`.")
    statuses = [known.markets[market] for market in filters.markets]
    if statuses and all(status in FINAL_STATUSES for status in statuses):
        raise UsageError(
            f"This rule can never match: market {filters.markets[0]} is {statuses[0]}, so nothing trades in it."
        )


def _check_orders(filters: Filters) -> None:
    if filters.min_exposure is not None:
        raise UsageError("--min-exposure works only with --consensus.")
    least, most = filters.min_price, filters.max_price
    if least is not None and most is not None and least > most:
        raise UsageError(f"This rule can never match: --min-price {least:g} is above --max-price {most:g}.")
    actions = filters.actions or ACTIONS
    if filters.changes and not any(set(filters.changes) & _POSSIBLE_CHANGES[action] for action in actions):
        doing = " or ".join(f"a {action.lower()}" for action in actions)
        changes = " or ".join(filters.changes)
        raise UsageError(f"This rule can never match: {doing} never makes a position {changes}.")


def _check_consensus(filters: Filters, digest_at: str | None, known: Known) -> None:
    about_orders = {
        "--action": filters.actions,
        "--change": filters.changes,
        "--min-amount": filters.min_amount,
        "--min-price": filters.min_price,
        "--max-price": filters.max_price,
        "--digest": digest_at,
    }
    for option, value in about_orders.items():
        if value not in (None, ()):
            raise UsageError(f"{option} is about orders and doesn't work with --consensus.")
    possible = [
        address
        for address, tags in known.tags.items()
        if address in known.here
        and (not filters.whales or address in filters.whales)
        and (not filters.tags or set(filters.tags) & set(tags))
    ]
    if len(possible) < (filters.consensus or 0):
        raise UsageError(
            f"This rule can never match: a consensus of {filters.consensus} needs as many tracked wallets, "
            f"but there are {len(possible)}."
        )
