"""The schedule of this installation, for cron, systemd and Kubernetes, and the user's crontab."""
