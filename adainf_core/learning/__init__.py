"""Contrastive pre-training on a mixture of real and generated images, and the probes that judge it."""
