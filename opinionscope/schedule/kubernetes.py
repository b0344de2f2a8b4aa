"""The schedule as objects of Kubernetes: a CronJob for each job, and the volume that they share; or that for shards.

See https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import indent

from opinionscope.job_table import JOBS
from opinionscope.locations import API_KEY_VARIABLE, DATABASE_VARIABLE
from opinionscope.schedule.staggered import staggered
from opinionscope.shards import SHARD_VARIABLE, Shard

_NAME = "opinionscope"
_IMPORT = ["whales", "import", "/wallets/wallets.csv"]
_IMPORT_SCHEDULE = "4-59/10 * * * *"
_EXPLANATION = """\
# Put the name of your image in place of {image}. This Dockerfile in opinionscope's folder builds one:
#   FROM python:3.12-slim
#   COPY . /opinionscope
#   RUN pip install --no-cache-dir /opinionscope
# Create the secret before you apply this:
#   kubectl create secret generic opinionscope --from-literal=api-key=<your key>
# The jobs share one SQLite file, so all of their pods must run on one node, with the volume on that node's own disk.
"""
_EXPLANATION_OF_SHARDS = """\
# {parts} shards: each polls its part of one list of wallets, with a database and an API key of its own.
#
# Put the name of your image in place of {image}. This Dockerfile in opinionscope's folder builds one:
#   FROM python:3.12-slim
#   COPY . /opinionscope
#   RUN pip install --no-cache-dir /opinionscope
#
# Create the keys and the list before you apply this. A shard may have several keys, separated by commas:
#   kubectl create secret generic opinionscope --from-literal=api-key-1=<key> … --from-literal=api-key-{parts}=<key>
#   kubectl create configmap opinionscope-wallets --from-file=wallets.csv
# The secret may also have the keys ping-url-1 to ping-url-{parts}. Settings for all shards are optional:
#   kubectl create secret generic opinionscope-settings --from-literal=OPINIONSCOPE_ALERT_URLS=<targets>
#
# Each shard imports the list every 10 minutes, and polls nothing before the first time. A wallet that leaves the list
# stays tracked until it is removed in each shard. A ConfigMap holds 1 MiB: 24,000 addresses, or fewer with names. For
# a longer list, add `COPY wallets.csv /wallets/` to the Dockerfile, and remove the volumes and volumeMounts `wallets`.
#
# The jobs of a shard share one SQLite file, so their pods run on one node. The volume must be a disk, not a network
# file system. The limit of memory suffices for 12,500 wallets and 4 keys in a shard.
"""
_LABELS = """\
labels:
  app.kubernetes.io/name: opinionscope
  app.kubernetes.io/instance: {name}
"""
_AFFINITY = """\
affinity:
  podAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            app.kubernetes.io/name: opinionscope
            app.kubernetes.io/instance: {name}
"""
_SETTINGS_OF_SHARD = f"""\
- name: {SHARD_VARIABLE}
  value: "{{shard}}"
- name: OPINIONSCOPE_PING_URL
  valueFrom:
    secretKeyRef:
      name: opinionscope
      key: ping-url-{{shard.part}}
      optional: true
"""
_SETTINGS_OF_ALL = """\
envFrom:
  - secretRef:
      name: opinionscope-settings
      optional: true
resources:
  requests:
    cpu: 100m
    memory: 128Mi
  limits:
    memory: 512Mi
"""
_WALLETS_MOUNT = """\
- name: wallets
  mountPath: /wallets
  readOnly: true
"""
_WALLETS_VOLUME = """\
- name: wallets
  configMap:
    name: opinionscope-wallets
"""
_VOLUME = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {name}
{labels}spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 10Gi
"""
# Without a deadline, a CronJob that has missed a hundred starts never starts again.
_CRON_JOB = f"""\
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {{name}}-{{job}}
{{labels}}spec:
  schedule: "{{schedule}}"
  timeZone: Etc/UTC
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 120
  successfulJobsHistoryLimit: 1
  failedJobsHistoryLimit: 3
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
{{pod_labels}}        spec:
          restartPolicy: Never
          securityContext:
            runAsNonRoot: true
            runAsUser: 1000
            fsGroup: 1000
{{affinity}}          containers:
            - name: opinionscope
              image: {{image}}
              command: {{command}}
              env:
                - name: HOME
                  value: /data
                - name: {DATABASE_VARIABLE}
                  value: /data/opinionscope.db
                - name: {API_KEY_VARIABLE}
                  valueFrom:
                    secretKeyRef:
                      name: opinionscope
                      key: {{key}}
{{settings_of_shard}}{{settings_of_all}}              volumeMounts:
                - name: data
                  mountPath: /data
{{wallets_mount}}          volumes:
            - name: data
              persistentVolumeClaim:
                claimName: {{name}}
{{wallets_volume}}"""


@dataclass(frozen=True)
class _Installation:
    """One installation, and the shard that it is, if it is one."""

    image: str
    shard: Shard | None = None

    @property
    def name(self) -> str:
        return _NAME if self.shard is None else f"{_NAME}-{self.shard.part}"

    def volume(self) -> str:
        return _VOLUME.format(name=self.name, labels=self._block(2, _LABELS))

    def cron_job(self, job: str, schedule: str, words: Sequence[str], *, imports: bool = False) -> str:
        """The object that runs the words. `imports`: it reads the list of wallets."""
        return _CRON_JOB.format(
            name=self.name,
            job=job,
            schedule=schedule if self.shard is None else staggered(schedule, self.shard.part - 1, self.shard.parts),
            image=self.image,
            command=json.dumps([_NAME, *words]),
            key="api-key" if self.shard is None else f"api-key-{self.shard.part}",
            labels=self._block(2, _LABELS),
            pod_labels=self._block(8, f"metadata:\n{indent(_LABELS, '  ')}"),
            affinity=self._block(10, _AFFINITY),
            settings_of_shard=self._block(16, _SETTINGS_OF_SHARD),
            settings_of_all=self._block(14, _SETTINGS_OF_ALL),
            wallets_mount=self._block(16, _WALLETS_MOUNT) if imports else "",
            wallets_volume=self._block(12, _WALLETS_VOLUME) if imports else "",
        )

    def _block(self, spaces: int, template: str) -> str:
        """What only a shard has, as lines at their place; nothing for an installation that is none."""
        return "" if self.shard is None else indent(template.format(name=self.name, shard=self.shard), " " * spaces)

    def objects(self) -> Iterator[str]:
        yield self.volume()
        if self.shard is not None:
            yield self.cron_job("wallets", _IMPORT_SCHEDULE, _IMPORT, imports=True)
        for job in JOBS:
            yield self.cron_job(job.name, job.schedule, job.words)


def render_cron_jobs(image: str) -> str:
    """The objects of all jobs, as one YAML stream. `image` is a container image with opinionscope on its PATH."""
    return _EXPLANATION.format(image=image) + "".join(_Installation(image).objects())


def render_shards(image: str, parts: int) -> str:
    """The objects of as many shards, each with its volume, its jobs and the import of the list of wallets."""
    shards = [_Installation(image, Shard(part, parts)) for part in range(1, parts + 1)]
    return _EXPLANATION_OF_SHARDS.format(image=image, parts=parts) + "---\n".join(
        "".join(shard.objects()) for shard in shards
    )
