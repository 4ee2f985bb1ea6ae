"""One module per subcommand of `kurabako`; `appliance.cli` imports each only when it is called."""
