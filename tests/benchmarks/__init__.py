"""Measurements as ratios within one run; `make bench` writes build/bench.json."""
