"""Measured tables that ship with the lab; each file's columns name its sources."""
