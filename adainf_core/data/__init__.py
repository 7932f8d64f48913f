"""Images and where they come from: real sets, sprites, generators, mixtures."""
