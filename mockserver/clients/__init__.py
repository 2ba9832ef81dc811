"""How a client gets judged: as a program, in trials under every scenario, and inside a test."""
