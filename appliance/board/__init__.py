"""The education board's side: its root key, its schools and their people, restore of any school."""
