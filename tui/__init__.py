"""The screens of the office; the only user of Textual."""
