"""Whether a log of attempts knows an evaluation, as the one that it says it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from synthgen.errors import VerificationError
from synthgen.evaluation.attempts import attempts_in


def require_in_log(
    raw: bytes, where: object, sha256: str, document: Mapping[str, Any], most: int
) -> None:
    """Refuse a log that does not know an evaluation, or knows another story of it.

    Parameters
    ----------
    raw : bytes
        The log.
    where : object
        For the error line.
    sha256 : str
        Hash of ``evaluation.json``.
    document : mapping
        The evaluation, in either edition: its target, policy, seed and attempt are compared.
    most : int
        Evaluations that its policy allows.

    Raises
    ------
    VerificationError
        If no line says that it passed; if the policy of that id was another one before; or if
        it was not the attempt of that number.
    """
    lines = attempts_in(raw, where)
    known = [a for a in lines if a.result.get("evaluation") == sha256]
    if not known or known[-1].result.get("verdict") != "pass":
        raise VerificationError(f"{where}: does not know this evaluation as one that passed")
    finished, policy, attempt = known[-1], document["policy"], document["attempt"]
    for line in lines:
        same = line.subject == finished.subject and line.policy.get("id") == policy["id"]
        if same and line.policy.get("sha256") != policy["sha256"]:
            raise VerificationError(
                f"{where}: line {line.number} is of another policy called {policy['id']}"
            )
    begun = [a for a in lines if a.subject == finished.subject and a.event == "started"]
    begun = [a for a in begun if a.number < finished.number]
    number = attempt["number"]
    said = (document["target"]["sha256"], policy["sha256"], document["seed"])
    is_it = (
        1 <= number <= len(begun)
        and number == finished.result.get("number", number)  # not in logs of an older form
        and attempt["subject"] in ("", finished.subject)
        and _about(begun[number - 1]) == _about(finished) == said
    )
    if not is_it:
        raise VerificationError(
            f"{where}: this evaluation says that it is attempt {number}, which the log does not "
            f"say; {len(begun)} were begun on the same data before it ended"
        )
    if attempt["of"] != most or number > most:
        raise VerificationError(
            f"{where}: this evaluation is attempt {number} of {attempt['of']}; its policy allows "
            f"{most}"
        )


def require_as_written(
    raw: bytes, where: object, sha256: str, found: Mapping[str, str], checked: Iterable[str]
) -> None:
    """Refuse pages of an evaluation that are not those that were written with it.

    Parameters
    ----------
    raw : bytes
        A log that knows the evaluation (:func:`require_in_log`).
    where : object
        For the error line.
    sha256 : str
        Hash of ``evaluation.json``.
    found : mapping of str to str
        SHA-256 of the files that are there.
    checked : iterable of str
        Names that are looked at: what people read about the evaluation.

    Raises
    ------
    VerificationError
        If one is another file than the log says, or one that it does not know.  Lines of a log
        that name no files say nothing.
    """
    known = [a for a in attempts_in(raw, where) if a.result.get("evaluation") == sha256]
    written = known[-1].result.get("files") if known else None
    if not isinstance(written, dict):
        return
    changed = [name for name in checked if name in found and written.get(name) != found[name]]
    if changed:
        raise VerificationError(
            f"{where}: {changed[0]} is not the file that was written with this evaluation; it has "
            "been changed since"
        )


def _about(line: Any) -> tuple[str, Any, int]:
    return line.target, line.policy.get("sha256"), line.seed
