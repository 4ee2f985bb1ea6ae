"""Real Debian machines, booted by systemd-nspawn in a network of their own."""
