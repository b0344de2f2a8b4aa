"""The crontab lines of this installation, and the user's crontab."""
