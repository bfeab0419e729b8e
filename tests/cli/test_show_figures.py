"""``synthgen show --figures``, as a person calls it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from synthgen.cli.main import commands


def run(*arguments: object):
    return CliRunner().invoke(commands, [str(a) for a in arguments])


@pytest.mark.parametrize("name", ["kr-demo", "kr-demo/statistics"])
def test_figures_of_a_model_or_its_pack_are_written(tmp_path, name):
    result = run("show", name, "--figures", tmp_path / "f", "--lang", "ko")
    assert result.exit_code == 0, result.output
    number = int(result.stdout.split()[0])
    assert len(list(tmp_path.glob("f/*.svg"))) == number > 20
    assert str(tmp_path / "f" / "index.html") in result.stderr


def test_figures_of_a_pack_without_a_model_say_what_to_do(tmp_path):
    result = run("show", "my-pack", "--figures", tmp_path / "f")
    assert result.exit_code == 2
    assert "synthgen fit my-pack -o MODEL" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_book_of_a_pack_is_printed_as_a_page():
    result = run("show", "kr-demo/statistics", "--html", "--lang", "ko")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith('<!DOCTYPE html>\n<html lang="ko">')
    assert "Cancer Incidence in Five Continents" in result.stdout


def test_a_pack_is_shown_under_korean_names():
    shown = run("show", "kr-demo/statistics", "--lang", "ko").stdout.splitlines()
    assert shown[2] == "통계표"
    assert shown[3].split() == ["통계표", "종류", "대상", "칸", "관계", "집단", "기간"]
    assert "근거의 종류" in shown
    assert "출처" in shown
