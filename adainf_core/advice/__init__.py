"""Advice: what a reader's own images will take, and the comparison that decides (`adainf plan`)."""
