"""The table of parts at the end of a test run."""

from types import SimpleNamespace

import pytest

from helpers.parts import summary


def report(*markers: str, longrepr=None, duration=1.0) -> SimpleNamespace:
    nodeid = "tests/unit/test_a.py::test_b"
    return SimpleNamespace(nodeid=nodeid, keywords=markers, longrepr=longrepr, duration=duration)


def test_each_part_says_what_ran_and_what_was_skipped_and_why():
    skipped = report("slow", "network", longrepr=("file", 3, "Skipped: no\n  registry"))
    lines = summary(
        {
            "passed": [report("test_a"), report("slow"), report("slow")],
            "": [report("slow", duration=6.6)],  # set-up and tear-down
            "error": [report("slow")],
            "skipped": [skipped, skipped],
            "warnings": [SimpleNamespace()],
            "deselected": [report("network")],
        }
    )
    assert [line.split() for line in lines[1:]] == [
        ["fast", "1", "0", "0", "1"],
        ["slow", "2", "1", "0", "10"],
        ["native", "not", "run"],
        ["android", "not", "run"],
        ["network", "0", "0", "2", "2"],
        ["2", "skipped:", "no", "registry"],
        ["web", "not", "run"],
    ]


def test_a_file_that_is_skipped_as_a_whole_counts_in_the_part_of_its_folder():
    reason = ("test_c.py", 3, "Skipped: no compiler")
    skipped = pytest.CollectReport("tests/native/test_c.py", "skipped", reason, [])
    lines = summary({"skipped": [skipped]})
    assert lines[3].split() == ["native", "0", "0", "1", "0"]
    assert lines[4].split() == ["1", "skipped:", "no", "compiler"]
