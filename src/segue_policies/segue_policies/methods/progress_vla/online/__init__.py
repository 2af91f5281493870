"""Finetuning with a policy's own episodes (ProgressVLA, Sec. IV-E)."""
