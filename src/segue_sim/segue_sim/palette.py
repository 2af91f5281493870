"""The colours that a seed gives to objects, cloths and bowls (RGB in [0, 1])."""

PALETTE: tuple[tuple[float, float, float], ...] = (
    (0.82, 0.14, 0.12),
    (0.11, 0.42, 0.82),
    (0.13, 0.60, 0.22),
    (0.93, 0.62, 0.08),
    (0.52, 0.20, 0.66),
    (0.08, 0.62, 0.66),
)
