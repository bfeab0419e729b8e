"""Chromium, and axe-core, which looks for what people with disabilities would stumble over."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

AXE = """<script src="axe.min.js"></script><pre id=axe></pre><script>
document.getElementById("lang-LANGUAGE").click();
for (const d of document.querySelectorAll("details")) d.open = true;
axe.run(document, {runOnly: WCAG, resultTypes: ["violations"]}).then(
  r => r.violations.map(v => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 200)]), String
).then(found => document.getElementById("axe").textContent = JSON.stringify(found));
</script></body>"""


@pytest.fixture(scope="session")
def browse() -> Callable[..., str]:
    """Run chromium in a folder with some arguments; returns what it prints."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    chromium = next((name for name in names if shutil.which(name)), None)
    if chromium is None:
        pytest.skip("chromium is not on this machine")

    def run(folder: Path, *arguments: str) -> str:
        done = subprocess.run(
            [chromium, *QUIET, f"--user-data-dir={folder / 'profile'}", *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=180,
            check=True,
        )
        return done.stdout

    return run


@pytest.fixture(scope="session")
def violations(browse) -> Callable[[Path, str], list[object]]:
    """What axe-core finds against WCAG 2.2 AA in a page, with everything opened."""
    axe = os.environ.get("AXE_CORE", "")
    if not axe:
        pytest.skip("AXE_CORE does not name axe.min.js (npm pack axe-core; .ci/run browser does)")

    def look(page: Path, language: str) -> list[object]:
        text = page.read_text(encoding="utf-8")
        text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
        script = AXE.replace("LANGUAGE", language).replace("WCAG", json.dumps(WCAG))
        beside = page.with_name("accessible.html")
        beside.write_text(text.replace("</body>", script), encoding="utf-8")
        shutil.copyfile(axe, page.with_name("axe.min.js"))
        dom = browse(
            page.parent,
            "--virtual-time-budget=300000",
            "--window-size=1200,1000",
            "--dump-dom",
            beside.as_uri(),
        )
        found = re.search(r'<pre id="axe">(.*?)</pre>', dom, re.S)
        assert found
        assert found[1], "axe-core did not end"
        result = json.loads(html.unescape(found[1]))
        assert isinstance(result, list), result
        return result

    return look
