"""The API key goes to the exchange and nowhere else; what comes from outside is data; answers are bounded."""

import ast
import os
import re
import stat
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import opinionscope
from opinionscope.cli.app import app
from opinionscope.simulator import Exchange, ExchangeServer, Fault
from opinionscope.simulator.spoiled_content import HOSTILE_TEXTS
from tests.cli.terminal import run_on_terminal
from tests.conftest import COMMAND, CommandLine, Trading

KEY = "k3y-0f-th3-t3sts-which-nobody-else-knows"
SECOND_KEY = "an0th3r-k3y-0f-th3-t3sts"
KEYS = f"{KEY},{SECOND_KEY}"
PACKAGE = Path(opinionscope.__file__).parent
LISTINGS = (["markets"], ["activity"], ["whales", "list"], ["logs"], ["status"])
PEAK = """
import subprocess, sys
run = subprocess.Popen(sys.argv[1:], stderr=subprocess.DEVNULL)
peak = 0
while run.poll() is None:
    try:
        status = open(f"/proc/{run.pid}/status").read()
        peak = max(peak, int(status.split("VmHWM:")[1].split()[0]) if "VmHWM:" in status else 0)
        run.wait(0.02)
    except (subprocess.TimeoutExpired, OSError):
        continue
print(peak)
"""


@pytest.fixture
def server(command: CommandLine, trading: Trading) -> ExchangeServer:
    """A small exchange that accepts two keys alone; its wallets are tracked."""
    exchange = Exchange(seed=31, markets=45, wallets=8, history=30, trades_per_minute=0, market_churn_per_minute=0)
    server = trading(exchange, api_key=KEYS)
    command.settings["OPINION_TRADE_API_KEY"] = KEYS
    command("whales", "add", *exchange.wallets)
    return server


def whereabouts(command: CommandLine, text: str) -> list[str]:
    """The files of the home and data folders that hold the text."""
    files = [path for folder in (command.home, command.database.parent) for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"opinionscope.db", "opinionscope.db.pacer"}
    return [path.name for path in files if text.encode() in path.read_bytes()]


def test_a_key_that_the_exchange_echoes_is_stored_printed_and_logged_nowhere(
    command: CommandLine, server: ExchangeServer
) -> None:
    server.faults.add(Fault("echo_key"))
    printed = ""
    for job in ("markets", "whales") * 2:
        result = command("sync", job, "--verbose")
        printed += result.stdout + result.stderr
    server.faults.clear()
    server.faults.add(Fault("401"))
    for words in (
        ["sync", "markets"],
        ["sync", "whales"],
        ["logs"],
        ["status"],
        ["check"],
        ["whales", "list", "--json"],
    ):
        result = command(*words, "--verbose")
        printed += result.stdout + result.stderr
    assert "***" in printed
    for part in (KEY, KEY[:12], KEY[-12:], SECOND_KEY):
        assert part not in printed
        assert whereabouts(command, part) == []
    assert {request.key for request in server.requests} == {KEY, SECOND_KEY}
    assert not [request for request in server.requests if KEY in request.target or SECOND_KEY in request.target]


def test_the_key_is_in_no_command_line_of_a_running_job(command: CommandLine, server: ExchangeServer) -> None:
    server.faults.add(Fault("hang"))
    run = command.start_python("sync", "whales")
    end = time.monotonic() + 20
    while not server.requests and time.monotonic() < end:
        time.sleep(0.01)
    for key in (KEY, SECOND_KEY):
        assert key.encode() not in Path(f"/proc/{run.pid}/cmdline").read_bytes()
    run.kill()
    run.communicate()
    assert [whereabouts(command, key) for key in (KEY, SECOND_KEY)] == [[], []]


def test_a_redirect_is_not_followed(command: CommandLine, server: ExchangeServer) -> None:
    server.faults.add(Fault("redirect_other_host"))
    for job in ("markets", "whales"):
        assert command("sync", job).returncode == 1
    assert {request.path.startswith("/openapi/") for request in server.requests} == {True}


def test_netrc_and_proxies_bend_no_request(command: CommandLine, server: ExchangeServer) -> None:
    (command.home / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    (command.home / ".netrc").chmod(0o600)
    proxy = "http://127.0.0.1:9"
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"), proxy)
    assert command("sync", "markets", **proxies).returncode == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://openapi.opinion.trade/openapi",
        "http://127.0.0.1.example.com/",
        "http://127.0.0.1@example.com/",
        "http://2130706433/",
        "https://user@openapi.opinion.trade/",
        "https://:secret@openapi.opinion.trade/",
        "https://openapi.opinion.trade\\@example.com/",
        "ftp://openapi.opinion.trade/",
        "//openapi.opinion.trade/",
        "https:///openapi",
        "https://openapi.opinion.trade/?next=",
        "https://openapi.opinion.trade/?next=a",
        "https://openapi.opinion.trade/#a",
        "https://openapi.opinion.trade:0/",
        "https://openapi.opinion.trade:99999/",
        "https://[openapi.opinion.trade/",
        "https://open api.opinion.trade/",
        "https://openapi.opinion.trade/\tx",
        "file:///etc/passwd",
    ],
)
def test_the_base_url_is_https_or_loopback_and_carries_nothing_else(
    monkeypatch: pytest.MonkeyPatch, environment: None, url: str
) -> None:
    from opinionscope.errors import ConfigurationError
    from opinionscope.settings import Settings

    monkeypatch.setenv("OPINION_TRADE_BASE_URL", url)
    with pytest.raises(ConfigurationError, match="OPINION_TRADE_BASE_URL") as refusal:
        Settings.load()
    assert url not in str(refusal.value)


def test_no_setting_and_no_line_of_code_turns_the_verification_of_certificates_off() -> None:
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text()
        assert not re.search(
            r"verify\s*=|CERT_NONE|_create_unverified|check_hostname|allow_redirects\s*=\s*True", text
        ), path


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_files_and_folders_are_for_their_owner_alone_whatever_the_umask(
    command: CommandLine, server: ExchangeServer, tmp_path: Path, mask: int
) -> None:
    command.database = tmp_path / "new" / "folder" / "opinionscope.db"
    words = [*COMMAND, "whales", "add", *server.exchange.wallets]
    subprocess.run(words, env=command.environment, umask=mask, check=True, capture_output=True)
    subprocess.run([*COMMAND, "sync", "whales"], env=command.environment, umask=mask, check=True)
    for path in (tmp_path / "new", *(tmp_path / "new").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_hostile_texts_of_the_exchange_are_inert_in_every_listing(command: CommandLine, server: ExchangeServer) -> None:
    server.faults.add(Fault("hostile_text"))
    assert command("sync", "markets").returncode == 0
    assert command("sync", "whales").returncode == 0
    command("whales", "add", server.exchange.wallets[0], "--name", HOSTILE_TEXTS[0])
    command("whales", "add", server.exchange.wallets[1], "--name", HOSTILE_TEXTS[1])
    server.faults.clear()
    server.faults.add(Fault("echo_key"))
    command("sync", "whales")
    for words in LISTINGS:
        piped = command(*words).stdout
        unwell = words == ["status"]  # which ends with 1, since `stats` has never run
        on_terminal = piped if unwell else run_on_terminal(command, *words, width=120)
        for shown in (piped, re.sub(r"\x1b\[[0-9;]*m", "", on_terminal)):
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown), words
        assert "\x1b[31mred" not in on_terminal
        assert "[red]markup[/red]" in piped or words not in (["markets"], ["activity"], ["whales", "list"])


INJECTIONS = (
    "'; DROP TABLE whales; --",
    "%' OR '1'='1",
    '" OR 1=1 --',
    "x') UNION SELECT sql FROM sqlite_master --",
    "\\",
)


def test_sql_in_a_text_option_is_only_text(command: CommandLine, server: ExchangeServer, environment: None) -> None:
    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, [*words, "--db", str(command.database)])
        return result.exit_code, result.stdout.strip()

    command("sync", "markets")
    command("sync", "whales")
    wallet = server.exchange.wallets[0]
    for text in INJECTIONS:
        assert run("markets", "--search", text, "--json") == (0, "[]"), text
        assert run("whales", "add", wallet, "--name", text)[0] == 0
        assert command.query("SELECT name FROM whales WHERE address = ?", (wallet,)) == [(text,)]
        for words in (
            ["markets", "--status"],
            ["activity", "--market"],
            ["logs", "--type"],
            ["logs", "--since"],
        ):
            assert run(*words, text)[0] == 2, (words, text)
        assert run("activity", "--whale", text, "--json") == run("activity", "--whale", wallet, "--json")
        assert run("activity", "--whale", f"{text}x")[0] == 2
    assert command.query("SELECT count(*) FROM whales") == [(8,)]


def test_sql_is_put_together_from_constants_of_its_own_module_alone() -> None:
    for path in (PACKAGE / "store").glob("*.py"):
        for string in ast.walk(ast.parse(path.read_text())):
            if not isinstance(string, ast.JoinedStr) or not is_sql(string):
                continue
            for part in string.values:
                if isinstance(part, ast.FormattedValue):
                    assert is_constant(part.value), f"{path.name}: {ast.unparse(part.value)}"


CONSTANT_SQL = (
    r"places|among|of_wallet|columns|table|where|order|rest|row\.TABLE|row\.KEY|row\.columns\(\)|int\(pages\)|statement"
    r"|mirrored\.table|mirrored\.wallet|key|changes"
    r"|' AND '\.join\((wanted|conditions)\)|_where\(conditions, filters\)"
)
"""What a statement may be made of beside constants: lists of `?` and of columns, conditions written in the code.

`mirrored` is one of the tables that `store/mirroring.py` describes.
"""


def is_constant(part: ast.expr) -> bool:
    """Whether it is made of constants of the module alone, as in `", ".join(f"{name} = 0" for name in _NAMES)`."""
    nodes = list(ast.walk(part))
    loops = {ast.unparse(node.target) for node in nodes if isinstance(node, ast.comprehension)}
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return all(name.isupper() for name in names - loops - {"len"}) or bool(
        re.fullmatch(CONSTANT_SQL, ast.unparse(part))
    )


def test_rows_are_chosen_by_conditions_that_are_written_in_the_code() -> None:
    for path in (PACKAGE / "store").glob("*.py"):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "select_filtered":
                order = next(keyword.value for keyword in node.keywords if keyword.arg == "order")
                chosen = re.fullmatch(r"_[A-Z_]+\[\w+\]", ast.unparse(order))
                assert isinstance(order, ast.Constant) or chosen, f"{path.name}: {ast.unparse(order)}"
                assert ast.unparse(node.args[2]) == "_CONDITIONS"
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "select_by_keys" and path.name != "rows.py":
                assert all(isinstance(keyword.value, ast.Constant) for keyword in node.keywords), ast.unparse(node)
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("select", "select_first"):
                assert is_written_in_the_code(node.args[2]) or path.name == "rows.py", (
                    f"{path.name}: {ast.unparse(node)}"
                )
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_CONDITIONS":
                assert ast.literal_eval(node.value)


def is_written_in_the_code(sql: ast.expr) -> bool:
    """Whether it is a constant, or put together from constants."""
    if isinstance(sql, ast.JoinedStr):
        return all(is_constant(part.value) for part in sql.values if isinstance(part, ast.FormattedValue))
    return isinstance(sql, ast.Constant)


def is_sql(string: ast.JoinedStr) -> bool:
    text = "".join(str(part.value) for part in string.values if isinstance(part, ast.Constant))
    return bool(re.search(r"\b(SELECT|INSERT|UPDATE|DELETE|PRAGMA|WHERE)\b", text))


def test_dependencies_have_lower_and_upper_bounds() -> None:
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    for dependency in (each for group in groups for each in group):
        own = dependency.startswith("opinionscope[")
        assert own or re.search(r">=[0-9.]+,<[0-9.]+$", dependency), dependency


@pytest.mark.parametrize("name", ["huge_body", "gzip_bomb"])
def test_a_body_without_end_is_left_unread_in_little_memory_and_time(
    command: CommandLine, server: ExchangeServer, name: str
) -> None:
    server.faults.add(Fault(name))
    began = time.monotonic()
    measured = subprocess.run(
        [sys.executable, "-c", PEAK, *COMMAND, "sync", "whales"],
        env=command.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert time.monotonic() - began < 20
    assert 10_000 < int(measured.stdout) < 250_000, "kB; sixteen at a time"
    assert command.last_run("whales")["status"] == "failed"
    assert "larger than 8 MiB" in command.last_run("whales")["error"]


def test_the_env_file_that_others_can_read_is_told_of(command: CommandLine, server: ExchangeServer) -> None:
    folder = command.home / ".config" / "opinionscope"
    folder.mkdir(parents=True)
    (folder / "env").write_text(f"OPINION_TRADE_API_KEY={KEY}\n")
    (folder / "env").chmod(0o644)
    result = command("check")
    assert "chmod 600" in result.stdout + result.stderr
    assert KEY not in result.stdout + result.stderr
    assert os.access(folder / "env", os.R_OK)
