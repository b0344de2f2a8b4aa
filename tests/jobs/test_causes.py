"""Errors of a run, said once a cause."""

from opinionscope.jobs.causes import by_cause
from opinionscope.jobs.result import JobResult

WALLETS = [f"0x{number:040x}" for number in range(20)]


def test_one_cause_of_many_wallets_is_said_once_with_their_number() -> None:
    errors = [f"{wallet}: no answer in time" for wallet in WALLETS]
    assert by_cause([*errors, *errors]) == ["no answer in time: 20 wallets"]


def test_the_error_of_a_single_wallet_says_whose_it_is() -> None:
    first = f"{WALLETS[0]}: HTTP 500"
    errors = [first, f"{WALLETS[1]}: no answer", "page 3: no answer", f"{WALLETS[2]}: no answer", "page 3: no answer"]
    assert by_cause(errors) == [first, "no answer: 2 wallets", "page 3: no answer"]
    result = JobResult(errors=errors)
    assert result.error == f"{first}; no answer: 2 wallets; page 3: no answer"
