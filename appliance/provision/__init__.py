"""Bare Debian boxes become working schools over SSH, and are looked after from afar."""
