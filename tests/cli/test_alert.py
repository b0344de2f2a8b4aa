"""`alert test`: whether each target takes a message."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from opinionscope.check.settings import check_names, check_targets
from opinionscope.cli.app import app
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


def test_one_target_is_tested_by_its_name(tmp_path: Path, environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    told, program = tmp_path / "told", tmp_path / "program"
    program.write_text(f"#!/bin/sh\ncat > {told}\n")
    program.chmod(0o700)
    monkeypatch.setenv("OPINIONSCOPE_TARGET_MY_BOT", f"exec:{program}")
    monkeypatch.setenv("OPINIONSCOPE_TARGET_OTHER", "exec:/nowhere/at/all")

    def test(*words: str) -> Result:
        return CliRunner().invoke(app, ["alert", "test", *words])

    one = test("--to", "my-bot")
    assert (one.exit_code, one.stdout) == (0, "my_bot: exec:program: accepted\n")
    document = json.loads(told.read_text())
    assert (document["version"], document["kind"], document["title"]) == (1, "test", "opinionscope: test")
    every = test()
    assert every.exit_code == 1
    assert "other: exec:all: could not be started: No such file or directory" in every.stdout
    unknown = test("--to", "nobody")
    assert unknown.exit_code == 2
    assert "OPINIONSCOPE_TARGET_NOBODY is not set" in unknown.stderr


def test_the_check_names_targets_that_cannot_be_told(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPINIONSCOPE_TARGET_GOOD", "exec:/bin/true")
    monkeypatch.setenv("OPINIONSCOPE_TARGET_GONE", "exec:/nowhere/secret")
    monkeypatch.setenv("OPINIONSCOPE_TARGET_ODD", "exec:relative/secret")
    findings = {finding.text.split()[0]: finding for finding in check_targets()}
    levels = {name: finding.level.name for name, finding in findings.items()}
    assert levels == {"gone": "FAILURE", "good": "OK", "odd": "FAILURE"}
    assert not any("secret" in finding.text for finding in findings.values())
    assert not [finding for finding in check_names() if "TARGET" in finding.text]
