"""One wallet's answer does what it likes: the run goes on, and everybody else gets what is theirs and nothing else."""

import pytest

from tests.conftest import CommandLine
from tests.end_to_end.truth import assert_trades_are_exact
from tests.isolation.bad_answers import BAD_ANSWERS
from tests.isolation.conftest import WALLETS, Misbehaving
from tests.rounds import some


def test_each_bad_answer_at_once_and_every_good_one_is_stored(command: CommandLine, misbehaving: Misbehaving) -> None:
    exchange, server = misbehaving(WALLETS + len(BAD_ANSWERS))
    victims = dict(zip(exchange.wallets, BAD_ANSWERS, strict=False))
    server.bent = {wallet: BAD_ANSWERS[name][0] for wallet, name in victims.items()}

    result = command("sync", "whales")

    assert (result.returncode, command.last_run("whales")["status"]) == (1, "partial"), result.stderr
    assert_trades_are_exact(command, exchange, exchange.wallets[len(victims) :])
    errors = dict(command.query("SELECT address, last_error FROM whales"))
    for wallet, name in victims.items():
        said = BAD_ANSWERS[name][1]
        assert (said in (errors[wallet] or "")) if said else errors[wallet] is None, (name, errors[wallet])
        assert len(errors[wallet] or "") <= 1_000

    server.bent = {}
    for _ in range(2):
        assert command("sync", "whales").returncode == 0, command.last_run("whales")


@pytest.mark.parametrize("name", some(BAD_ANSWERS, ["an empty answer", "a lone surrogate in outcome"]))
def test_one_of_fifty_wallets_with_a_bad_answer_and_the_others_are_stored(
    command: CommandLine, misbehaving: Misbehaving, name: str
) -> None:
    exchange, server = misbehaving(WALLETS)
    bad, *others = exchange.wallets
    bend, said = BAD_ANSWERS[name]
    server.bent = {bad: bend}

    for _ in range(2):
        assert command("sync", "whales").returncode == (1 if said else 0)
        assert_trades_are_exact(command, exchange, others)
