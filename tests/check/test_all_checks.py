"""`check` is several checks: whatever one of them meets becomes its finding."""

from pathlib import Path

import pytest

from opinionscope.check import all_checks
from opinionscope.check.finding import Level
from opinionscope.times import utc_now

pytestmark = pytest.mark.usefixtures("environment")


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), RuntimeError("no home"), KeyError("x")])
@pytest.mark.parametrize("subject", ["database", "files", "schedule", "last runs"])
def test_a_check_that_breaks_is_a_finding_and_the_others_are_still_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subject: str, error: Exception
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(all_checks, f"check_{subject.replace(' ', '_')}", broken)
    findings = list(all_checks.run_checks(tmp_path / "o.db", utc_now()))

    (found,) = [finding for finding in findings if finding.subject == subject]
    assert found.level is Level.FAILURE
    assert type(error).__name__ in found.text
    assert {"database", "files", "schedule", "last runs"} <= {finding.subject for finding in findings}
