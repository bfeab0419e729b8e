"""Demonstration names: invented, marked as invented, and only where they are asked for.

The given and family names are Faker's lists; every combination of a list is equally likely,
so no name is as frequent as in a population.  Each name ends with a word that says that it
is fictitious.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from synthgen.randomness import BLOCK_SIZE, block_generator
from synthgen.schema.model import Column, ColumnType, Schema, Sensitivity

if TYPE_CHECKING:
    from synthgen.cohort.settings import Settings

IntArray = npt.NDArray[np.intp]

#: Languages of names, with the word that marks a name as invented.
MARKS = {"ko": "(가상)", "et": "(fiktiivne)"}
#: Table and column of the names.
TABLE, COLUMN = "patient", "demonstration_name"
#: Codes of the column ``sex``.
MALE, FEMALE = "1", "2"


@dataclass(frozen=True)
class Names:
    """All names of a language.

    Parameters
    ----------
    all : tuple of str
        Those of men, then those of women; a name of both stands once, among those of men.
    rows : mapping of str to ndarray of intp
        Positions of the names of each sex.
    """

    all: tuple[str, ...]
    rows: dict[str, IntArray]


def column_of(language: str) -> Column:
    """The column that holds the names."""
    return Column(
        COLUMN,
        ColumnType.STRING,
        nullable=True,
        title="Demonstration name",
        title_ko="시연용 이름",
        description=(
            f"Invented, and marked {MARKS[language]}: drawn evenly from lists of the package "
            "Faker. Not part of the schema; for demonstrations only."
        ),
        description_ko=(
            f"지어낸 이름이며 {MARKS[language]} 표시가 붙는다. Faker의 이름 목록에서 고르게 뽑았다. "
            "스키마에 없는 열이며 시연에만 쓴다."
        ),
        sensitivity=Sensitivity.NONE,
    )


def schema_of(schema: Schema, settings: Settings) -> Schema:
    """Schema of a cohort: the model's, and the column of names where they are asked for."""
    return schema_with_names(schema, settings.names)


def schema_with_names(schema: Schema, language: str) -> Schema:
    """Schema with the column of names of a language; as it is without one."""
    if not language:
        return schema
    extra = column_of(language)
    tables = tuple(
        replace(table, columns=(*table.columns, extra)) if table.name == TABLE else table
        for table in schema.tables
    )
    return replace(schema, tables=tables)


@cache
def names_in(language: str) -> Names:
    """Names of a language by sex, in the order of Faker's lists.

    Parameters
    ----------
    language : {"ko", "et"}
    """
    mark = MARKS[language]
    by_sex = _korean() if language == "ko" else _estonian()
    marked = {sex: [f"{name} {mark}" for name in found] for sex, found in by_sex.items()}
    known = tuple(dict.fromkeys(name for found in marked.values() for name in found))
    rank = {name: i for i, name in enumerate(known)}
    rows = {
        sex: np.array([rank[name] for name in dict.fromkeys(found)], dtype=np.intp)
        for sex, found in marked.items()
    }
    return Names(known, rows)


def _korean() -> dict[str, list[str]]:
    from faker.providers.person.ko_KR import Provider

    given = {MALE: Provider.first_names_male, FEMALE: Provider.first_names_female}
    return {
        sex: [family + first for family, first in product(Provider.last_names, firsts)]
        for sex, firsts in given.items()
    }


def _estonian() -> dict[str, list[str]]:
    from faker.providers.person.et_EE import Provider

    def pairs(firsts: Iterable[str], families: Iterable[str]) -> list[str]:
        return [f"{first} {family}" for first, family in product(firsts, families)]

    return {
        MALE: pairs(Provider.first_names_male_est, Provider.last_names_est)
        + pairs(Provider.first_names_male_rus, Provider.last_names_rus),
        FEMALE: pairs(Provider.first_names_female_est, Provider.last_names_est)
        + pairs(Provider.first_names_female_rus, Provider.last_names_rus),
    }


def draw_names(
    language: str, model_hash: str, seed: int, block: int, sex: IntArray, sexes: tuple[str, ...]
) -> tuple[IntArray, tuple[str, ...]]:
    """Names of the patients of a block, as positions among all names of the language.

    Parameters
    ----------
    language : {"ko", "et"}
    model_hash : str
    seed : int
    block : int
    sex : ndarray of intp, shape (n,)
        Positions among ``sexes``.
    sexes : tuple of str
    """
    names = names_in(language)
    rng = block_generator(model_hash, seed, block, "names")
    words = rng.integers(0, 2**32, size=BLOCK_SIZE, dtype=np.uint64)[: len(sex)]
    chosen = np.full(len(sex), -1, dtype=np.intp)
    for position, code in enumerate(sexes):
        mine = np.flatnonzero(sex == position)
        rows = names.rows.get(code, np.arange(len(names.all), dtype=np.intp))
        at = (words[mine] * np.uint64(len(rows))) >> np.uint64(32)
        chosen[mine] = rows[at.astype(np.intp)]
    return chosen, names.all
