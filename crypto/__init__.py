"""Keys, sealing and signatures. Knows nothing of databases or schools; the only user of `cryptography`."""
