"""Options that several lists share: which rows they show, and in which order."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from opinionscope.cli.completion import complete_out_of, complete_tag, complete_wallet

OfWallet = Annotated[
    str | None,
    typer.Option(
        "--whale",
        metavar="WALLET",
        help="Only this wallet: its address, its name, or the beginning of its address.",
        autocompletion=complete_wallet,
    ),
]
Tagged = Annotated[
    str | None,
    typer.Option("--tag", metavar="TAG", help="Only wallets with this tag.", autocompletion=complete_tag),
]
InMarket = Annotated[
    str | None,
    typer.Option("--market", metavar="M", help="Only this market: its number, or topic:NUMBER for a topic."),
]


def word_option(words: Sequence[str], text: str, *names: str, metavar: str, **more: Any) -> Any:
    """An option whose value is one of these words; they stand for `{}` in its help."""
    return typer.Option(
        *names, metavar=metavar, help=text.format(", ".join(words)), autocompletion=complete_out_of(words), **more
    )


def sort_option(keys: Sequence[str], **more: Any) -> Any:
    """The option `--sort`, whose value is one of these keys."""
    return word_option(keys, "Sort by {}.", "--sort", metavar="KEY", **more)
