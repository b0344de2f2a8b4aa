"""Lists of wallets: CSV, and JSON as the exchange's leaderboard returns it."""

import json
from collections.abc import Iterator
from typing import Any

from opinionscope.addresses import parse_address
from opinionscope.errors import UsageError
from opinionscope.text import valid_text
from opinionscope.wallet_csv import read_csv

LONGEST_NAME = 100

NamedWallet = tuple[str, str | None]
"""An address in lower case, and its name if it has one."""


def parse_wallet_list(text: str) -> list[NamedWallet]:
    """The wallets in a list, in order and without duplicates.

    Either CSV, as `read_csv` describes it; or JSON: an array of addresses, or of objects with `address` or
    `walletAddress` and optionally `name` or `userName`. The array may be wrapped as in the leaderboard's answer,
    `{"result": {"list": […]}}`. Raises UsageError, which names the first invalid entry, or if there are no entries.
    """
    entries = _read_json(text) if text.lstrip()[:1] in ("[", "{") else read_csv(text)
    wallets: dict[str, str | None] = {}
    for place, written, name in entries:
        try:
            address = parse_address(written)
        except UsageError as error:
            raise UsageError(f"{place}: {error} Nothing was imported.") from None
        wallets[address] = tidy_name(name) or wallets.get(address)
    if not wallets:
        raise UsageError("The list contains no wallets.")
    return list(wallets.items())


def tidy_name(name: str | None) -> str | None:
    """The name on one line, storable and of limited length; None if nothing is left."""
    if name is None:
        return None
    return " ".join(valid_text(name).split())[:LONGEST_NAME] or None


def _read_json(text: str) -> Iterator[tuple[str, str, str | None]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "nested too deeply"
        raise UsageError(f"The list is not valid JSON ({reason}). Nothing was imported.") from None
    for number, entry in enumerate(_unwrap(document), start=1):
        address, name = _read_entry(entry)
        yield f"entry {number}", address, name


def _unwrap(document: Any) -> list[Any]:
    if isinstance(document, dict):
        result = document.get("result")
        document = result.get("list") if isinstance(result, dict) else None
    if not isinstance(document, list):
        raise UsageError('The JSON is not a list of wallets; expected an array, or {"result": {"list": […]}}.')
    return document


def _read_entry(entry: Any) -> tuple[str, str | None]:
    """The address of an entry, not validated yet, and its name."""
    if not isinstance(entry, dict):
        return (entry if isinstance(entry, str) else json.dumps(entry)), None
    address, name = (
        entry.get(key) or entry.get(other) for key, other in (("address", "walletAddress"), ("name", "userName"))
    )
    return (address if isinstance(address, str) else json.dumps(entry)), name if isinstance(name, str) else None
