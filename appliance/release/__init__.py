"""What leaves the box as a file or on paper: labels, tables, CSV, Excel, PDF and encrypted files."""
