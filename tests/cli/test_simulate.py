"""`simulate`: the exchange as a server of its own."""

import json
import re
import shlex
import signal
import socket
import subprocess
import urllib.error
import urllib.request

import pytest

from tests.conftest import COMMAND, CommandLine


def introduction(process: "subprocess.Popen[str]") -> str:
    """What it prints once it listens."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "sync whales" in line:
            break
    return "".join(lines)


def ending(process: "subprocess.Popen[str]", number: signal.Signals) -> tuple[int, str]:
    """How it ends on a signal: its status and what it says on stderr."""
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_end(command: CommandLine, number: signal.Signals) -> None:
    process = command.start("simulate", "--port", "0", "--seed", "3")
    printed = introduction(process)
    url = re.search(r"^export OPINION_TRADE_BASE_URL=(http://127\.0\.0\.1:\d+/openapi)$", printed, re.MULTILINE)
    wallet = re.search(r"whales add (0x[0-9a-f]{40})$", printed, re.MULTILINE)
    assert url
    assert wallet

    with urllib.request.urlopen(f"{url[1]}/trade/user/{wallet[1]}", timeout=10) as answer:
        assert json.load(answer)["result"]["total"] > 0
    assert ending(process, number) == (0, "")


def test_it_has_as_many_wallets_as_told_and_prints_them_all(command: CommandLine) -> None:
    process = command.start("simulate", "--port", "0", "--wallets", "23")
    wallets = re.findall(r"whales add (0x[0-9a-f]{40})$", introduction(process), re.MULTILINE)
    assert len(set(wallets)) == 23
    assert ending(process, signal.SIGTERM) == (0, "")


def test_the_lines_it_prints_lead_a_shell_through_a_first_sync(command: CommandLine) -> None:
    process = command.start("simulate", "--port", "0", "--rate-limit", "0", "--api-key", "let-me-in")
    lines = [line for line in introduction(process).splitlines() if line.startswith(("export ", "opinionscope "))]
    command.settings |= {"OPINIONSCOPE_RATE_LIMIT": "500"}

    run = subprocess.run(
        ["/bin/sh", "-ec", "\n".join([f'opinionscope() {{ {shlex.join(COMMAND)} "$@"; }}', *lines])],
        env=command.environment,
        cwd=command.home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (run.returncode, run.stderr) == (0, "")
    command.database = command.home / "simulated.db"
    assert command.last_run("whales")["item_count"] > 0
    assert ending(process, signal.SIGTERM) == (0, "")


def test_faults_strike_as_told(command: CommandLine) -> None:
    process = command.start("simulate", "--port", "0", "--fault", "500")
    url = re.search(r"http://\S+/openapi", introduction(process))
    assert url

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{url[0]}/market", timeout=10)
    with caught.value as answer:
        assert answer.code == 500
    assert ending(process, signal.SIGINT) == (0, "")


def test_a_port_in_use_is_said_in_one_line(command: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = command("simulate", "--port", str(other.getsockname()[1]))

    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "--port" in result.stderr


def test_an_unknown_fault_lists_those_there_are(command: CommandLine) -> None:
    result = command("simulate", "--fault", "earthquake")

    assert result.returncode == 2
    assert "truncated_json" in result.stderr


@pytest.mark.parametrize("fault", ["500=2", "500=-0.1", "500=often", "500=nan"])
def test_a_probability_is_between_0_and_1(command: CommandLine, fault: str) -> None:
    assert command("simulate", "--fault", fault).returncode == 2
