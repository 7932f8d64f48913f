"""Images and where they come from: real sets, sprites of known law, generators, mixtures."""
