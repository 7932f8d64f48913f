"""Operations on views beyond the official policies', one file each, for `AugmentationPolicy.extra`.

An operation is a frozen dataclass with a `name`, made of plain values and free of torch until it
works on views. It acts after the official operations, in the policy's order, on chance of its own:
a policy without it makes the same views to the bit. A new one is one more file, named below.
"""

from adainf_core.learning.operations.erase import Erase

#: Any operation: the union of all.
Operation = Erase
