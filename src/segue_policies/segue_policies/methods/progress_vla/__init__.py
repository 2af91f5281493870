"""ProgressVLA (arXiv 2603.27670): its progress estimator."""
