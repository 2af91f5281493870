"""The progress of imagined futures (ProgressVLA, Sec. IV-C, App. C)."""
