"""Screens of the office. The only user of Textual."""
