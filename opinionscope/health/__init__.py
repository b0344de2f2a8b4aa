"""What `status` reports: the health of the jobs, requests and wallets."""
