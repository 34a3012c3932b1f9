"""The table of parts at the end of a test run."""

from types import SimpleNamespace

from parts import summary


def report(*markers: str, longrepr=None, duration=1.0) -> SimpleNamespace:
    return SimpleNamespace(keywords=markers, longrepr=longrepr, duration=duration)


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
