"""Tables of pages can be read on a narrow screen: every number stands beside the name of its column."""

import re
from importlib.resources import files

from segue_eval.page import html_table

HEADER = ("method", "Overlap RMSE x1e3 <paper>", "ours")


def test_every_cell_carries_the_name_of_its_column_for_screens_that_have_no_room_for_columns() -> None:
    """Wide tables of a suite's page were cut at 500 pixels."""
    html = html_table(HEADER, [["legato", "6.22", "5.9"], ["rtc", "7.1", "6.8"]])
    named = re.findall(r'<td class="\w*" data-name="([^"]*)">([^<]*)</td>', html)
    assert named[:3] == [("method", "legato"), ("Overlap RMSE x1e3 &lt;paper&gt;", "6.22"), ("ours", "5.9")]
    assert len(named) == html.count("<td") == 6 and 'class="stack named"' in html


def test_the_style_sheet_stacks_such_tables_on_narrow_screens_only() -> None:
    css = (files("segue_eval") / "assets" / "page.css").read_text(encoding="utf-8")
    wide, _, narrow = css.partition("@media screen and (max-width: 800px)")
    assert "table.stack" not in wide and "table.named" not in wide
    assert "table.stack th { display: none; }" in narrow and "content: attr(data-name)" in narrow
