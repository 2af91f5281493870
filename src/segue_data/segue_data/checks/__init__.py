"""Whether a bag or a dataset can be believed."""
