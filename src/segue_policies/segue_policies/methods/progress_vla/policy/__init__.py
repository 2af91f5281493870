"""The diffusion policy that progress guides (ProgressVLA, Sec. IV-D, App. D and E)."""
