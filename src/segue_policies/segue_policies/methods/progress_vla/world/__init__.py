"""What a latent action does to what is seen (ProgressVLA, Sec. IV-B)."""
