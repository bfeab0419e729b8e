"""The log of attempts shows every edit, and admits no more than the policy does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgen.errors import RefusedError, UsageError, VerificationError
from synthgen.evaluation import attempts
from synthgen.evaluation.attempts import attempts_in, open_log, read_attempts, require_admitted

POLICY = {"id": "public", "version": "1.0.0", "sha256": "ab"}


def add(path, number=1, policy=POLICY, subject="s", event="started"):
    with open_log(path) as log:
        for at in range(number):
            log.add(
                event,
                when="2026-11-22T10:00:00Z",
                subject=subject,
                target="t",
                policy=policy,
                seed=at,
            )


def test_lines_are_chained_and_read_back(tmp_path):
    path = tmp_path / "attempts.jsonl"
    assert read_attempts(path) == ()
    add(path, 2)
    add(path)
    read = read_attempts(path)
    assert [a.number for a in read] == [1, 2, 3]
    assert read[0].previous == "0" * 64
    assert len({a.previous for a in read}) == 3


@pytest.fixture(scope="module")
def log_bytes(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "attempts.jsonl"
    add(path, 4)
    return path.read_bytes()


@given(st.data())
def test_any_changed_byte_before_the_last_line_shows(log_bytes, data):
    last = len(log_bytes.splitlines(keepends=True)[-1])
    at = data.draw(st.integers(0, len(log_bytes) - last - 1))
    other = data.draw(st.integers(0, 255).filter(lambda b: b != log_bytes[at]))
    changed = log_bytes[:at] + bytes([other]) + log_bytes[at + 1 :]
    with pytest.raises(VerificationError):
        attempts_in(changed, "log")


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_line_that_is_taken_out_shows(log_bytes, gone):
    lines = log_bytes.splitlines(keepends=True)
    with pytest.raises(VerificationError, match=f"line {gone + 1} has been changed"):
        attempts_in(b"".join(lines[:gone] + lines[gone + 1 :]), "log")


def test_lines_that_change_places_or_stand_twice_show(log_bytes):
    a, b, c, d = log_bytes.splitlines(keepends=True)
    for turned in (b + a + c + d, a + a + b + c, a + c):
        with pytest.raises(VerificationError):
            attempts_in(turned, "log")


def test_a_log_that_was_cut_off_at_the_end_does_not_show_it(log_bytes):
    """The limit that is stated: the chain shows edits, not that its end is missing."""
    lines = log_bytes.splitlines(keepends=True)
    assert len(attempts_in(b"".join(lines[:2]), "log")) == 2


@pytest.mark.parametrize("raw", [b"x\n", b"{}\n", b"[]\n", b"\xff\n", b"{", b'{"format": 1}\n'])
def test_what_is_no_log_is_refused(raw):
    with pytest.raises(VerificationError):
        attempts_in(raw, "log")


def test_nothing_is_added_to_a_log_that_was_changed(tmp_path):
    path = tmp_path / "attempts.jsonl"
    add(path, 2)
    path.write_bytes(path.read_bytes().replace(b'"seed":0', b'"seed":9'))
    before = path.read_bytes()
    with pytest.raises(VerificationError):
        add(path)
    assert path.read_bytes() == before


def test_the_policy_is_pinned_at_the_first_attempt(tmp_path):
    path = tmp_path / "attempts.jsonl"
    add(path)
    read = read_attempts(path)
    assert require_admitted(read, "s", POLICY, 5) == 2
    with pytest.raises(RefusedError, match=r"policy public: was changed after the first"):
        require_admitted(read, "s", POLICY | {"sha256": "cd"}, 5)
    assert require_admitted(read, "other data", POLICY | {"sha256": "cd"}, 5) == 1


def test_the_budget_counts_what_was_begun_under_any_policy(tmp_path):
    path = tmp_path / "attempts.jsonl"
    add(path, 2)
    add(path, policy=POLICY | {"id": "other"})
    add(path, 3, event="finished")
    assert require_admitted(read_attempts(path), "s", POLICY, 4) == 4
    with pytest.raises(RefusedError, match="allows 3 evaluations of these data and 3 were begun"):
        require_admitted(read_attempts(path), "s", POLICY, 3)


def test_two_evaluations_do_not_write_at_once(tmp_path, monkeypatch):
    path = tmp_path / "attempts.jsonl"
    monkeypatch.setattr(attempts, "PATIENCE", 0.1)
    with open_log(path), pytest.raises(UsageError, match="another evaluation is writing"):
        add(path)
    add(path)
    assert [p.name for p in tmp_path.iterdir()] == ["attempts.jsonl"]
