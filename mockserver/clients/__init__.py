"""Runs clients to judge them: as a program, in trials of every scenario, and inside tests."""
