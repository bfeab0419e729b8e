"""Under which terms a cohort may be used, said as far as it is known.

The rows are invented, so the rights in them are those of whoever made the model; what a
cohort passes on of its sources are the figures that its frequencies imitate.  A cohort is
under CC BY 4.0 unless its pack forbids that: a pack under other terms, or under none, or
made from records, grants nothing by itself.  Sources whose terms are not confirmed are named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from synthgen.messages import message
from synthgen.statistics.model import StatisticsPack

CC_BY = "CC-BY-4.0"
CC_BY_URL = "https://creativecommons.org/licenses/by/4.0/"
#: Id of "no licence is granted", as SPDX names what its list does not have.
NONE = "LicenseRef-not-granted"
NONE_URL = "https://synthgen.invalid/licence/not-granted"
#: Terms of a pack under which what is made of it may be CC BY 4.0.
PERMITTING = frozenset(
    {"CC0-1.0", "CC-BY-3.0", "CC-BY-4.0", "PDDL-1.0", "ODC-By-1.0", "KOGL-1", "MIT", "Apache-2.0"}
)
PUBLIC = "public-statistics"


@dataclass(frozen=True)
class DataLicence:
    """Terms of a cohort.

    Parameters
    ----------
    id, url : str
        SPDX identifier and address.
    why : {"granted", "pack", "enclave"}
        Whether it is granted, and if not, what forbids it.
    pack_licence : str
        Terms of the pack.
    unconfirmed : tuple of str
        Citations of sources whose terms of passing on are not confirmed.
    """

    id: str
    url: str
    why: str
    pack_licence: str
    unconfirmed: tuple[str, ...]

    @property
    def granted(self) -> bool:
        """Whether the cohort may be passed on under a licence."""
        return self.why == "granted"

    def text(self, language: str) -> str:
        """What it means, as paragraphs of Markdown."""
        parts = [
            message(f"licence.{self.why}", language, pack=self.pack_licence or "–"),
            message("licence.records" if self.why == "enclave" else "licence.sources", language),
        ]
        if self.unconfirmed:
            listed = "\n".join(f"- {citation}" for citation in self.unconfirmed)
            parts.append(message("licence.unconfirmed", language) + "\n\n" + listed)
        return "\n\n".join(parts)

    def describe(self) -> dict[str, Any]:
        """Plain JSON values for the manifest."""
        return {
            "id": self.id,
            "url": self.url,
            "granted": self.granted,
            "unconfirmed_sources": len(self.unconfirmed),
        }


def licence_of(pack: StatisticsPack) -> DataLicence:
    """Terms of cohorts of a model that was fitted to a pack.

    Parameters
    ----------
    pack : StatisticsPack
    """
    unconfirmed = tuple(
        source.citation
        for source in pack.sources.values()
        if source.redistribution == "unconfirmed"
    )
    if pack.origin != PUBLIC:
        why = "enclave"
    else:
        why = "granted" if pack.licence in PERMITTING else "pack"
    granted = why == "granted"
    return DataLicence(
        CC_BY if granted else NONE,
        CC_BY_URL if granted else NONE_URL,
        why,
        pack.licence,
        unconfirmed,
    )
