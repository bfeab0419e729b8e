"""The European incidence file: what the clinical tables add to the registry's line."""

import csv

from synthgen.exports import export_cohort


def lines(cohort, folder):
    export_cohort(cohort, "encr-jrc", folder)
    with (folder / "incidence.csv").open(encoding="utf-8", newline="") as opened:
        return {r["TUM"]: r for r in csv.DictReader(opened, delimiter=";")}


def test_tnm_and_the_order_of_treatments_come_from_the_clinical_tables(clinical, tmp_path):
    found = lines(clinical, tmp_path / "out")
    sarcoma, eye, gist, thymus, certificate = found.values()
    tnm = ("TNM_ed", "cT", "cN", "cM", "pT", "pN", "pM", "ToS", "Stage")
    assert [sarcoma[c] for c in tnm] == ["8", "2", "0", "0", "2", "0", "0", "paS", "3"]
    assert [eye[c] for c in tnm] == ["8", "2a", "0", "0", "", "", "", "cIS", "2"]
    assert [thymus[c] for c in tnm] == ["", "", "", "", "", "", "", "S", "2"]
    treated = ("Surgery", "Rt", "Cht", "Tt", "It", "Ht")
    assert [sarcoma[c] for c in treated] == ["1", "3", "3", "", "0", "0"]
    assert [gist[c] for c in treated] == ["1", "0", "0", "1", "0", "0"]
    assert [thymus[c] for c in treated] == ["1", "3", "0", "", "0", "0"]
    assert (certificate["BoD"], certificate["Surv_time"], certificate["Vit_stat"]) == (
        "0",
        "0",
        "2",
    )


def test_every_code_is_one_that_the_call_for_data_knows(clinical, tmp_path):
    codes = {
        "Sex": "123", "BoD": "01245679", "Beh": "0123", "Grade": "123456789", "Autopsy": "019",
        "Vit_stat": "129", "Stage": "012349", "Surgery": "01239", "Rt": "01239", "Cht": "012349",
        "Tt": "019", "It": "019", "Ht": "019",
    }  # fmt: skip
    systems = {"A", "D", "E", "F", "S", "cIS", "paS", "cpS", "coS", "esS", "T1", "T2", "8", "9"}
    for row in lines(clinical, tmp_path / "out").values():
        assert row["ToS"] in systems
        for column, allowed in codes.items():
            assert row[column] in {*allowed, ""}, column
