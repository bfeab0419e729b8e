"""What ``check`` can find in a pack, in the words it uses, Korean and English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TEXTS: dict[str, tuple[str, str]] = {
    "broken": ("{reason}", "{reason}"),
    "total": (
        "the printed total is {printed}, its parts add up to {parts}",
        "인쇄된 합계는 {printed}인데 구성 항목의 합은 {parts}입니다",
    ),
    "subtotal": (
        "{label} is {printed}, its parts add up to {parts}",
        "{label} 값은 {printed}인데 구성 항목의 합은 {parts}입니다",
    ),
    "sex": (
        "{label} has {printed}, but this site occurs in one sex only; the rows may be totals of "
        "both sexes under a wrong label ({many} such rows)",
        "{label} 값이 {printed}이지만 한쪽 성에만 있는 부위입니다. 남녀 합계가 잘못 표시되었을 수 "
        "있습니다 (해당 행 {many}개)",
    ),
    "label": (
        "group {label} of {variable} is the title of code {code} but stands for {codes}",
        "{variable}의 묶음 {label}은(는) 코드 {code}의 이름인데 {codes}(으)로 정의되어 있습니다",
    ),
    "scope": (
        "{variable} has codes outside the scope of the pack ({many} such codes)",
        "{variable}에 이 팩의 범위를 벗어난 코드가 있습니다 ({many}개)",
    ),
    "life_table": (
        "observed survival needs the life table of its population, and the pack has none",
        "관찰생존율에는 해당 인구의 생명표가 필요하지만 팩에 없습니다",
    ),
    "shares": (
        "shares add up to {parts} %, not 100 ({label})",
        "비율의 합이 100이 아니라 {parts} %입니다 ({label})",
    ),
    "rises": (
        "relative survival rises from {printed} to {parts}; it is read as level",
        "상대생존율이 {printed}에서 {parts}(으)로 올라갑니다. 같은 값으로 읽습니다",
    ),
    "unit": (
        "all values are at most 1 though the unit is percent; they may be proportions",
        "단위는 퍼센트인데 모든 값이 1 이하입니다. 비율(0~1)일 수 있습니다",
    ),
    "no_n": (
        "{many} values have neither n nor confidence limits; they are given the weight of "
        "{cases:g} cases",
        "값 {many}개에 n도 신뢰구간도 없어 {cases:g}명의 자료로 간주합니다",
    ),
    "unused_source": ("source {label} is used by nothing", "출처 {label}을(를) 쓰는 표가 없습니다"),
    "non_commercial": (
        "source {label} has a non-commercial licence; packs must not hold such tables",
        "출처 {label}은(는) 비상업적 이용 조건입니다. 팩에 담을 수 없습니다",
    ),
    "quoted_facts": (
        "source {label} is a work under a non-commercial licence: single figures of it may be "
        "quoted as facts, nothing else of it may be in the pack",
        "출처 {label}은(는) 비상업적 이용 조건의 저작물입니다. 개별 수치만 사실로 인용할 수 있습니다",
    ),
    "unconfirmed": (
        "source {label}: whether it may be redistributed is not confirmed",
        "출처 {label}의 재배포 허용 여부가 확인되지 않았습니다",
    ),
}
"""Template of each finding: English, Korean."""

SEVERITIES = ("error", "warning", "information")
"""``error`` breaks the pack; ``warning`` is probably a mistake; the rest is to be known."""


@dataclass(frozen=True)
class Problem:
    """One finding about a pack.

    Parameters
    ----------
    code : str
        Key of :data:`TEXTS`.
    severity : {"error", "warning", "information"}
    table : str
        Name of the table, ``""`` for the pack itself.
    row : int
        Line of the CSV file, 0 for the table as a whole.
    values : mapping of str to object
        What the text names.
    """

    code: str
    severity: str
    table: str = ""
    row: int = 0
    values: Mapping[str, object] = field(default_factory=dict)

    def text(self, language: str = "en") -> str:
        """One line for people, in English or Korean (``"ko"``)."""
        template = TEXTS[self.code][1 if language == "ko" else 0]
        words = template.format(**self.values)
        row = f" row {self.row}" if language != "ko" else f" {self.row}행"
        where = f"{self.table}{row if self.row else ''}: " if self.table else ""
        return where + words
