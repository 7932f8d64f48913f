"""A command of `adainf` from Python: the same recipe by the same names, and the same bits.

    python examples/a_command_in_ten_lines.py

Beside the `fakes.npz` that it makes, these commands end in the same checkpoint, to the bit:

    adainf generate import fakes.npz --real digits
    adainf pretrain --dataset digits --preset adainf --generated fakes.images --scale laptop \\
        --checkpoint run.pt pretrain.steps=200

Files go to the folder it is run in. As the command does, `run` goes on from a checkpoint that is
there already.
"""

import numpy as np

from adainf_core import GeneratedImages, load_images, make_generator, override, recipe

real = load_images("digits")
fakes = make_generator("gaussian_mixture", real).sample(3000, seed=1)
np.savez("fakes.npz", images=fakes.images)
GeneratedImages.from_npz("fakes.npz", real=real)
named = recipe("digits", preset="adainf", generated="fakes.images", scale="laptop")
chosen = override(named, ["pretrain.steps=200"])
trained = chosen.run(checkpoint="run.pt", tell=print)
