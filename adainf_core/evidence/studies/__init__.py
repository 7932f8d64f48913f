"""Studies: the kinds of experiment, and one file for each question."""
