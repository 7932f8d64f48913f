"""The code of this package as text: what is written where, and what reaches what."""
