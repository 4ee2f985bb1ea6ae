"""Releases that the board's officers signed: a box takes them from its store or a medium, undoes what fails."""
