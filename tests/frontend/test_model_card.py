import pytest

from muffin_v_chihuahua.model_card import below, on_limits, text_of

CARD = """---
library_name: keras
tags:
- a
---

# A model 1.0.0

What it is.

## Known limits

One thing at a time.

### Of these

No night.

```sh
# no heading: a comment
```

## Gate

All met.

## Out-of-scope use

Courts.
"""


def test_the_head_that_is_for_programs_is_not_drawn() -> None:
    assert text_of(CARD).startswith("# A model 1.0.0")
    assert text_of(CARD.replace("\n", "\r\n")) == text_of(CARD)


@pytest.mark.parametrize("card", ["# No head\n\n---\n\nA line.\n\n---\n", "--- no head ---", "---\nno end"])
def test_what_is_no_head_stays(card: str) -> None:
    assert text_of(card) == card.strip()


@pytest.mark.parametrize("card", ["", "---\na: 1\n---", "---\n---\n"])
def test_a_card_may_be_nothing_but_a_head(card: str) -> None:
    assert text_of(card) == ""


def test_the_sections_on_limits_are_found_with_what_is_in_them() -> None:
    found = on_limits(CARD)
    assert found.startswith("## Known limits\n\nOne thing at a time.\n\n### Of these")
    assert "# no heading" in found
    assert found.endswith("## Out-of-scope use\n\nCourts.")
    assert "Gate" not in found
    assert "All met" not in found


def test_a_card_that_speaks_of_no_limits_has_none() -> None:
    assert on_limits("# A model\n\nThere is no limit to it.") == ""


def test_headings_go_down_and_code_stays() -> None:
    lowered = below(text_of(CARD), 2)
    assert "### A model 1.0.0" in lowered
    assert "#### Known limits" in lowered
    assert "\n# no heading: a comment" in lowered
    assert below("###### deep", 2) == "###### deep"


def test_one_kind_of_fence_does_not_end_the_other() -> None:
    assert below("~~~\n```\n# code\n~~~\n# heading", 1) == "~~~\n```\n# code\n~~~\n## heading"


def test_what_only_streamlit_reads_is_no_colour_here() -> None:
    assert below("a :red[b] c: [d](e)", 2) == r"a \:red[b] c: [d](e)"
