"""The client of the Opinion OpenAPI: HTTP, rate limit, retries, and validated answers."""
