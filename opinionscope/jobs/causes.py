"""Errors by their cause: what went wrong for twenty wallets is said once."""

import re
from collections.abc import Iterable, Mapping

_OF_A_WALLET = re.compile(r"(0x[0-9a-f]{40}): (.*)", re.DOTALL)


def by_cause(errors: Iterable[str]) -> list[str]:
    """The distinct errors in their order; those of several wallets for one cause are `no answer in time: 20 wallets`.

    The error of a wallet begins with its address; that of a single one keeps it.
    """
    by_wallet: dict[str, dict[str, str]] = {}
    for error in errors:
        match = _OF_A_WALLET.fullmatch(error)
        address, cause = match.groups() if match else ("", error)
        by_wallet.setdefault(cause, {})[address] = error
    return [line for cause, said in by_wallet.items() for line in _lines(cause, said)]


def _lines(cause: str, said: Mapping[str, str]) -> list[str]:
    """What is said of a cause. `said` are the errors by wallet; those of none are under the empty address."""
    wallets = len(said) - ("" in said)
    return [f"{cause}: {wallets:,} wallets"] if wallets > 1 else list(said.values())
