"""Methods: an objective with the networks it needs around the encoder, one file each.

A file holds all of its method: the frozen dataclass with the hyper-parameters, which is part of a
configuration and whose `build` makes the module that is trained; the loss, a pure function of
embeddings; and the `official` settings. Defaults are sized for a laptop. A new method is one more
file, named below; recipes and the command line follow. Nothing here loads torch before a network
is built or a loss computed.
"""

from typing import get_args

from adainf_core.learning.methods.barlow import BarlowTwins
from adainf_core.learning.methods.byol import BYOL
from adainf_core.learning.methods.moco import MoCo
from adainf_core.learning.methods.simclr import SimCLR
from adainf_core.learning.methods.spectral import Spectral
from adainf_core.learning.methods.vicreg import VICReg

#: The configuration of any method.
MethodConfig = SimCLR | MoCo | BYOL | BarlowTwins | Spectral | VICReg

#: The configurations by name.
METHODS: dict[str, type[MethodConfig]] = {kind.name: kind for kind in get_args(MethodConfig)}
