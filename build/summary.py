"""What ran, failed and was skipped, runner by runner: summary.py BROKEN NAME=REPORTS...

Reports are JUnit XML, a file or a folder of them. BROKEN is 1 when a check or a runner itself failed.
Ends with one line "N passed, N failed, N skipped" and exit code 1 when anything failed, or no test passed.
"""

import sys
from pathlib import Path
from xml.etree import ElementTree


def cases(reports: Path) -> list[ElementTree.Element]:
    files = sorted(reports.glob("TEST-*.xml")) if reports.is_dir() else [reports]
    return [case for file in files if file.exists() for case in ElementTree.parse(file).iter("testcase")]


def title(case: ElementTree.Element) -> str:
    return f"{case.get('classname', '').rpartition('.')[2]}: {case.get('name')}"


def reason(case: ElementTree.Element) -> str:
    """Why a case was skipped, as its test put it: without the exception that carried it."""
    skipped = case.find("skipped")
    text = "" if skipped is None else (skipped.get("message") or skipped.text or "")
    first, *_ = text.strip().splitlines() or ["no reason given"]
    return first.rpartition("Assumption failed: ")[2]


def failure(case: ElementTree.Element) -> list[str]:
    """What a failed case said, its last lines: enough to begin with where only the end of the output is at hand."""
    for kind in ("failure", "error"):
        found = case.find(kind)
        if found is not None:
            lines = (found.text or found.get("message") or "").strip().splitlines()
            # A Java trace begins with its cause, a Python one ends with it.
            java = any(line.lstrip().startswith("at ") for line in lines)
            return [line[:300] for line in (lines[:8] if java else lines[-12:])]
    return []


def main(broken: bool, runners: list[str]) -> int:
    passed = failed = skipped = 0
    print()
    for runner in runners:
        name, _, reports = runner.partition("=")
        all_cases = cases(Path(reports))
        red = [
            case for case in all_cases if case.find("failure") is not None or case.find("error") is not None
        ]
        idle = [case for case in all_cases if case.find("skipped") is not None]
        print(f"{name}: {len(all_cases)} run, {len(red)} failed, {len(idle)} skipped")
        for case in red:
            print(f"  FAILED   {title(case)}")
            for line in failure(case):
                print(f"    {line}")
        for case in idle:
            print(f"  skipped  {title(case)}: {reason(case)}")
        failed += len(red)
        skipped += len(idle)
        passed += len(all_cases) - len(red) - len(idle)
    if broken:
        print("A check or a runner failed, see above.")
    if passed == 0:
        print("No test has passed.")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if broken or failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] == "1", sys.argv[2:]))
