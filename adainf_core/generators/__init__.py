"""Generators: fitted Gaussians, diffusion models, and real images made worse on purpose."""
