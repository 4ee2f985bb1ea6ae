"""A standby office: a restored school whose office is used from elsewhere, in a browser behind single sign-on."""
