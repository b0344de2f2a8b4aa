"""The jobs that cron runs, and what a run is."""
