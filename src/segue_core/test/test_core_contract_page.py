"""Whoever writes a robot contract finds every field of it in the documentation, as the models have it now."""

from pathlib import Path

import pytest

from segue_core.contracts.page import contract_fields, with_fields

PAGE = Path(__file__).resolve().parents[3] / "docs" / "your-own-robot.md"
REFRESH = (
    'refresh it: python -c "from pathlib import Path; from segue_core.contracts.page import with_fields; '
    "p = Path('docs/your-own-robot.md'); p.write_text(with_fields(p.read_text()))\""
)


def test_every_field_of_the_contract_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_fields(page), REFRESH


def test_every_field_says_what_it_is() -> None:
    rows = [line for line in contract_fields().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert [row for row in rows if row.endswith("|  |")] == []


def test_sections_are_called_by_their_key_path() -> None:
    text = contract_fields()
    for heading in (
        "`arms[].gripper.pad`",
        "`model.repairs.joints[]`",
        "`cameras.<name>`",
        "`planning.obstacles.<name>`",
    ):
        assert f"### {heading}\n" in text
    assert "### `controller` of kind `joint_velocity`\n" in text


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="fields: begin"):
        with_fields("# no marks")
