"""Lists of wallets: CSV, and JSON as the exchange's leaderboard returns it."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from opinionscope.addresses import parse_address
from opinionscope.errors import UsageError
from opinionscope.tags import parse_tags
from opinionscope.text import valid_text
from opinionscope.wallet_csv import WrittenWallet, read_csv

LONGEST_NAME = 100


class NamedWallet(NamedTuple):
    """An address in lower case, its name if it has one, and its tags."""

    address: str
    name: str | None = None
    tags: tuple[str, ...] = ()


def parse_wallet_list(text: str) -> list[NamedWallet]:
    """The wallets in a list, in order and without duplicates.

    Either CSV, as `read_csv` describes it; or JSON: an array of addresses, or of objects with `address` or
    `walletAddress` and optionally `name` or `userName`, and `tags`. The array may be wrapped as in the leaderboard's
    answer, `{"result": {"list": […]}}`. Raises UsageError, which names the first invalid entry, or if there are no
    entries.
    """
    entries = _read_json(text) if text.lstrip()[:1] in ("[", "{") else read_csv(text)
    wallets: dict[str, NamedWallet] = {}
    for entry in entries:
        try:
            address, tags = parse_address(entry.address), parse_tags(entry.tags)
        except UsageError as error:
            raise UsageError(f"{entry.place}: {error} Nothing was imported.") from None
        before = wallets.get(address, NamedWallet(address))
        wallets[address] = NamedWallet(
            address, tidy_name(entry.name) or before.name, tuple(dict.fromkeys([*before.tags, *tags]))
        )
    if not wallets:
        raise UsageError("The list contains no wallets.")
    return list(wallets.values())


def tidy_name(name: str | None) -> str | None:
    """The name on one line, storable and of limited length; None if nothing is left."""
    if name is None:
        return None
    return " ".join(valid_text(name).split())[:LONGEST_NAME] or None


def _read_json(text: str) -> Iterator[WrittenWallet]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "nested too deeply"
        raise UsageError(f"The list is not valid JSON ({reason}). Nothing was imported.") from None
    for number, entry in enumerate(_unwrap(document), start=1):
        yield _read_entry(entry, f"entry {number}")


def _unwrap(document: Any) -> list[Any]:
    if isinstance(document, dict):
        result = document.get("result")
        document = result.get("list") if isinstance(result, dict) else None
    if not isinstance(document, list):
        raise UsageError('The JSON is not a list of wallets; expected an array, or {"result": {"list": […]}}.')
    return document


def _read_entry(entry: Any, place: str) -> WrittenWallet:
    if not isinstance(entry, dict):
        return WrittenWallet(place, entry if isinstance(entry, str) else json.dumps(entry))
    address, name = (
        entry.get(key) or entry.get(other) for key, other in (("address", "walletAddress"), ("name", "userName"))
    )
    tags = entry.get("tags") or []
    return WrittenWallet(
        place,
        address if isinstance(address, str) else json.dumps(entry),
        name if isinstance(name, str) else None,
        tags if isinstance(tags, str) else json.dumps(tags),
    )
