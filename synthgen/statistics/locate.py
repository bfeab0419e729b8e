"""Finding a statistics pack by path, or by the id of the shipped model it belongs to."""

from __future__ import annotations

from pathlib import Path

from synthgen.errors import StatisticsError
from synthgen.resources import shipped

#: Folder of a model that holds its pack.
STATISTICS = "statistics"


def pack_folder(pack: str | Path) -> Path:
    """Folder of a pack.

    Parameters
    ----------
    pack : str or Path
        A pack's folder, a model's folder, ``"kr-demo/statistics"``, or ``"kr-demo"``.

    Raises
    ------
    StatisticsError
        If there is none.
    """
    known = shipped("fitted_models")
    name = str(pack).removesuffix(f"/{STATISTICS}")
    candidates = [Path(pack), Path(pack) / STATISTICS]
    if name in known:
        candidates.append(known[name] / STATISTICS)
    for folder in candidates:
        if (folder / "datapackage.json").is_file() and not (folder / "manifest.json").is_file():
            return folder
    given = Path(pack)
    if (given / "manifest.json").is_file():
        raise StatisticsError(f"{pack}: is a cohort or bundle; it must be a statistics pack")
    if given.is_dir():
        raise StatisticsError(
            f"{pack}: holds no datapackage.json; it must be a statistics pack (tabulate makes one "
            "of records)"
        )
    listed = ", ".join(f"{name}/{STATISTICS}" for name in known) or "none"
    raise StatisticsError(
        f"{pack}: no such statistics pack; shipped packs are {listed}, or give a folder with "
        "datapackage.json"
    )
