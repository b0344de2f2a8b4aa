"""`alert test`: whether each target takes a message."""

import pytest

from tests.alerts.receiver import receiving
from tests.conftest import CommandLine


def test_it_says_which_targets_accepted_the_test(command: CommandLine) -> None:
    with receiving() as well, receiving() as ill:
        ill.status = 500
        urls = f"{well.alert_url.replace('://', '://anna:pass@')},{ill.alert_url},unknown://x"
        result = command("alert", "test", OPINIONSCOPE_ALERT_URLS=urls)
        assert result.returncode == 1
        assert result.stdout.splitlines() == [
            f"json://anna:****@127.0.0.1:{well.port}/alerts: accepted",
            f"json://127.0.0.1:{ill.port}/alerts: did not accept the message",
            "unknown://…: isn't a valid Apprise URL",
        ]
        assert well.titles == ["opinionscope: test"]
        assert result.stderr == ""


def test_it_ends_well_if_all_accepted(command: CommandLine) -> None:
    with receiving() as receiver:
        assert command("alert", "test", OPINIONSCOPE_ALERT_URLS=f" {receiver.alert_url} ,").returncode == 0


@pytest.mark.parametrize("setting", ["", " , "])
def test_without_a_target_it_says_what_to_set(command: CommandLine, setting: str) -> None:
    result = command("alert", "test", OPINIONSCOPE_ALERT_URLS=setting)
    assert result.returncode == 78
    assert "OPINIONSCOPE_ALERT_URLS" in result.stderr
