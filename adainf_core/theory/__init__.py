"""Exact theory of inflated contrastive learning, on finite worlds.

Needs numpy, scipy and networkx only; the latter two are imported where they are used, so that
importing this package costs little more than importing numpy.
"""

from adainf_core.theory.augmentation_graph import AugmentationGraph as AugmentationGraph
from adainf_core.theory.bounds import transfer_bound as transfer_bound
from adainf_core.theory.gaussian_mixtures import GaussianMixture as GaussianMixture
from adainf_core.theory.gaussian_toy import (
    gaussian_toy_labeling_error as gaussian_toy_labeling_error,
)
from adainf_core.theory.graph_encoders import feature_probe_error as feature_probe_error
from adainf_core.theory.graph_encoders import optimal_embedding as optimal_embedding
from adainf_core.theory.similarity_graph import SimilarityGraph as SimilarityGraph
from adainf_core.theory.spectrum import DegenerateSpectrumWarning as DegenerateSpectrumWarning
from adainf_core.theory.spectrum import SpectrumError as SpectrumError
from adainf_core.theory.total_variation import gaussian_total_variation as gaussian_total_variation
from adainf_core.theory.total_variation import mixture as mixture
from adainf_core.theory.total_variation import replication_to_beta as replication_to_beta
from adainf_core.theory.total_variation import total_variation as total_variation
from adainf_core.theory.tv_estimation import tv_lower_bound as tv_lower_bound
from adainf_core.theory.worlds import FiniteWorld as FiniteWorld
from adainf_core.theory.worlds import barely_joined_world as barely_joined_world
from adainf_core.theory.worlds import bridge_world as bridge_world
from adainf_core.theory.worlds import isolated_cluster_world as isolated_cluster_world
from adainf_core.theory.worlds import ring_world as ring_world
