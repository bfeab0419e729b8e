"""``fit --prior`` on exact counts of few records: drawn towards the family, and marked so."""

from __future__ import annotations

import json

from click.testing import CliRunner

from synthgen.cli.main import commands
from synthgen.cohort.artefact import load_model
from synthgen.schema.write import write_schema
from synthgen.testing import small_records, small_schema


def test_few_records_are_drawn_towards_a_pack_of_many(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_schema(small_schema(), tmp_path / "schema")
    records = small_records()
    few, many = records.iloc[:20], records.iloc[20:]
    for name, frame in (("few", few), ("many", many)):
        (tmp_path / name).mkdir()
        frame.to_csv(tmp_path / name / "patient.csv", index=False)
        options = ["--schema", "schema", "--bins-from-data", "--allow-repeated"]
        options += ["--unprotected"] if name == "few" else []
        made = CliRunner().invoke(commands, ["tabulate", name, *options, "-o", f"{name}-pack"])
        assert made.exit_code == 0, made.output
    made = CliRunner().invoke(commands, ["fit", "few-pack", "--prior", "many-pack", "-o", "model"])
    assert made.exit_code == 0, made.output
    assert "records for single variables" in made.output
    said = json.loads((tmp_path / "model/model.json").read_text(encoding="utf-8"))
    model = load_model(tmp_path / "model")
    assert said["prior"]["id"] == model.prior.id
    plain = CliRunner().invoke(commands, ["fit", "few-pack", "-o", "plain"])
    assert plain.exit_code == 0, plain.output
    alone = load_model(tmp_path / "plain")
    shared = shares(model, "arm"), shares(alone, "arm")
    truth = many["arm"].value_counts(normalize=True)
    for code, share in truth.items():
        own, drawn = shared[1][code], shared[0][code]
        assert min(own, share) - 0.02 <= drawn <= max(own, share) + 0.02


def shares(model, name):
    """Shares of the codes of a variable."""
    values = model.distribution.marginal((name,))
    return dict(zip(model.distribution.domain.codes[name], values.tolist(), strict=True))
