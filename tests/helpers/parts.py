"""The table at the end of a test run: what of each part passed, failed or was skipped, and why."""

from __future__ import annotations

import collections

PARTS = ("fast", "slow", "native", "android", "network", "web")
"""Every test belongs to the last of these whose marker it has; without any, to the first."""

WIDEST_REASON = 100


def part_of(report) -> str:
    """The part that a test belongs to, or a whole file: that is skipped before its tests are known,
    and only its folder tells."""
    folders = report.nodeid.split("::")[0].split("/")[:-1]
    known = {*folders, *getattr(report, "keywords", ())}
    return next((part for part in reversed(PARTS) if part in known), PARTS[0])


def reason_of(report) -> str:
    """Why a test was skipped, on one line."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    text = " ".join(text.removeprefix("Skipped: ").split())
    return text if len(text) <= WIDEST_REASON else text[: WIDEST_REASON - 1] + "…"


def summary(stats: dict[str, list]) -> list[str]:
    """The lines of the table, from pytest's reports by outcome."""
    count: dict[str, collections.Counter[str]] = {part: collections.Counter() for part in PARTS}
    reasons: dict[str, collections.Counter[str]] = {part: collections.Counter() for part in PARTS}
    seconds: collections.Counter[str] = collections.Counter()
    for outcome, reports in stats.items():
        if outcome not in ("", "passed", "failed", "error", "skipped"):
            continue
        for report in reports:
            part = part_of(report)
            seconds[part] += getattr(report, "duration", 0)
            if outcome:
                count[part]["failed" if outcome == "error" else outcome] += 1
            if outcome == "skipped":
                reasons[part][reason_of(report)] += 1
    outcomes = ("passed", "failed", "skipped")
    lines = [f"{'part':9}" + "".join(f"{name:>9}" for name in outcomes) + "  seconds of tests"]
    for part in PARTS:
        if not sum(count[part].values()):
            lines.append(f"{part:9}  not run")
            continue
        figures = "".join(f"{count[part][name]:9}" for name in outcomes)
        lines.append(f"{part:9}{figures}{seconds[part]:10.0f}")
        lines += [f"{'':11}{number} skipped: {why}" for why, number in reasons[part].most_common()]
    return lines


def pytest_terminal_summary(terminalreporter) -> None:
    terminalreporter.section("parts")
    for line in summary(terminalreporter.stats):
        terminalreporter.write_line(line)
