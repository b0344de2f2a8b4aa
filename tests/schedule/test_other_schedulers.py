"""`crontab show --format systemd` and `--format kubernetes`: the same jobs, for other schedulers."""

import re
import shlex
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from opinionscope.errors import ConfigurationError
from opinionscope.job_table import JOBS, Job
from opinionscope.schedule.kubernetes import render_cron_jobs
from opinionscope.schedule.systemd_units import calendar_of, quote, render_units
from tests.conftest import CommandLine

COMMAND = ["/opt/opinion scope/bin/opinionscope"]
SETTINGS = Path("/home/ann/50% off/env")


def units_in(text: str) -> dict[str, ConfigParser]:
    """The units, by the names in their first lines."""
    parts = re.split(r"^# (opinionscope-\w+\.(?:service|timer))$", text, flags=re.MULTILINE)[1:]
    units = {}
    for name, content in zip(parts[::2], parts[1::2], strict=True):
        units[name] = ConfigParser(interpolation=None)
        units[name].read_string(content)
    return units


@pytest.fixture(scope="module")
def units() -> dict[str, ConfigParser]:
    return units_in(render_units(COMMAND, settings=SETTINGS, database=Path("/data/$x.db")))


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_every_job_has_a_service_and_a_timer_that_makes_up_for_missed_runs(
    units: dict[str, ConfigParser], job: Job
) -> None:
    service, timer = units[f"opinionscope-{job.name}.service"], units[f"opinionscope-{job.name}.timer"]
    words = shlex.split(service["Service"]["ExecStart"])
    assert words == [*COMMAND, *job.words, "--db", "/data/$$x.db"]
    assert service["Service"]["Environment"] == '"OPINIONSCOPE_ENV_FILE=/home/ann/50%% off/env"'
    assert timer["Timer"]["Persistent"] == "true"
    assert timer["Timer"]["OnCalendar"].endswith(" UTC")


def test_every_time_is_one_that_systemd_understands() -> None:
    assert {job.name: calendar_of(job.schedule) for job in JOBS} == {
        "markets": "*-*-* *:02..59/5:00 UTC",
        "whales": "*-*-* *:*:00 UTC",
        "positions": "*-*-* *:41:00 UTC",
        "stats": "*-*-* *:07:00 UTC",
        "cleanup": "*-*-* *:23:00 UTC",
    }
    if shutil.which("systemd-analyze"):
        subprocess.run(["systemd-analyze", "calendar", *(calendar_of(job.schedule) for job in JOBS)], check=True)
    with pytest.raises(ValueError, match="names days"):
        calendar_of("7 3 * * 1")


def test_a_path_that_cannot_stand_in_a_unit_is_refused() -> None:
    assert quote('/a "b" \\ 5%/x') == '"/a \\"b\\" \\\\ 5%%/x"'
    with pytest.raises(ConfigurationError):
        render_units(["/a\nExecStartPost=/bin/evil"], settings=SETTINGS)


@pytest.fixture(scope="module")
def objects() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(render_cron_jobs("registry.example/opinionscope:1")))


def test_every_job_is_a_cron_job_that_never_runs_twice_at_once(objects: list[dict[str, Any]]) -> None:
    assert [each["kind"] for each in objects] == ["PersistentVolumeClaim", *["CronJob"] * len(JOBS)]
    for job, cron_job in zip(JOBS, objects[1:], strict=True):
        spec = cron_job["spec"]
        assert cron_job["metadata"]["name"] == f"opinionscope-{job.name}"
        assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == (job.schedule, "Etc/UTC", "Forbid")
        pod = spec["jobTemplate"]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert container["command"] == ["opinionscope", *job.words]
        environment = {each["name"]: each for each in container["env"]}
        assert environment["OPINION_TRADE_API_KEY"]["valueFrom"]["secretKeyRef"]["name"] == "opinionscope"
        (mount,) = container["volumeMounts"]
        assert environment["OPINIONSCOPE_DB"]["value"].startswith(mount["mountPath"])
        assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == objects[0]["metadata"]["name"]


def test_the_command_prints_each_format_and_names_the_formats_it_knows(command: CommandLine) -> None:
    env_file = command.home / "my env"
    env_file.touch()
    shown = command("crontab", "show", "--format", "systemd", OPINIONSCOPE_ENV_FILE=str(env_file))
    services = [unit for name, unit in units_in(shown.stdout).items() if name.endswith("service")]
    assert len(services) == len(JOBS)
    for service in services:
        words = shlex.split(service["Service"]["ExecStart"])
        assert Path(words[0]).is_absolute()
        assert words[-2:] == ["--db", str(command.database)]
        assert service["Service"]["Environment"] == f'"OPINIONSCOPE_ENV_FILE={env_file}"'
    assert "kind: CronJob" in command("crontab", "show", "--format", "kubernetes").stdout
    refused = command("crontab", "show", "--format", "launchd")
    assert (refused.returncode, "expected one of cron, systemd, kubernetes" in refused.stderr) == (2, True)
