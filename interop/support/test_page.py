from support.page import Row, differences, written

PAGE = "# T\n\n## A\n\nold\n\n## B\n\n| who | version | what | result |\n|---|---|---|---|\n| b | 1 | goes | works |\n"
ROWS = [Row("A", "sign-in", "MIT", "1.20"), Row("A", "sign-in", "Other", "7", red="too old")]


def test_what_is_written_is_read_back_without_the_version() -> None:
    page = written(PAGE, {"A": ROWS, "C": ROWS})
    assert not differences(page, {"A": [Row("A", "sign-in", "MIT", "1.21"), ROWS[1]], "C": ROWS})
    assert "\n## B\n\n| who | version | what | result |\n|---|---|---|---|\n| b | 1 | goes | works |\n\n## C\n" in page


def test_differences_are_told_in_both_directions() -> None:
    assert differences(PAGE, {"B": [Row("B", "goes", "b", red="not now")]}) == [
        "seen, not on the page: ('b', 'goes', 'not now')",
        "on the page, not seen: ('b', 'goes', 'works')",
    ]
