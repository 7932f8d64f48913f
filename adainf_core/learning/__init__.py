"""Contrastive pre-training on real and generated images, and the probes that judge it."""
