"""Public paths that others import: they outlive every move inside."""
