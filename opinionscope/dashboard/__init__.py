"""The web dashboard: Datasette with datasette-dashboards, its pages and what makes it safe to serve."""
