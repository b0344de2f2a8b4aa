"""How a wallet is named on the command line: by its address, its name, or the beginning of its address."""

import re
from collections.abc import Sequence
from typing import Annotated

import typer

from opinionscope.addresses import parse_address
from opinionscope.cli.completion import LONGEST_NAME_SHOWN, complete_wallet
from opinionscope.errors import UsageError
from opinionscope.store.database import Store
from opinionscope.store.shards import find_shard
from opinionscope.store.whales import Whale, find_whale, find_whales_called
from opinionscope.text import one_line

_HELP = "An address, a tracked whale's name, or the beginning of its address (0x and 6 or more digits)."
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")
_BEGINNING = re.compile(r"0x[0-9a-f]{6,39}")
_SHOWN_CANDIDATES = 4
_LONGEST_WORD = 80


WalletArgument = Annotated[str, typer.Argument(metavar="WALLET", help=_HELP, autocompletion=complete_wallet)]
WalletArguments = Annotated[list[str], typer.Argument(metavar="WALLET", help=_HELP, autocompletion=complete_wallet)]


def find_wallet(store: Store, text: str) -> Whale:
    """The wallet that `text` names: a tracked one, or else a removed one.

    Raises UsageError, which says what to do, if it names none or several.
    """
    word = " ".join(text.split())
    if _is_address(word):
        whale = find_whale(store, parse_address(word))
        if whale is None:
            raise not_tracked(parse_address(word))
        return whale
    found = find_whales_called(store, word, word.lower() if _BEGINNING.fullmatch(word.lower()) else None)
    candidates = [whale for whale in found if whale.enabled] or found
    if len(candidates) == 1:
        return candidates[0]
    raise _ambiguous(word, candidates) if candidates else _unknown(word)


def find_tracked_wallet(store: Store, text: str) -> Whale:
    """Like `find_wallet`, but a wallet that was removed is an error."""
    whale = find_wallet(store, text)
    if not whale.enabled:
        raise not_tracked(whale.address)
    return whale


def find_tracked_wallets(store: Store, texts: Sequence[str]) -> list[Whale]:
    """The wallets that the texts name, each once, in order. Raises UsageError if one names no tracked wallet."""
    return list({whale.address: whale for whale in (find_tracked_wallet(store, text) for text in texts)}.values())


def find_wallets_polled_here(store: Store, texts: Sequence[str]) -> list[Whale]:
    """Like `find_tracked_wallets`, but a wallet that another shard polls is an error."""
    wanted, shard = find_tracked_wallets(store, texts), find_shard(store)
    for whale in wanted:
        if shard and whale.elsewhere:
            owner = shard.owner_of(whale.address)
            raise UsageError(f"{whale.address} is polled by shard {owner}; this is shard {shard}.")
    return wanted


def find_address(store: Store, text: str) -> str:
    """The address of the wallet that `text` names, to filter by: a whole address may be one that was never tracked.

    Raises UsageError, which says what to do, if it names none or several.
    """
    return parse_address(text) if _is_address(text.strip()) else find_wallet(store, text).address


def not_tracked(address: str) -> UsageError:
    """What is wrong with an address that is not tracked, and what to do about it."""
    return UsageError(f"{address} is not tracked; add it with `opinionscope whales add {address}`.")


def _is_address(word: str) -> bool:
    return _ADDRESS.fullmatch(word.lower()) is not None


def _ambiguous(word: str, candidates: Sequence[Whale]) -> UsageError:
    shown = ", ".join(_describe(whale) for whale in candidates[:_SHOWN_CANDIDATES])
    rest = len(candidates) - _SHOWN_CANDIDATES
    more = f" and {rest:,} more" if rest > 0 else ""
    return UsageError(f"{_quoted(word)} fits {len(candidates):,} wallets: {shown}{more}; give more of the address.")


def _describe(whale: Whale) -> str:
    name = one_line(whale.name or "", LONGEST_NAME_SHOWN)
    return f"{whale.address} ({name})" if name else whale.address


def _unknown(word: str) -> UsageError:
    if re.fullmatch(r"0x[0-9a-f]{0,5}", word.lower()):
        return UsageError(f"{_quoted(word)} is too short; expected at least 6 hex digits after 0x.")
    if _BEGINNING.fullmatch(word.lower()):
        return UsageError(f"No tracked wallet's address begins with {word}; see `opinionscope whales list`.")
    return UsageError(
        f"{_quoted(word)} is neither a tracked whale's name nor a wallet address; see `opinionscope whales list`."
    )


def _quoted(word: str) -> str:
    return repr(word[:_LONGEST_WORD])
