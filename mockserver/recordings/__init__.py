"""Recorded traffic: HAR files in and out."""
