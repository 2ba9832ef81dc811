"""Clients to be judged. `programs/` holds good ones, unmodified: one for each way of connecting, run as they are."""
