"""Recorded traffic: writes and reads HAR files, replays and compares them."""
