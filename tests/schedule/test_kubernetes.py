"""`crontab show --format kubernetes`: what a cluster accepts, for one installation and for shards."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import kubernetes_validate
import pytest
import yaml
from kubernetes_validate import utils

from opinionscope.job_table import JOBS
from opinionscope.schedule.kubernetes import render_cron_jobs, render_shards
from opinionscope.schedule.staggered import staggered
from tests.conftest import CommandLine

# The oldest release of Kubernetes that is still supported, and the newest.
RELEASES = ("1.34", "1.37")
FREE_NAMES = ("labels", "matchLabels", "requests", "limits")
IMAGE = "registry.example/opinionscope:1"

Object = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def _schemas_are_read_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "schema_contents", cache(utils.schema_contents))
        yield


def objects_for(parts: int | None) -> list[Object]:
    text = render_cron_jobs(IMAGE) if parts is None else render_shards(IMAGE, parts)
    return list(yaml.safe_load_all(text))


@pytest.mark.parametrize("parts", [None, 1, 8])
def test_every_object_is_one_of_the_published_schema(parts: int | None) -> None:
    found = objects_for(parts)
    names = [(each["kind"], each["metadata"]["name"]) for each in found]
    assert len(set(names)) == len(names) == (parts or 1) * (1 + len(JOBS) + (parts is not None))
    for each in found:
        for release in RELEASES:
            kubernetes_validate.validate(each, release, strict=True)


def test_the_schema_refuses_each_of_the_fields_when_it_is_misspelled() -> None:
    imports = objects_for(1)[1]
    fields = list(fields_of(imports))
    assert len(fields) > 40
    for path in fields:
        wrong = deepcopy(imports)
        holder: Any = wrong
        for step in path[:-1]:
            holder = holder[step]
        holder[f"{path[-1]}s"] = holder.pop(path[-1])
        with pytest.raises((kubernetes_validate.ValidationError, KeyError, kubernetes_validate.SchemaNotFoundError)):
            kubernetes_validate.validate(wrong, RELEASES[-1], strict=True)


def fields_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each field whose name the schema knows."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in steps:
        if isinstance(step, str):
            yield (*path, step)
        if step not in FREE_NAMES:
            yield from fields_of(below, (*path, step))


def test_each_shard_has_its_own_volume_key_and_part_and_its_pods_share_a_node() -> None:
    shards = defaultdict(list)
    for each in objects_for(3):
        shards[each["metadata"]["labels"]["app.kubernetes.io/instance"]].append(each)
    assert list(shards) == ["opinionscope-1", "opinionscope-2", "opinionscope-3"]
    for part, (name, found) in enumerate(shards.items(), 1):
        volume, imports, *jobs = found
        assert (volume["kind"], volume["metadata"]["name"]) == ("PersistentVolumeClaim", name)
        assert [each["metadata"]["name"] for each in jobs] == [f"{name}-{job.name}" for job in JOBS]
        for cron_job in (imports, *jobs):
            template = cron_job["spec"]["jobTemplate"]["spec"]["template"]
            pod = template["spec"]
            (container,) = pod["containers"]
            variables = {each["name"]: each for each in container["env"]}
            assert variables["OPINIONSCOPE_SHARD"]["value"] == f"{part}/3"
            key = variables["OPINION_TRADE_API_KEY"]["valueFrom"]["secretKeyRef"]
            assert (key["name"], key["key"]) == ("opinionscope", f"api-key-{part}")
            assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == name
            (term,) = pod["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
            assert (
                term["labelSelector"]["matchLabels"] == template["metadata"]["labels"] == volume["metadata"]["labels"]
            )
            assert (cron_job["spec"]["concurrencyPolicy"], cron_job["spec"]["timeZone"]) == ("Forbid", "Etc/UTC")


def test_each_shard_imports_the_same_list(command: CommandLine) -> None:
    """Its command is one that the command line knows, and its file is where the list is mounted."""
    for each in objects_for(2):
        if not each["metadata"]["name"].endswith("-wallets"):
            continue
        pod = each["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        (volume,) = [volume for volume in pod["volumes"] if volume["name"] == "wallets"]
        assert volume["configMap"] == {"name": "opinionscope-wallets"}
        program, *words = container["command"]
        assert (program, words[-1]) == ("opinionscope", f"{mounts['wallets']}/wallets.csv")
        refused = command(*words)
        assert (refused.returncode, "/wallets/wallets.csv cannot be read" in refused.stderr) == (2, True)


def test_shards_start_their_hourly_work_at_different_minutes() -> None:
    starts = Counter(
        (
            each["spec"]["schedule"],
            each["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["command"][1],
        )
        for each in objects_for(8)
        if each["kind"] == "CronJob"
    )
    hourly = {start: number for start, number in starts.items() if "/" not in start[0] and start[0] != "* * * * *"}
    assert set(hourly.values()) == {1}
    assert len({schedule for schedule, _ in hourly}) == 3 * 8
    for job in JOBS:
        assert staggered(job.schedule, 0, 8) == job.schedule
    assert staggered("2-59/5 * * * *", 4, 8) == "1-59/5 * * * *"
    assert staggered("41 * * * *", 4, 8) == "11 * * * *"
    assert staggered("* * * * *", 4, 8) == "* * * * *"


def test_the_command_prints_shards_for_kubernetes_alone(command: CommandLine) -> None:
    shown = command("crontab", "show", "--format", "kubernetes", "--shards", "2")
    assert [each["kind"] for each in yaml.safe_load_all(shown.stdout)].count("PersistentVolumeClaim") == 2
    for words in (
        ["--shards", "2"],
        ["--format", "systemd", "--shards", "2"],
        ["--format", "kubernetes", "--shards", "0"],
    ):
        refused = command("crontab", "show", *words)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "--shards" in refused.stderr
