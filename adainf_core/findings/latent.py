"""What the rendered worlds say of a predictor, for pages about theory and training."""

from adainf_core.evidence.studies.latent_worlds import predictor_correlation

__all__ = ["predictor_correlation"]
