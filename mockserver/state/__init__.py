"""Stores of records (memory, SQLite, PostgreSQL), their protocol, export and import."""
