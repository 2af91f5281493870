import re
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_eval.charts import Scale, frame, label, nice_ticks, padded_range, polyline, step_points

SPANS = st.tuples(st.floats(-1e5, 1e5), st.floats(1e-3, 1e5)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(SPANS, st.integers(1, 10))
def test_ticks_lie_inside_the_axis_evenly_and_are_not_too_many(span: tuple[float, float], count: int) -> None:
    ticks = nice_ticks(*span, count)
    slack = 1e-6 * (span[1] - span[0])
    assert all(span[0] - slack <= tick <= span[1] + slack for tick in ticks)
    assert len(ticks) <= count + 1
    assert np.allclose(np.diff(ticks, n=2), 0, atol=slack)


@given(SPANS)
def test_the_ends_of_a_scale_are_the_ends_of_the_axis(span: tuple[float, float]) -> None:
    assert np.allclose(Scale(*span, 10.0, 90.0)(span), [10.0, 90.0])


@pytest.mark.parametrize(("width", "kind"), [(580.0, "chart"), (1180.0, "chart wide")])
def test_a_chart_that_shrinks_most_has_the_text_that_grows_most(width: float, kind: str) -> None:
    """On a narrow screen 20 to 65 % of a run lay outside, and nothing said so."""
    assert f'class="{kind}"' in frame((0, 1), (0, 1), width=width).svg()
    css = (files("segue_eval") / "assets" / "page.css").read_text(encoding="utf-8")
    sizes = [int(size) for size in re.findall(r"svg\.(?:chart|wide) text \{ font-size: (\d+)px", css)]
    assert sizes == [17, 14, 26] and re.search(r"^svg\.chart \{ width: 100%", css, re.M)


def test_a_line_breaks_where_a_value_is_missing() -> None:
    path = polyline([0, 1, 2, 3, 4], [0, 1, np.nan, 3, 4], "line")
    assert path.count("M") == 2


def test_a_held_value_is_drawn_until_the_next_one() -> None:
    x, y = step_points([0, 1, 3], [5, 6, 7])
    assert list(zip(x.tolist(), y.tolist(), strict=True)) == [(0, 5), (1, 5), (1, 6), (3, 6), (3, 7)]


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20))
def test_every_value_is_inside_the_padded_range(values: list[float]) -> None:
    low, high = padded_range(values, least=0.1)
    assert low <= min(values) and max(values) <= high and high - low >= 0.1 - 1e-9


def test_labels_have_no_trailing_zeros_or_negative_zero() -> None:
    assert [label(value) for value in (0.250, -0.0, 1200.0)] == ["0.25", "0", "1200"]
