"""The schedule as objects of Kubernetes: a CronJob for each job, and the volume that they share.

See https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/.
"""

import json

from opinionscope.job_table import JOBS, Job
from opinionscope.locations import API_KEY_VARIABLE, DATABASE_VARIABLE

_VOLUME = """\
# Put the name of your image in place of {image}, and create the secret before you apply this:
#   kubectl create secret generic opinionscope --from-literal=api-key=<your key>
# The jobs share one SQLite file, so all of their pods must run on one node, with the volume on that node's own disk.
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: opinionscope
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 10Gi
"""
# Without a deadline, a CronJob that has missed a hundred starts never starts again.
_CRON_JOB = """\
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: opinionscope-{job.name}
spec:
  schedule: "{job.schedule}"
  timeZone: Etc/UTC
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 120
  successfulJobsHistoryLimit: 1
  failedJobsHistoryLimit: 3
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          securityContext:
            runAsNonRoot: true
            runAsUser: 1000
            fsGroup: 1000
          containers:
            - name: opinionscope
              image: {image}
              command: {command}
              env:
                - name: HOME
                  value: /data
                - name: {database_variable}
                  value: /data/opinionscope.db
                - name: {key_variable}
                  valueFrom:
                    secretKeyRef:
                      name: opinionscope
                      key: api-key
              volumeMounts:
                - name: data
                  mountPath: /data
          volumes:
            - name: data
              persistentVolumeClaim:
                claimName: opinionscope
"""


def render_cron_jobs(image: str) -> str:
    """The objects of all jobs, as one YAML stream. `image` is a container image with opinionscope on its PATH."""
    return _VOLUME.format(image=image) + "".join(_cron_job(job, image) for job in JOBS)


def _cron_job(job: Job, image: str) -> str:
    return _CRON_JOB.format(
        job=job,
        image=image,
        command=json.dumps(["opinionscope", *job.words]),
        database_variable=DATABASE_VARIABLE,
        key_variable=API_KEY_VARIABLE,
    )
