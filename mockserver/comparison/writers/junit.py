"""A comparison as JUnit XML: one test case per exchange, skipped if it could not be compared."""

from __future__ import annotations

from xml.etree import ElementTree

from mockserver.comparison.replay import ReplayOutcome


def write(outcome: ReplayOutcome) -> str:
    """Generate the XML. An exchange fails if it is not served or has a difference that is not accepted."""
    excused = {(cause.operation, cause.difference) for cause in outcome.causes if cause.accepted}
    root = ElementTree.Element("testsuites", name="Flow Service comparison")
    suite = ElementTree.SubElement(root, "testsuite", name="exchanges", tests=str(len(outcome.compared)), errors="0")
    failures = skipped = 0
    for one in outcome.compared:
        operation = one.exchange.operation or "unknown path"
        case = ElementTree.SubElement(suite, "testcase", classname=operation, name=f"exchange {one.exchange.number}")
        open_ones = [str(found) for found in one.differences if (operation, found) not in excused]
        if open_ones or one.verdict == "not served":
            failures += 1
            _add(case, "failure", "; ".join(open_ones) or one.why, one.verdict)
        elif one.verdict in ("not comparable", "not called"):
            skipped += 1
            _add(case, "skipped", one.why, one.verdict)
    suite.set("failures", str(failures))
    suite.set("skipped", str(skipped))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add(case: ElementTree.Element, tag: str, message: str, verdict: str) -> None:
    ElementTree.SubElement(case, tag, message=message, type=verdict)
