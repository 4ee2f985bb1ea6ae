"""Alarms of a box: raised once, cleared once, kept until somebody was told."""
