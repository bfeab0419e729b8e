"""Finding the schemas, models and policies that are shipped with synthgen.

The same call works from a wheel, an sdist, an editable install and a plain checkout: the
folders lie at the top of the checkout, and are force-included into ``synthgen/_data`` of
a wheel.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def data_root() -> Path:
    """Folder holding ``schemas/``, ``fitted_models/`` and ``evaluation/policies/``.

    Raises
    ------
    FileNotFoundError
        If the installation is incomplete.  It is our bug, so it is not a SynthgenError.
    """
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "schemas").is_dir():
        return checkout
    installed = Path(str(files("synthgen"))) / "_data"
    if not installed.is_dir():
        raise FileNotFoundError(f"{installed}: the data folders of synthgen are missing")
    return installed


def shipped(folder: str) -> dict[str, Path]:
    """Shipped folders by id, in order of id.

    Parameters
    ----------
    folder : str
        ``"schemas"`` or ``"fitted_models"``.

    Returns
    -------
    dict of str to Path
        Empty where the folder does not exist.
    """
    root = data_root() / folder
    if not root.is_dir():
        return {}
    return {
        path.name: path
        for path in sorted(root.iterdir())
        if path.is_dir()
        and not path.name.startswith((".", "_"))
        and path.name not in {"formats", "exports", "clinical", "vocabularies"}
    }
