"""The options of `rules add`, and the rule that they describe."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from opinionscope.cli.completion import complete_rule, complete_tag, complete_target, complete_wallet
from opinionscope.cli.filter_options import word_option
from opinionscope.cli.market_argument import market_name, parse_market
from opinionscope.cli.options import one_of
from opinionscope.cli.wallet_argument import find_tracked_wallets
from opinionscope.errors import UsageError
from opinionscope.notify.address_book import DEFAULT_TARGET, AddressBook, target_name
from opinionscope.signals.rule_book import NewRule
from opinionscope.signals.rules import ACTIONS, Filters
from opinionscope.signals.validation import (
    read_known,
    refuse_impossible,
    valid_cooldown,
    valid_name,
    valid_time_of_day,
)
from opinionscope.store.database import Store
from opinionscope.tags import parse_tag
from opinionscope.track_record.orders import CHANGES

_ACTIONS = tuple(action.lower() for action in ACTIONS)
_CHANGES = tuple(change.lower() for change in CHANGES)
_LONGEST_SEARCH = 200

RuleName = Annotated[str, typer.Argument(metavar="NAME", help="The rule's name.", autocompletion=complete_rule)]
RuleNames = Annotated[list[str], typer.Argument(metavar="NAME", help="The rules' names.", autocompletion=complete_rule)]
Whales = Annotated[
    list[str] | None,
    typer.Option("--whale", metavar="WALLET", help="This whale (repeatable).", autocompletion=complete_wallet),
]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="TAG", help="Whales with this tag (repeatable).", autocompletion=complete_tag),
]
Actions = Annotated[
    list[str] | None,
    word_option(_ACTIONS, "What the order does: {} (repeatable).", "--action", metavar="ACTION"),
]
Changes = Annotated[
    list[str] | None,
    word_option(_CHANGES, "What it does to the position: {} (repeatable).", "--change", metavar="CHANGE"),
]
MinAmount = Annotated[
    float | None, typer.Option(metavar="AMOUNT", min=0, help="Minimum amount of the order in the quote token (USDT).")
]
MinPrice = Annotated[float | None, typer.Option(metavar="PRICE", min=0, max=1, help="Minimum average price.")]
MaxPrice = Annotated[float | None, typer.Option(metavar="PRICE", min=0, max=1, help="Maximum average price.")]
Markets = Annotated[
    list[str] | None,
    typer.Option("--market", metavar="M", help="This market: its number, or topic:NUMBER (repeatable)."),
]
Search = Annotated[str | None, typer.Option(metavar="TEXT", help="Markets with this text in the title.")]
Labels = Annotated[
    list[str] | None, typer.Option("--label", metavar="LABEL", help="Markets with this label (repeatable).")
]
ConsensusOf = Annotated[
    int | None,
    typer.Option("--consensus", metavar="N", min=2, help="Tell when N whales agree, and when that grows by half."),
]
MinExposure = Annotated[
    float | None,
    typer.Option(
        metavar="AMOUNT", min=0, help="With --consensus: least exposure for a whale to count.", show_default="1000"
    ),
]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--to",
        metavar="TARGET",
        help="Named target (repeatable).",
        show_default="OPINIONSCOPE_ALERT_URLS",
        autocompletion=complete_target,
    ),
]
Cooldown = Annotated[
    str, typer.Option(metavar="TIME", help="Pause per whale and market after a message: 90s, 30m, 2h; 0s for none.")
]
Digest = Annotated[
    str | None,
    typer.Option(metavar="HH:MM", help="Send one message a day at this time (UTC), instead of one per order."),
]


@dataclass(frozen=True)
class GivenRule:
    """The options as they were typed."""

    name: str
    whales: Sequence[str]
    tags: Sequence[str]
    actions: Sequence[str]
    changes: Sequence[str]
    min_amount: float | None
    min_price: float | None
    max_price: float | None
    markets: Sequence[str]
    search: str | None
    labels: Sequence[str]
    consensus: int | None
    min_exposure: float | None
    targets: Sequence[str]
    cooldown: str
    digest: str | None

    def validated(self, store: Store, book: AddressBook) -> NewRule:
        """The rule that is meant. Raises UsageError, with the reason, if there can be no such rule."""
        filters = Filters(
            whales=tuple(whale.address for whale in find_tracked_wallets(store, self.whales)),
            tags=_unique(map(parse_tag, self.tags)),
            actions=_words(self.actions, _ACTIONS, "action"),
            changes=_words(self.changes, _CHANGES, "change"),
            min_amount=self.min_amount,
            min_price=self.min_price,
            max_price=self.max_price,
            markets=_unique(market_name(parse_market(market)) for market in self.markets),
            search=_search(self.search),
            labels=_unique(map(_label, self.labels)),
            consensus=self.consensus,
            min_exposure=self.min_exposure,
        )
        targets = _unique(target_name(target) or target for target in self.targets)
        digest_at = None if self.digest is None else valid_time_of_day(self.digest)
        refuse_impossible(filters, targets, digest_at, read_known(store, filters, book.names))
        cooldown = valid_cooldown(self.cooldown)
        return NewRule(valid_name(self.name), filters, targets or (DEFAULT_TARGET,), cooldown, digest_at)


def _search(text: str | None) -> str | None:
    if text is None:
        return None
    if not text.strip() or len(text) > _LONGEST_SEARCH:
        raise UsageError(f"--search takes a text of 1 to {_LONGEST_SEARCH} characters.")
    return text.strip()


def _label(text: str) -> str:
    if not text.strip():
        raise UsageError("--label takes a label; an empty one is none.")
    return text.strip()


def _words(given: Sequence[str], valid: Sequence[str], noun: str) -> tuple[str, ...]:
    return _unique(one_of(valid, word, noun).upper() for word in given)


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
