"""The gap between real and generated images, measured on features of either side."""
