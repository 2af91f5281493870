"""Diffusion Policy: chunks drawn from noise by a denoising diffusion model (arXiv 2303.04137)."""
